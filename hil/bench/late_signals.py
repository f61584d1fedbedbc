"""Sees to it that a signal is heeded though it came just before the process went to sleep.

Python runs the handler of a signal between two steps of its own. A signal that comes after the
last step before a call of the system that waits, or that the system gives to another thread, is
noted only: its handler runs when that call is over, perhaps a minute later. A thread therefore
learns of each signal through the wakeup descriptor, and interrupts what the main thread waits for
with a signal that does nothing; Python then runs every handler that is due, and goes on waiting if
none of them raised.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM})
_NUDGE: Final = signal.SIGURG
"""Nobody misses it: without a handler it does nothing, and only urgent data of a socket send it."""
_AFTER_S: Final = (0.02, 0.1, 0.4)
"""More than one, because a nudge too may come just before the main thread waits."""


class LateSignals:
    """While it watches, no signal to end waits for the main thread; used from that thread."""

    def __init__(self) -> None:
        self._write = -1

    def watch(self) -> None:
        """Begin; nothing is watched where somebody else has a use for what it needs."""
        if self._write >= 0 or signal.getsignal(_NUDGE) is not signal.SIG_DFL:
            return
        read, write = os.pipe()
        os.set_blocking(write, False)
        found = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        if found >= 0:  # an event loop of this thread, which is woken by it anyway
            signal.set_wakeup_fd(found)
            os.close(read)
            os.close(write)
            return
        self._write = write
        signal.signal(_NUDGE, _nothing)
        main = threading.get_ident()
        threading.Thread(target=_nudge, args=(read, main), name="hil-signals", daemon=True).start()

    def leave(self) -> None:
        """End; the thread ends by itself."""
        if self._write < 0:
            return
        found = signal.set_wakeup_fd(-1)
        if found not in (self._write, -1):  # an event loop that began meanwhile
            signal.set_wakeup_fd(found)
        signal.signal(_NUDGE, signal.SIG_DFL)
        os.close(self._write)
        self._write = -1


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Take the nudge: that it came is its whole effect."""


def _nudge(read: int, main: int) -> None:
    with open(read, "rb", buffering=0) as signals:
        while numbers := signals.read(64):
            if _ENDING.isdisjoint(numbers):
                continue
            for seconds in _AFTER_S:
                time.sleep(seconds)
                # Once it watches no longer, the signal does nothing; at the very end of the
                # process there may be no main thread any more.
                with contextlib.suppress(ProcessLookupError):
                    signal.pthread_kill(main, _NUDGE)
