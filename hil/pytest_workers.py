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


class WorkerNode(Protocol):
    """What the controller knows of a worker."""

    workerinput: dict[str, str]


class Workers:
    """Hooks of the controller: remembers its workers, and ends them when it is ended."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pids: list[int] = []

    def pytest_sessionstart(self) -> None:
        """Take SIGTERM and SIGHUP as an interrupt from now on."""
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

    def pytest_keyboard_interrupt(self) -> None:
        """Interrupt the tests that run."""
        self.end()

    def end(self) -> None:
        """Tell each worker to end; a bench in it is made safe by its teardown. Idempotent."""
        while self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pids.pop(), signal.SIGTERM)
