"""The line of the device: the far end of a pty in raw mode, silent while unpowered.

A wireless bridge may hang on the same UART: bytes over TCP, as a Wi-Fi serial bridge carries them.
The bridge has power of its own, so its connections outlive the device's power. The device answers
where it was last spoken to.
"""

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
        self._bridge: asyncio.Server | None = None
        self._peers: set[asyncio.StreamWriter] = set()
        self._speaker: asyncio.StreamWriter | None = None

    async def open_bridge(self, host: str, port: int) -> str:
        """Let hosts reach this line over TCP; return the URL (pyserial's ``socket://``)."""
        self._bridge = await asyncio.start_server(self._bridged, host, port)
        address = self._bridge.sockets[0].getsockname()
        return f"socket://{address[0]}:{address[1]}"

    async def _bridged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        try:
            while data := await reader.read(_CHUNK):
                self._heard(data, writer)
        except OSError as err:
            _log.info("wireless link lost: %s", err)
        except asyncio.CancelledError:
            _log.debug("wireless link ended with the device")
        finally:
            self._peers.discard(writer)
            if self._speaker is writer:
                self._speaker = None
            writer.close()

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
        """Put bytes on the line that spoke last."""
        if self._speaker is not None:
            await self._write_bridge(self._speaker, data)
            return
        while data and self.powered:
            try:
                data = data[os.write(self._far, data) :]
            except BlockingIOError:
                if not await self._writable():
                    _log.debug("nobody takes bytes from %s; %d are lost", self.name, len(data))
                    return

    async def _write_bridge(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not self.powered:
            return
        try:
            writer.write(data)
            async with asyncio.timeout(_WRITE_S):
                await writer.drain()
        except (OSError, TimeoutError) as err:
            _log.debug("%d bytes are lost on the wireless link: %s", len(data), err)

    def close(self) -> None:
        """Close the pty and the bridge, and remove the link."""
        if self._bridge is not None:
            self._bridge.close()
        for writer in self._peers:
            writer.close()
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
        self._heard(data, None)

    def _heard(self, data: bytes, speaker: asyncio.StreamWriter | None) -> None:
        if self.powered and data:
            self._speaker = speaker
            self._received += data
            self._news.set()
