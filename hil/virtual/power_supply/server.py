"""SCPI over raw TCP: one line in, at most one line out, for several clients at once.

TCP_NODELAY is on (asyncio sets it). TCP_QUICKACK is not touched: it would hide a client that leaves
Nagle's algorithm on, which real supplies punish with 40 ms.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from hil.virtual.power_supply.faults import Faults, Reply
from hil.virtual.power_supply.instrument import Instrument

_LOG = logging.getLogger(__name__)
_MAX_MESSAGE = 4096
_MAX_CLIENTS = 8


class ScpiServer:
    """The LAN socket of one supply. ``latency_s`` is what each message takes to be done."""

    def __init__(self, supply: Instrument, faults: Faults, *, latency_s: float = 0.0) -> None:
        self.supply = supply
        self.faults = faults
        self.latency_s = latency_s
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    def drop_all(self) -> None:
        """Cut every connection, as a reboot does."""
        for connection in tuple(self.connections):
            connection.abort()

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        self.drop_all()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None


class Connection(asyncio.Protocol):
    """One client: its unfinished line, its waiting messages."""

    def __init__(self, server: ScpiServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._overrun = False
        self._waiting: deque[bytes] = deque()
        self._busy: asyncio.TimerHandle | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, unless there are too many already."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own promise
        self._transport = transport
        if len(self._server.connections) >= _MAX_CLIENTS:
            _LOG.warning("turning a client away: %d are connected already", _MAX_CLIENTS)
            transport.abort()
            return
        self._server.connections.add(self)
        self._server.faults.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Forget the client; commands it has not waited for are not done."""
        self._server.connections.discard(self)
        self._transport = None
        self._waiting.clear()
        if self._busy is not None:
            self._busy.cancel()

    def data_received(self, data: bytes) -> None:
        """Collect lines; one that is too long is thrown away up to its end."""
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        for line in lines:
            if self._overrun or len(line) > _MAX_MESSAGE:
                self._overrun = False
                self._server.supply.overrun()
                continue
            self._waiting.append(bytes(line.removesuffix(b"\r")))
        if len(rest) > _MAX_MESSAGE:
            self._overrun = True
            self._buffer.clear()
        self._work()

    def pause_writing(self) -> None:
        """Do nothing more for a client that does not read its replies."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on once it has read."""
        self._paused = False
        if self._transport is not None:
            self._transport.resume_reading()
        self._work()

    def send(self, data: bytes) -> None:
        """Put bytes on the line, if it is still there."""
        if self._transport is not None:
            self._transport.write(data)

    def hang_up(self) -> None:
        """Close after what has been sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the line at once."""
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        while self._waiting and self._busy is None and not self._paused:
            if self._server.latency_s:
                loop = asyncio.get_running_loop()
                self._busy = loop.call_later(self._server.latency_s, self._finish_one)
                return
            self._run(self._waiting.popleft())

    def _finish_one(self) -> None:
        self._busy = None
        if self._waiting:
            self._run(self._waiting.popleft())
        self._work()

    def _run(self, line: bytes) -> None:
        command = self._server.faults.command(line)
        if command is None:
            return
        text = self._server.supply.execute(command)
        if text:
            self._server.faults.reply(Reply(line, text.encode("ascii") + b"\n"), self)
