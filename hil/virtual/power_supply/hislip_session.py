"""One HiSLIP client: its two channels, its message exchange, its status (IVI-6.1, chapters 3, 6).

Synchronized mode only. A reply belongs to the message that asked for it and carries its id. Who
sends the next message without having taken the reply interrupts it: the reply is dropped, -410 is
queued and both channels are told. -420 cannot occur: no message says that a client wants to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hil.virtual.power_supply.hislip_wire import (
    FIRST_MESSAGE_ID,
    FIRST_VENDOR_KIND,
    HEADER_SIZE,
    Header,
    Kind,
    Mistake,
    message,
    size_payload,
)
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.server import MAX_MESSAGE
from hil.virtual.power_supply.station import Inbox
from hil.virtual.power_supply.status import MASTER
from hil.virtual.power_supply.supply import Access

if TYPE_CHECKING:
    from hil.virtual.power_supply.hislip_locks import Granted
    from hil.virtual.power_supply.hislip_server import HislipServer
    from hil.virtual.power_supply.tcp import TcpConnection

MAX_PAYLOAD = 1 << 20
_RMT_DELIVERED = 1
_HALF = 1 << 31
_NEAR = 64
_REMOTE_LOCAL = {
    0: Access.LOCAL,
    1: None,
    2: Access.LOCAL,
    3: Access.REMOTE,
    4: Access.LOCKED,
    5: Access.LOCKED,
    6: Access.LOCAL,
}
"""What the codes of remote and local come to; 1 allows remote and leaves all else as it is."""


class Session:
    """One client of a HiSLIP server. ``number`` is the session id it was given."""

    def __init__(
        self, server: HislipServer, supply: Instrument, number: int, sync: TcpConnection
    ) -> None:
        self.number = number
        self.sync = sync
        self.asynchronous: TcpConnection | None = None
        self.inbox = Inbox(server.station, talker=True, on_idle=self._idle)
        self.reply_waits = False
        self.last_id: int | None = None
        self.epoch = 0
        self._server = server
        self._supply = supply
        self._clearing = False
        self._partial = bytearray()
        self._most = MAX_PAYLOAD
        self._master = False
        self._asks_for_service = False
        self._after: list[tuple[int, Callable[[], None]]] = []
        self.lock_changed()

    # The synchronous channel ----------------------------------------------------------------------

    def on_sync(self, header: Header, payload: bytes) -> None:
        """Take a message of the synchronous channel."""
        if header.kind == Kind.DEVICE_CLEAR_COMPLETE:
            self._clearing = False
            self.last_id = None
            self.sync.send(message(Kind.DEVICE_CLEAR_ACKNOWLEDGE))
        elif self._clearing:
            return
        elif header.kind in {Kind.DATA, Kind.DATA_END, Kind.TRIGGER}:
            self._begin_message(header)
            if header.kind == Kind.TRIGGER:
                self._do(b"*TRG", header.parameter)
                return
            self._partial += payload[: MAX_MESSAGE + 1]
            if header.kind == Kind.DATA_END:
                self._end_message(header.parameter)
        else:
            self.complain(self.sync, header)

    def _begin_message(self, header: Header) -> None:
        if header.control & _RMT_DELIVERED:
            self.reply_waits = False
        self.last_id = header.parameter
        if self.reply_waits:
            self.interrupted()
        if self._supply.access is Access.LOCAL:
            self._supply.take_access(Access.REMOTE)

    def _end_message(self, message_id: int) -> None:
        text, self._partial = bytes(self._partial), bytearray()
        if len(text) > MAX_MESSAGE:
            self._supply.overrun()
            self._idle()
            return
        for line in text.rstrip(b"\r\n").split(b"\n"):
            self._do(line.removesuffix(b"\r"), message_id)

    def _do(self, text: bytes, message_id: int) -> None:
        self.inbox.begin_turn()
        self.inbox.put(text, ReplyLine(self, message_id))

    def interrupted(self) -> None:
        """Drop the reply that nobody has taken, and say so on both channels."""
        self.reply_waits = False
        self._supply.status.error(-410)
        self.sync.send(message(Kind.INTERRUPTED, 0, self.last_id or 0))
        if self.asynchronous is not None:
            self.asynchronous.send(message(Kind.ASYNC_INTERRUPTED, 0, self.last_id or 0))

    def send_reply(self, data: bytes, message_id: int) -> None:
        """Send (a piece of) a reply; its terminator is the end of the message."""
        room = max(1, self._most - HEADER_SIZE)
        pieces = [data[start : start + room] for start in range(0, len(data), room)]
        ends = data.endswith(b"\n")
        for index, piece in enumerate(pieces):
            last = ends and index == len(pieces) - 1
            kind = Kind.DATA_END if last else Kind.DATA
            self.sync.send(message(kind, 0, message_id, piece))
        self.reply_waits = self.reply_waits or ends

    def _idle(self) -> None:
        """All that came has been done: the asynchronous channel may have waited for it."""
        due, self._after = self._after, []
        for message_id, action in due:
            self._once_done(message_id, action)
        self.look_for_service()

    # The asynchronous channel ---------------------------------------------------------------------

    def on_async(self, header: Header, payload: bytes) -> None:
        """Take a message of the asynchronous channel."""
        actions: dict[int, Callable[[Header, bytes], None]] = {
            Kind.ASYNC_MAXIMUM_MESSAGE_SIZE: self._size,
            Kind.ASYNC_STATUS_QUERY: self._status,
            Kind.ASYNC_DEVICE_CLEAR: self._clear,
            Kind.ASYNC_LOCK: self._lock,
            Kind.ASYNC_LOCK_INFO: self._lock_info,
            Kind.ASYNC_REMOTE_LOCAL_CONTROL: self._remote_local,
        }
        action = actions.get(header.kind)
        if action is None:
            self.complain(self._async(), header)
        else:
            action(header, payload)

    def look_for_service(self) -> None:
        """Ask for service once when the master summary rises (IEEE 488.2, 11.3.3)."""
        if not self._supply.status.service_enable:
            self._master = False
            return
        self._supply.refresh()
        master = bool(self._supply.status.byte(message_available=self.reply_waits) & MASTER)
        if master and not self._master and self.asynchronous is not None:
            self._asks_for_service = True
            self.asynchronous.send(message(Kind.ASYNC_SERVICE_REQUEST, self._byte()))
        self._master = master

    def complain(self, channel: TcpConnection, header: Header) -> None:
        """Say that a message is not known here."""
        known = header.kind <= max(Kind)
        mistake = Mistake.UNIDENTIFIED if known else Mistake.UNKNOWN_MESSAGE_TYPE
        if header.kind >= FIRST_VENDOR_KIND:
            mistake = Mistake.UNKNOWN_VENDOR_MESSAGE
        self._server.mistake(channel, mistake)

    def close(self) -> None:
        """Give back the locks and forget what waits."""
        self.epoch += 1
        self.inbox.clear()
        self._server.locks.forget(self)

    def lock_changed(self) -> None:
        """Do this client's messages, or let them wait."""
        if self._server.locks.admits(self):
            self.inbox.resume()
        else:
            self.inbox.pause()

    def _async(self) -> TcpConnection:
        assert self.asynchronous is not None  # noqa: S101 - only its messages come here
        return self.asynchronous

    def _byte(self) -> int:
        byte = self._supply.status.byte(message_available=self.reply_waits) & ~MASTER
        return byte | (MASTER if self._asks_for_service else 0)

    def _size(self, _: Header, payload: bytes) -> None:
        if len(payload) == 8:
            self._most = min(MAX_PAYLOAD, max(HEADER_SIZE + 1, int.from_bytes(payload, "big")))
        answer = message(Kind.ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE, 0, 0, size_payload(MAX_PAYLOAD))
        self._async().send(answer)

    def _status(self, header: Header, _: bytes) -> None:
        def tell() -> None:
            if header.control & _RMT_DELIVERED:
                self.reply_waits = False
            self._supply.refresh()
            self._async().send(message(Kind.ASYNC_STATUS_RESPONSE, self._byte()))
            self._asks_for_service = False

        # The channels are not in step: the message before the one that is named must have come.
        # (Some clients name the one they will send next.)
        before = header.parameter - 2
        if (before - self._reached_id) & 0xFFFF_FFFF <= _NEAR:
            self._once_done(before, tell)
        else:
            tell()

    def _clear(self, _: Header, __: bytes) -> None:
        self._clearing = True
        self.epoch += 1
        self._partial.clear()
        self.inbox.clear()
        self.reply_waits = False
        self._supply.completing = False
        self._async().send(message(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE))

    def _lock(self, header: Header, payload: bytes) -> None:
        if header.control == 1:
            key = payload.decode("latin-1")
            wait_s = header.parameter / 1000
            self._server.locks.request(self, key, wait_s, self._tell_lock)
        elif header.control == 0:
            self._once_done(header.parameter, self._release)
        else:
            self._server.mistake(self._async(), Mistake.UNKNOWN_CONTROL_CODE)

    def _release(self) -> None:
        self._tell_lock(self._server.locks.release(self))

    def _tell_lock(self, granted: Granted) -> None:
        if self.asynchronous is not None:
            self.asynchronous.send(message(Kind.ASYNC_LOCK_RESPONSE, granted))

    def _lock_info(self, _: Header, __: bytes) -> None:
        locks = self._server.locks
        answer = message(
            Kind.ASYNC_LOCK_INFO_RESPONSE, int(locks.exclusively_locked), locks.holders
        )
        self._async().send(answer)

    def _remote_local(self, header: Header, _: bytes) -> None:
        if header.control not in _REMOTE_LOCAL:
            self._server.mistake(self._async(), Mistake.UNKNOWN_CONTROL_CODE)
            return
        access = _REMOTE_LOCAL[header.control]

        def change() -> None:
            if access is not None:
                self._supply.take_access(access)
            self._async().send(message(Kind.ASYNC_REMOTE_LOCAL_RESPONSE))

        self._once_done(header.parameter, change)

    @property
    def _reached_id(self) -> int:
        return FIRST_MESSAGE_ID - 2 if self.last_id is None else self.last_id

    def _once_done(self, message_id: int, action: Callable[[], None]) -> None:
        """Act once the synchronous message has been done that the client had sent before."""
        reached = message_id == 0 or _reached(self._reached_id, message_id)
        if reached and not self.inbox.busy:
            action()
        else:
            self._after.append((message_id, action))


class ReplyLine:
    """Where the answer to one message goes; a reply that comes too late goes nowhere."""

    def __init__(self, session: Session, message_id: int) -> None:
        self._session, self._message_id = session, message_id
        self._epoch = session.epoch

    def send(self, data: bytes) -> None:
        """Send a reply, unless the client has gone on to another message."""
        session = self._session
        if session.epoch != self._epoch:
            return
        if session.last_id != self._message_id:
            session.interrupted()
            return
        session.send_reply(data, self._message_id)

    def hang_up(self) -> None:
        """Close both channels after what has been sent."""
        for channel in (self._session.sync, self._session.asynchronous):
            if channel is not None:
                channel.hang_up()

    def half_close(self) -> None:
        """Send the end of the synchronous stream."""
        self._session.sync.half_close()

    def abort(self) -> None:
        """Cut both channels."""
        for channel in (self._session.sync, self._session.asynchronous):
            if channel is not None:
                channel.abort()

    def hold(self, seconds: float | None) -> None:
        """Read nothing more for a while."""
        self._session.sync.hold(seconds)


def _reached(done: int, wanted: int) -> bool:
    """Tell whether message ``wanted`` is not after ``done``; ids wrap at 32 bits."""
    return (done - wanted) & 0xFFFF_FFFF < _HALF
