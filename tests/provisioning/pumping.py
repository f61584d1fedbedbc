"""Runs an SM-SR's queue beside a test, as the server process does."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from hil.provisioning.sm_sr.ota_queue import OtaQueue


class Pumping:
    """A thread that pumps a queue until it is left."""

    def __init__(self, queue: OtaQueue) -> None:
        self._queue = queue
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._queue.wake()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.is_set():
            pause = self._queue.pump()
            self._queue.wait(min(0.5, pause if pause is not None else 0.5))
