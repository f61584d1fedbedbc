"""Under xdist: the end of the controller reaches the workers at once, for they have the benches.

By itself xdist waits seconds for a running test, and a controller that is killed is noticed late.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from hil import plugin
from hil.bench.safe_state import SAFE_STATE

if TYPE_CHECKING:
    from hil.pytest_run import Run

_log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> None:
    """Get SIGTERM when the parent process ends, however it ends (Linux; elsewhere nothing)."""
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


ANNOUNCEMENT: Final = "operator.txt"
"""File of a worker's folder that tells the controller what the operator will be asked."""


class WorkerNode(Protocol):
    """What the controller knows of a worker."""

    workerinput: dict[str, str]


class Workers:
    """Hooks of the controller: remembers its workers, and ends them when it is ended."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pids: list[int] = []
        self._announced = False

    def pytest_sessionstart(self) -> None:
        """Take SIGTERM and SIGHUP as an interrupt from now on.

        Raises pytest.UsageError for a script of the operator's that is none: a worker would end
        without a word of why.
        """
        if plugin.setting(self._run.config, "operator_script"):
            from hil.pytest_operator import backend_of  # noqa: PLC0415 - only where one is given

            backend_of(self._run.config)
        SAFE_STATE.register("workers", self.end)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerNode) -> None:
        """Give a worker its folder, so that what its watchdog reports is found if it is lost."""
        node.workerinput["hil_run_dir"] = str(self._run.folder_of_workers())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: object) -> None:
        """Remember a worker's process."""
        # xdist does not tell; its gateway has the process that it started.
        popen = getattr(getattr(getattr(node, "gateway", None), "_io", None), "popen", None)
        if popen is None:
            _log.warning("the process of %r is not known", node)
        else:
            self._pids.append(popen.pid)

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self, node: WorkerNode) -> None:
        """Announce what the operator will be asked: the controller itself collects no tests."""
        worker = node.workerinput["workerid"]
        path = self._run.folder_of_workers() / worker / ANNOUNCEMENT
        plugins = self._run.config.pluginmanager
        reporter = plugins.get_plugin("terminalreporter")
        if self._announced or reporter is None or not path.is_file():
            return
        self._announced = True  # the others have collected the same
        progress = plugins.get_plugin("hil-progress")
        if progress is not None:
            progress.make_room()
        for line in path.read_text(encoding="utf-8").splitlines():
            reporter.write_line(line)

    def pytest_keyboard_interrupt(self) -> None:
        """Interrupt the tests that run."""
        self.end()

    def end(self) -> None:
        """Tell each worker to end; a bench in it is made safe by its teardown. Idempotent."""
        while self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pids.pop(), signal.SIGTERM)
