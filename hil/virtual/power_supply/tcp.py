"""A listening TCP socket of the supply: a limited number of clients, and refusal on demand."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.virtual.power_supply.station import Station

_LOG = logging.getLogger(__name__)
MAX_CLIENTS = 8


class TcpTransport:
    """Listens, and makes a connection of :meth:`_connection` for every client.

    TCP_NODELAY is on (asyncio sets it). TCP_QUICKACK is not touched: it would hide a client that
    leaves Nagle's algorithm on, which real supplies punish with 40 ms.
    """

    max_clients = MAX_CLIENTS

    def __init__(self, station: Station) -> None:
        self.station = station
        self.connections: set[TcpConnection] = set()
        self._server: asyncio.Server | None = None
        self._address = ("", 0)
        station.transports.append(self)

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self.connections)

    def _connection(self) -> TcpConnection:
        raise NotImplementedError

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port)
        number: int = self._server.sockets[0].getsockname()[1]
        self._address = (host, number)
        return number

    def drop_all(self) -> None:
        """Cut every connection at once."""
        for connection in tuple(self.connections):
            connection.abort()

    def refuse(self) -> None:
        """Stop listening and cut every connection."""
        self.drop_all()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def accept(self) -> None:
        """Listen again, at the same port."""
        if self._server is None:
            await self.start(*self._address)

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        self.drop_all()
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()


class TcpConnection(asyncio.Protocol):
    """One client's socket."""

    def __init__(self, owner: TcpTransport) -> None:
        self.owner = owner
        self.transport: asyncio.Transport | None = None
        self._held: asyncio.TimerHandle | None = None
        self._not_reading: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, unless there are too many already."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own promise
        self.transport = transport
        if len(self.owner.connections) >= self.owner.max_clients:
            _LOG.warning("turning a client away: %d are connected", self.owner.max_clients)
            transport.abort()
            return
        self.owner.connections.add(self)
        self.owner.station.faults.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Forget the client."""
        self.owner.connections.discard(self)
        self.transport = None
        if self._held is not None:
            self._held.cancel()

    def send(self, data: bytes) -> None:
        """Put bytes on the line, if it is still there."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def hang_up(self) -> None:
        """Close after what has been sent."""
        if self.transport is not None:
            self.transport.close()

    def half_close(self) -> None:
        """Send the end of the stream, and go on listening."""
        if self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()

    def abort(self) -> None:
        """Cut the line at once, by a reset."""
        if self.transport is not None:
            connection = self.transport.get_extra_info("socket")
            if connection is not None:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()

    def hold(self, seconds: float | None) -> None:
        """Read nothing for a while, or never again."""
        self.stop_reading("held")
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._held = loop.call_later(seconds, self.go_on_reading, "held")

    def pause_writing(self) -> None:
        """Read nothing more from a client that does not read its replies."""
        self.stop_reading("its replies are unread")

    def resume_writing(self) -> None:
        """Go on once it has read."""
        self.go_on_reading("its replies are unread")

    def stop_reading(self, why: str) -> None:
        """Read nothing until every reason for it has gone."""
        if self.transport is not None and not self._not_reading:
            self.transport.pause_reading()
        self._not_reading.add(why)

    def go_on_reading(self, why: str) -> None:
        """Take a reason back."""
        if why in self._not_reading:
            self._not_reading.discard(why)
            if self.transport is not None and not self._not_reading:
                self.transport.resume_reading()
