"""No test goes on for ever: a deadline for each, known to the watchdog of the bench as well.

A test of ours that runs beyond ``--hil-test-timeout`` is ended by an exception in the main thread.
Where pytest-timeout times a test (marker, option or ini file), that is left to it. A main thread
that cannot be interrupted, stuck in C code, is left to the watchdog: it switches the outputs off.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from hil import plugin

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from hil.pytest_run import Run

DEFAULT_S: Final = 600.0
TEARDOWN_S: Final = 60.0
"""What tears a test down has so long before the watchdog takes it for hung."""


class HungTestError(BaseException):
    """A test ran beyond its time; whatever kept it, the product was not judged.

    Not an Exception: it is raised wherever the test is just then, and it comes once. Nobody who
    handles errors there may take it for one of theirs.
    """


class TimeoutSettings(Protocol):
    """What pytest-timeout says of the timer of a test."""

    @property
    def timeout(self) -> float | None:
        """Seconds."""


def test_timeout(config: pytest.Config) -> float:
    """Return how long a test may take in seconds, 0 for ever; pytest.UsageError for nonsense."""
    given = plugin.setting(config, "test_timeout")
    try:
        seconds = float(given) if given else DEFAULT_S
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < threading.TIMEOUT_MAX:
        raise pytest.UsageError(f"--hil-test-timeout: {given!r} is no number of seconds")
    return seconds


class Deadline:
    """Hooks that keep the time of each test and tell ``run`` its deadline."""

    def __init__(self, run: Run, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        self._foreign: tuple[pytest.Item, Any] | None = None
        """The test that pytest-timeout times, and what it says of its timer."""
        self._ours = False

    @contextmanager
    def paused(self, longest_s: float) -> Iterator[None]:
        """Let nothing of a test's time pass while a person has at most ``longest_s`` to act."""
        deadline = self._run.deadline
        left_s = max(deadline - time.monotonic(), 0.0) if deadline else 0.0
        timer_s, foreign = 0.0, self._foreign
        if self._ours:
            timer_s, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        elif foreign is not None:
            foreign[0].config.hook.pytest_timeout_cancel_timer(item=foreign[0])
        if deadline:
            self._run.expect(time.monotonic() + longest_s + left_s)
        try:
            yield
        finally:
            if deadline:
                self._run.expect(time.monotonic() + left_s)
            if timer_s:
                signal.setitimer(signal.ITIMER_REAL, timer_s)
            elif foreign is not None and deadline:
                item, settings = foreign
                rest = settings._replace(timeout=max(left_s, 0.001))
                item.config.hook.pytest_timeout_set_timer(item=item, settings=rest)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:  # noqa: ARG002
        """Forget the deadline behind each test."""
        try:
            return (yield)
        finally:
            self._disarm()
            self._foreign = None
            self._run.expect(0.0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Start the time of a test, unless pytest-timeout keeps it."""
        if self._foreign is not None or not self._seconds:
            return
        self._run.expect(time.monotonic() + self._seconds)
        here = threading.current_thread() is threading.main_thread()
        if here and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:

            def overrun(_number: int, _frame: FrameType | None) -> None:
                self._ours = False
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                raise HungTestError(
                    f"{item.nodeid} ran longer than {self._seconds:g} s (--hil-test-timeout)"
                )

            signal.signal(signal.SIGALRM, overrun)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
            self._ours = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Give the teardown a time of its own; nothing interrupts it but the watchdog."""
        self._disarm()
        if self._seconds:
            self._run.expect(time.monotonic() + max(TEARDOWN_S, self._seconds))

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: TimeoutSettings) -> Any:  # noqa: ANN401
        """Take note of the deadline that pytest-timeout keeps; ours is not needed then."""
        self._disarm()
        self._foreign = (item, settings)
        if settings.timeout:
            self._run.expect(time.monotonic() + settings.timeout)

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> Any:  # noqa: ANN401, ARG002
        """Expect nothing more by that deadline."""
        self._run.expect(time.monotonic() + TEARDOWN_S if self._seconds else 0.0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self) -> None:
        """Let a person take the time they need."""
        self._disarm()
        self._seconds = 0.0
        self._run.expect(0.0)

    def _disarm(self) -> None:
        if self._ours:
            self._ours = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
