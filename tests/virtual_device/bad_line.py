"""A serial line that can be spoilt: a second pty pair between driver and device."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress

Spoil = Callable[[int, bytes], list[bytes]]
"""Given the number of a piece (from 0) and the piece with its closing 00: what goes on instead."""


def pass_on(_number: int, piece: bytes) -> list[bytes]:
    return [piece]


class BadLine:
    """Relays both directions; pieces that end in 00 (frames) can be spoilt, each way by a rule."""

    def __init__(self, device_port: str) -> None:
        self._device = os.open(device_port, os.O_RDWR | os.O_NOCTTY)
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        self.to_device: Spoil = pass_on
        self.to_host: Spoil = pass_on
        self.silent = False
        self._stop_read, self._stop_write = os.pipe()
        self._pieces = {self._far: bytearray(), self._device: bytearray()}
        self._numbers = {self._far: 0, self._device: 0}
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()

    def restart_count(self) -> None:
        for end in self._numbers:
            self._numbers[end] = 0

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join(5)
        for end in (self._device, self._far, self._near, self._stop_read, self._stop_write):
            with suppress(OSError):
                os.close(end)

    def _relay(self) -> None:
        while True:
            ready, _, _ = select.select([self._far, self._device, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            for end in ready:
                try:
                    data = os.read(end, 4096)
                except OSError:
                    return
                other, spoil = (
                    (self._device, self.to_device)
                    if end == self._far
                    else (self._far, self.to_host)
                )
                for piece in self._cut(end, data, spoil):
                    if not self.silent:
                        os.write(other, piece)

    def _cut(self, end: int, data: bytes, spoil: Spoil) -> Iterator[bytes]:
        """Cut at 00; what has no 00 in it is text and goes on as it is."""
        pending = self._pieces[end]
        pending += data
        while (place := pending.find(0)) >= 0:
            piece = bytes(pending[: place + 1])
            del pending[: place + 1]
            number = self._numbers[end]
            self._numbers[end] += 1
            yield from spoil(number, piece)
        if pending and (pending.endswith((b"\r", b"\n")) or spoil is pass_on):
            yield bytes(pending)
            pending.clear()
