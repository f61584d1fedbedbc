"""The owner's end of a watchdog: starts it, keeps it quiet, lets it go when all is proven off."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

from hil.equipment.power_supply.watch_orders import (
    BEAT_S,
    DEFAULT_RETRY_S,
    DEFAULT_SILENCE_S,
    Orders,
    WatchReport,
)
from hil.errors import SafetyError

_LOG = logging.getLogger(__name__)
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[3]
_BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from hil.equipment.power_supply.watchdog_process import main; sys.exit(main())"
)
_END_S: Final = 3.0
_AT_WORK: Final[list[subprocess.Popen[bytes]]] = []
"""Processes that go on without us; kept, so that nobody complains of them as forgotten."""


class Watchdog:
    """A process that switches one supply off when this one no longer can.

    Start it early, give it to :meth:`PowerSupply.watched_by`, and it is released by the supply's
    ``close()`` if all outputs were proven off; otherwise it acts. A context manager.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        report: Path,
        *,
        silence_s: float,
        retry_s: float,
        deadline: Callable[[], float],
        lost: Callable[[str], None],
    ) -> None:
        self.process = process
        self.report_file = report
        self.silence_s = silence_s
        self.retry_s = retry_s
        self._deadline = deadline
        self._lost = lost
        self._problem = "it does not watch any supply yet"
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def start(
        cls,
        report: Path,
        *,
        silence_s: float = DEFAULT_SILENCE_S,
        retry_s: float = DEFAULT_RETRY_S,
        deadline: Callable[[], float] = lambda: 0.0,
        lost: Callable[[str], None] = lambda _: None,
        keep: Sequence[int] = (),
        stderr: int | None = None,
    ) -> Self:
        """Start the process; ``report`` is the file in which it tells its end.

        ``deadline`` is asked at each beat: the :func:`time.monotonic` time by which this process
        must have said another one, 0 for none. ``lost`` is called, in a thread of ours, when the
        watchdog is gone while it is needed, with the reason: switch off then. ``keep``: descriptors
        that stay open in it, lifelines of what it needs to reach the supply.
        """
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, str(_PACKAGE_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            pass_fds=keep,
            bufsize=0,
            # Signals of the terminal are for us; it must outlive them, and us.
            start_new_session=True,
        )
        return cls(
            process, report, silence_s=silence_s, retry_s=retry_s, deadline=deadline, lost=lost
        )

    def __enter__(self) -> Self:
        """Return the watchdog."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it act, unless it was released."""
        self.let_act()

    def watch(self, orders: Orders, *, timeout_s: float = 20.0) -> None:
        """Give it its orders and wait until it has reached the supply; SafetyError if it cannot."""
        self._write(orders.line())
        answer = self._answer(timeout_s)
        if answer != b"ready":
            self.let_act()
            text = answer.removeprefix(b"problem ").decode(errors="replace")
            raise SafetyError(
                f"{orders.resource}: its watchdog is not ready: {text or 'no answer'}; nothing is "
                f"switched on without one"
            )
        self._problem = ""
        assert self.process.stdin is not None  # noqa: S101 - Popen was asked for a pipe
        os.set_blocking(self.process.stdin.fileno(), False)
        self._thread = threading.Thread(target=self._beat, name="watchdog beat", daemon=True)
        self._thread.start()

    def require(self) -> None:
        """Raise :class:`SafetyError` unless it watches now."""
        if not self._problem and self.process.poll() is not None:
            self._problem = f"it ended by itself: {self._how_it_ended()}"
        if self._problem:
            raise SafetyError(
                f"the watchdog (process {self.process.pid}) does not watch: {self._problem}; "
                f"nothing is switched on without one"
            )

    def beat(self) -> None:
        """Give a sign of life now, with the deadline that holds now."""
        self._write(b"beat %.3f\n" % self._deadline())

    def release(self) -> None:
        """Let it go: all outputs are proven off. May be called again."""
        self._stop_beating()
        self._write(b"released\n")
        self.let_act()

    def let_act(self, *, wait_s: float = _END_S) -> WatchReport | None:
        """Say no more: it acts, unless it was released. Return its report, None without one.

        It goes on after ``wait_s`` seconds if it has not ended by then. May be called again.
        """
        self._stop_beating()
        self._problem = self._problem or "it was let go"
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            _AT_WORK.append(self.process)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.report()

    def report(self) -> WatchReport | None:
        """Return its last report, None if there is none."""
        try:
            return WatchReport.load(self.report_file)
        except (OSError, ValueError, TypeError):
            return None

    def _answer(self, timeout_s: float) -> bytes:
        stdout = self.process.stdout
        assert stdout is not None  # noqa: S101 - Popen was asked for a pipe
        deadline = time.monotonic() + timeout_s
        answer = b""
        while not answer.endswith(b"\n"):
            left_s = max(0.0, deadline - time.monotonic())
            if not select.select([stdout], [], [], left_s)[0]:
                return b"problem no answer in time"
            data = os.read(stdout.fileno(), 4096)
            if not data:
                self.process.wait(_END_S)
                return b"problem " + self._how_it_ended().encode()
            answer += data
        return answer.strip()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            self.beat()
            if self.process.poll() is not None:
                self._problem = f"it ended by itself: {self._how_it_ended()}"
                _LOG.error("watchdog %d: %s", self.process.pid, self._problem)
                if not self._ended.is_set():
                    self._lost(self._problem)
                return

    def _stop_beating(self) -> None:
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def _write(self, data: bytes) -> None:
        stdin = self.process.stdin
        if stdin is not None and not stdin.closed:
            # A full or broken pipe means that it is stopped or gone, which is noticed elsewhere.
            with contextlib.suppress(OSError):
                os.write(stdin.fileno(), data)

    def _how_it_ended(self) -> str:
        report = self.report()
        if report is not None and report.reason:
            return str(report)
        code = self.process.returncode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
