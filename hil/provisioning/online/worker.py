"""Carries out the calls of an SM-DP side by side, one at a time on each eUICC."""

from __future__ import annotations

import logging
import threading
from typing import Final

from hil.provisioning.online.calls import OnlineCalls

log = logging.getLogger(__name__)

SIDE_BY_SIDE: Final = 16
_STOP_SECONDS: Final = 5.0


class CallWorker:
    """Threads that carry out calls; :meth:`work` begins what can begin."""

    def __init__(self, calls: OnlineCalls, *, side_by_side: int = SIDE_BY_SIDE) -> None:
        self._calls = calls
        self._side_by_side = side_by_side
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def work(self) -> None:
        """Begin calls on eUICCs that are free, as far as there is room."""
        with self._lock:
            while not self._calls.over and len(self._running) < self._side_by_side:
                found = self._calls.next_call(frozenset(self._running))
                if found is None:
                    return
                call, eid = found
                thread = threading.Thread(
                    target=self._run, args=(call, eid), name=f"call {call}", daemon=True
                )
                self._running[eid] = thread
                thread.start()

    def end(self) -> None:
        """Begin nothing any more; what fails from now on is left to the next start."""
        self._calls.stop()

    def stop(self) -> None:
        """Wait a moment for what is running, once its ways are closed."""
        with self._lock:
            threads = list(self._running.values())
        for thread in threads:
            thread.join(_STOP_SECONDS)

    def _run(self, call: str, eid: str) -> None:
        try:
            self._calls.carry_out(call)
        except Exception:
            # A call that this server cannot carry out must not keep the eUICC busy for ever.
            log.exception("call %s", call)
            self._calls.give_up(call)
        finally:
            with self._lock:
                self._running.pop(eid, None)
