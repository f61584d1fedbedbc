"""The heartbeat of this process: one thread for all its leases."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

BEAT_S: Final = 0.5
_LOG = logging.getLogger(__name__)


class Heart:
    """Calls every beat that is registered twice a second, while there is any."""

    def __init__(self) -> None:
        self._beats: dict[object, Callable[[], bool]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, key: object, beat: Callable[[], bool]) -> None:
        """Call ``beat`` from now on; it is left out once it has returned False."""
        with self._changed:
            self._beats[key] = beat
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def remove(self, key: object) -> None:
        """Call it no more; when this returns, it is not being called either."""
        with self._changed:
            self._beats.pop(key, None)
            self._changed.notify_all()

    def _run(self) -> None:
        with self._changed:
            while self._beats:
                for key, beat in tuple(self._beats.items()):
                    try:
                        goes_on = beat()
                    except OSError:
                        _LOG.exception("a heartbeat failed")
                        goes_on = False
                    if not goes_on:
                        self._beats.pop(key, None)
                self._changed.wait(BEAT_S)
            self._thread = None


HEART: Final = Heart()
"""The heart of this process."""
