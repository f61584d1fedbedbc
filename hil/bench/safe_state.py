"""What must be made safe when a run ends, however it ends.

Actions (switch the output off, end a process) are registered while something dangerous is on and
run last registered, first made safe: at teardown, at the end of the session and at interpreter
exit. An action that succeeded is forgotten; one that failed is tried again at the next occasion.
While anything is registered, SIGTERM and SIGHUP interrupt the run as Ctrl-C does, so that
teardown takes place; pytest itself would die at once.
"""

from __future__ import annotations

import atexit
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from hil.bench.late_signals import LateSignals

_log = logging.getLogger(__name__)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


class Terminated(KeyboardInterrupt):
    """The run was told to end by a signal; raised so that teardown takes place."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number


class SafeState:
    """A registry of actions that make the bench safe."""

    def __init__(self) -> None:
        self._actions: dict[int, tuple[str, Callable[[], object]]] = {}
        self._lock = threading.RLock()
        self._next = 0
        self._previous: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._terminating = False
        self._late = LateSignals()

    def register(self, name: str, action: Callable[[], object]) -> Callable[[], None]:
        """Register an idempotent action; return a function that forgets it again."""
        with self._lock:
            if not self._actions:
                self._arm()
            self._next += 1
            number = self._next
            self._actions[number] = (name, action)

        def forget() -> None:
            with self._lock:
                self._actions.pop(number, None)
                if not self._actions:
                    self._disarm()

        return forget

    def make_safe(self) -> list[str]:
        """Run every action; return what failed, a line each. Never raises for an action.

        An interrupt that comes meanwhile is held back until every action had its turn.
        """
        failed: list[str] = []
        interrupt: BaseException | None = None
        with self._lock:
            pending = sorted(self._actions.items(), reverse=True)
            for number, (name, action) in pending:
                try:
                    action()
                except Exception as err:  # noqa: BLE001 - the other actions must have their turn
                    _log.exception("safe state: %s failed", name)
                    failed.append(f"{name}: {err}")
                    continue
                except BaseException as err:  # noqa: BLE001 - raised again below
                    interrupt = err
                    failed.append(f"{name}: interrupted")
                    continue
                self._actions.pop(number, None)
            if not self._actions:
                self._disarm()
        if interrupt is not None:
            raise interrupt
        return failed

    def _arm(self) -> None:
        atexit.register(self.make_safe)
        self._terminating = False
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            previous = signal.getsignal(number)
            # Whoever ignores a signal (nohup) or handles it outside Python goes on doing so.
            if previous is signal.SIG_IGN or previous is None:
                continue
            self._previous[number] = previous
            signal.signal(number, self._on_signal)
        self._late.watch()

    def _disarm(self) -> None:
        atexit.unregister(self.make_safe)
        if threading.current_thread() is not threading.main_thread():
            return
        self._late.leave()
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, previous)
        self._previous.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._terminating:
            # A second request must not cut the teardown short that the first one began.
            return
        self._terminating = True
        previous = self._previous.get(number)
        if callable(previous) and previous is not signal.default_int_handler:
            previous(number, frame)
        raise Terminated(number)


SAFE_STATE: Final = SafeState()
"""The registry of this process; signal handlers belong to a process, so there is one."""
