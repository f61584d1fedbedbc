"""Deadlines for calls that know none: PC/SC's transmit, or a card object's.

:class:`Interrupt` is for a reader whose card can be taken out by the bench (the virtual one): the
call runs in the caller's thread, and at the deadline a watcher takes the card out, which ends the
call. :class:`Abandon` is for everything else: the call runs in a thread of its own, and at the
deadline the caller goes on without it. A real reader offers no handle to stop a command that its
card never answers; the abandoned thread then stays until the card is pulled, and so does the
service's hold on that reader, so a card is only usable again after a new connection.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from hil.equipment.card.errors import CardTimeoutError

_T = TypeVar("_T")
_WATCH_S: Final = 0.02
_AFTER_INTERRUPT_S: Final = 0.25


class Deadline(Protocol):
    """A way to give a call a deadline."""

    def call(self, function: Callable[..., _T], *arguments: object, timeout_s: float) -> _T:
        """Return what the function returns; :class:`CardTimeoutError` when it takes too long."""

    def close(self) -> None:
        """End helper threads."""


class Interrupt:
    """Runs calls in place; ``interrupt`` must make a call in flight return."""

    def __init__(self, what: str, interrupt: Callable[[], None]) -> None:
        self._what = what
        self._interrupt = interrupt
        self._due = 0.0
        self._fired = False
        self._stop: threading.Event | None = None

    def call(self, function: Callable[..., _T], *arguments: object, timeout_s: float) -> _T:
        """Run in this thread; the watcher interrupts at the deadline, at most 20 ms late."""
        if self._stop is None:
            self._watch()
        self._due = time.monotonic() + timeout_s
        try:
            result = function(*arguments)
        finally:
            self._due = 0.0
        if self._fired:
            self._fired = False
            raise CardTimeoutError(
                f"{self._what} kept silent for {timeout_s:g} s; its card was taken out"
            )
        return result

    def close(self) -> None:
        """End the watcher."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _watch(self) -> None:
        self._stop = stop = threading.Event()

        def watch() -> None:
            while not stop.wait(_WATCH_S):
                due = self._due
                if due and time.monotonic() > due:
                    self._fired = True
                    self._interrupt()
                    # Again if the call does not return; a new call has a new deadline.
                    stop.wait(_AFTER_INTERRUPT_S)

        threading.Thread(target=watch, name="card-deadline", daemon=True).start()


class Abandon:
    """Runs calls in a helper thread; at the deadline leaves the thread behind and goes on."""

    def __init__(
        self, what: str, *, late: Callable[[], Callable[[], object]] | None = None
    ) -> None:
        """``late`` gives what the thread left behind does once its call returns after all."""
        self._what = what
        self._late = late
        self._work: queue.SimpleQueue[_Call | None] | None = None

    def call(self, function: Callable[..., _T], *arguments: object, timeout_s: float) -> _T:
        """Run in the helper thread and wait."""
        if self._work is None:
            self._work = queue.SimpleQueue()
            threading.Thread(
                target=_serve, args=(self._work,), name="card-call", daemon=True
            ).start()
        one = _Call(lambda: function(*arguments))
        self._work.put(one)
        if not one.wait(timeout_s, self._late):
            self.close()
            raise CardTimeoutError(f"{self._what} kept silent for {timeout_s:g} s; connect again")
        if one.error is not None:
            raise one.error
        return one.result  # type: ignore[return-value]

    def close(self) -> None:
        """Let the helper thread end once its call returns."""
        if self._work is not None:
            self._work.put(None)
            self._work = None


class _Call:
    """One call on its way through the helper thread."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self.result: object = None
        self.error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()
        self._lock = threading.Lock()
        self._finished = False
        self._late: Callable[[], object] | None = None

    def wait(self, timeout_s: float, late: Callable[[], Callable[[], object]] | None) -> bool:
        """Return whether the call came to an end in time."""
        if self._done.acquire(timeout=max(0.0, timeout_s)):
            return True
        with self._lock:
            if not self._finished and late is not None:
                self._late = late()
            return self._finished

    def run(self) -> None:
        """Make the call, in the helper thread."""
        try:
            self.result = self._function()
        except BaseException as err:  # noqa: BLE001  (handed to the caller, whatever it is)
            self.error = err
        with self._lock:
            self._finished = True
            late = self._late
        self._done.release()
        if late is not None:
            late()


def _serve(work: queue.SimpleQueue[_Call | None]) -> None:
    while (one := work.get()) is not None:
        one.run()
