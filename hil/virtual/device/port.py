"""The serial port of the device: the far end of a pty in raw mode, silent while unpowered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pty
import termios
import tty
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)
_CHUNK: Final = 65_536
_WRITE_S: Final = 1.0


class Port:
    """One pty. A UART without flow control: what nobody takes within a second is lost."""

    def __init__(self, link: Path | None = None) -> None:
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self.name = os.ttyname(self._near)
        self._link = link
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.name)
        self.powered = False
        self._received = bytearray()
        self._news = asyncio.Event()

    def start(self) -> None:
        """Begin to listen; needs a running event loop."""
        asyncio.get_running_loop().add_reader(self._far, self._readable)

    def power(self, *, on: bool) -> None:
        """Switch the transceiver; what it had not yet taken from the line is lost."""
        self.powered = on
        self._received.clear()
        with contextlib.suppress(termios.error):
            termios.tcflush(self._near, termios.TCOFLUSH)

    async def read(self) -> bytes:
        """Wait for bytes and return them."""
        while not self._received:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    def unread(self, data: bytes) -> None:
        """Give bytes back; the next read returns them first."""
        self._received[:0] = data

    async def write(self, data: bytes) -> None:
        """Put bytes on the line."""
        while data and self.powered:
            try:
                data = data[os.write(self._far, data) :]
            except BlockingIOError:
                if not await self._writable():
                    _log.debug("nobody takes bytes from %s; %d are lost", self.name, len(data))
                    return

    def close(self) -> None:
        """Close the pty and remove the link to it."""
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._far)
        for descriptor in (self._far, self._near):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    async def _writable(self) -> bool:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._far, ready.set)
        try:
            async with asyncio.timeout(_WRITE_S):
                await ready.wait()
        except TimeoutError:
            return False
        else:
            return True
        finally:
            loop.remove_writer(self._far)

    def _readable(self) -> None:
        try:
            data = os.read(self._far, _CHUNK)
        except OSError:
            return
        if self.powered and data:
            self._received += data
            self._news.set()
