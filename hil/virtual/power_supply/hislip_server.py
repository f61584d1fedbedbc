"""The HiSLIP server of a supply (IVI-6.1 version 1): connections, sessions, fatal errors.

A client opens two TCP connections. The first initializes and gets a session id, the second names
that id; from then on the first carries messages and replies, the second everything out of band.
"""

from __future__ import annotations

import itertools
import logging

from hil.virtual.power_supply.hislip_locks import Locks
from hil.virtual.power_supply.hislip_session import MAX_PAYLOAD, Session
from hil.virtual.power_supply.hislip_wire import (
    HEADER_SIZE,
    Fatal,
    Header,
    Kind,
    Mistake,
    message,
)
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.station import Station
from hil.virtual.power_supply.tcp import MAX_CLIENTS, TcpConnection, TcpTransport

_LOG = logging.getLogger(__name__)
VERSION = 0x0100
VENDOR_ID = int.from_bytes(b"KS", "big")
"""Two characters that IVI gives each maker; those of Keysight are not verified."""
SUB_ADDRESSES = (b"", b"hislip0")
_LONGEST_SUB_ADDRESS = 256


class HislipServer(TcpTransport):
    """The HiSLIP port of one supply."""

    max_clients = 2 * MAX_CLIENTS + 2

    def __init__(self, station: Station, supply: Instrument) -> None:
        super().__init__(station)
        self.supply = supply
        self.locks = Locks()
        self.sessions: dict[int, Session] = {}
        self._numbers = itertools.count(1)

    @property
    def clients(self) -> int:
        """How many clients have a session."""
        return len(self.sessions)

    def _connection(self) -> TcpConnection:
        return HislipConnection(self)

    def open_session(self, sync: TcpConnection) -> Session | None:
        """Begin a session, unless there are too many."""
        if len(self.sessions) >= MAX_CLIENTS:
            return None
        number = next(n & 0xFFFF for n in self._numbers if n & 0xFFFF not in self.sessions)
        session = Session(self, self.supply, number, sync)
        self.sessions[number] = session
        self.locks.clients.add(session)
        return session

    def end_session(self, session: Session) -> None:
        """End a session with both its connections."""
        if self.sessions.pop(session.number, None) is None:
            return
        session.close()
        for channel in (session.sync, session.asynchronous):
            if channel is not None:
                channel.hang_up()

    def look_for_service(self) -> None:
        """Let every client know of what has happened by itself."""
        for session in tuple(self.sessions.values()):
            session.look_for_service()

    def mistake(self, channel: TcpConnection, code: Mistake) -> None:
        """Answer what cannot be done; the connection goes on."""
        text = code.name.replace("_", " ").lower().encode()
        channel.send(message(Kind.ERROR, code, 0, text))


class HislipConnection(TcpConnection):
    """One of the two connections of a client; its first message says which."""

    def __init__(self, owner: HislipServer) -> None:
        super().__init__(owner)
        self._server = owner
        self._buffer = bytearray()
        self._header: Header | None = None
        self._discard = 0
        self._session: Session | None = None
        self._is_sync = False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session when either of its connections goes."""
        super().connection_lost(exc)
        if self._session is not None:
            self._server.end_session(self._session)

    def data_received(self, data: bytes) -> None:
        """Collect messages; what is too large is thrown away up to its end."""
        self._buffer += data
        while self.transport is not None and not self.transport.is_closing():
            if not self._next():
                break

    def _next(self) -> bool:
        if self._discard:
            gone = min(self._discard, len(self._buffer))
            del self._buffer[:gone]
            self._discard -= gone
            if self._discard:
                return False
        if self._header is None:
            if len(self._buffer) < HEADER_SIZE:
                return False
            header = Header.decode(bytes(self._buffer[:HEADER_SIZE]))
            if header is None:
                self._fatal(Fatal.BAD_HEADER)
                return False
            del self._buffer[:HEADER_SIZE]
            if header.length > MAX_PAYLOAD:
                self._server.mistake(self, Mistake.TOO_LARGE)
                self._discard = header.length
                return True
            self._header = header
        if len(self._buffer) < self._header.length:
            return False
        header, self._header = self._header, None
        payload = bytes(self._buffer[: header.length])
        del self._buffer[: header.length]
        self._take(header, payload)
        return True

    def _take(self, header: Header, payload: bytes) -> None:
        if self._session is None:
            self._initialize(header, payload)
        elif header.kind in {Kind.INITIALIZE, Kind.ASYNC_INITIALIZE}:
            self._fatal(Fatal.BAD_INITIALIZATION)
        elif header.kind in {Kind.FATAL_ERROR, Kind.ERROR}:
            _LOG.warning("client says: %s", payload[:200])
            if header.kind == Kind.FATAL_ERROR:
                self._server.end_session(self._session)
        elif not self._is_sync:
            self._session.on_async(header, payload)
        elif self._session.asynchronous is None:
            self._fatal(Fatal.BOTH_CHANNELS_NEEDED)
        else:
            self._session.on_sync(header, payload)

    def _initialize(self, header: Header, payload: bytes) -> None:
        if header.kind == Kind.INITIALIZE:
            if payload[:_LONGEST_SUB_ADDRESS].lower() not in SUB_ADDRESSES:
                self._fatal(Fatal.BAD_INITIALIZATION)
                return
            self._session = self._server.open_session(self)
            if self._session is None:
                self._fatal(Fatal.TOO_MANY_CLIENTS)
                return
            self._is_sync = True
            version = min(VERSION, header.parameter >> 16)
            parameter = version << 16 | self._session.number
            self.send(message(Kind.INITIALIZE_RESPONSE, 0, parameter))
        elif header.kind == Kind.ASYNC_INITIALIZE:
            session = self._server.sessions.get(header.parameter)
            if session is None or session.asynchronous is not None:
                self._fatal(Fatal.BAD_INITIALIZATION)
                return
            session.asynchronous = self
            self._session = session
            self.send(message(Kind.ASYNC_INITIALIZE_RESPONSE, 0, VENDOR_ID))
        else:
            code = header.kind in {Kind.DATA, Kind.DATA_END, Kind.TRIGGER}
            self._fatal(Fatal.BOTH_CHANNELS_NEEDED if code else Fatal.BAD_INITIALIZATION)

    def _fatal(self, code: Fatal) -> None:
        text = code.name.replace("_", " ").lower().encode()
        self.send(message(Kind.FATAL_ERROR, code, 0, text))
        session, self._session = self._session, None
        if session is not None:
            self._server.end_session(session)
        self.hang_up()
