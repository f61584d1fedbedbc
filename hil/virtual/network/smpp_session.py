"""One client's session with the SMS centre (SMPP 3.4, section 2)."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.wire.smpp import (
    INTERFACE_VERSION,
    Bind,
    Command,
    DataMessage,
    Named,
    Pdu,
    ShortMessage,
    SmppError,
    Status,
    StreamReader,
    Tag,
)

if TYPE_CHECKING:
    from hil.virtual.network.smsc import SmsCentre

log = logging.getLogger(__name__)

ENQUIRE_SECONDS: Final = 30.0
BIND_SECONDS: Final = 10.0
SYSTEM_ID: Final = "hil-smsc"
AGAIN_SECONDS: Final = 0.5
"""First pause before a message that a client could not take; each one after is twice as long."""
ATTEMPTS: Final = 8

_LATER: Final = frozenset(
    (Status.SYSTEM_ERROR, Status.MESSAGE_QUEUE_FULL, Status.THROTTLED, Status.TEMPORARY_ERROR)
)
"""Answers of a client that may take the message at another time (SMPP 3.4, 5.1.3)."""

_BINDS: Final = {
    Command.BIND_TRANSCEIVER: (True, True),
    Command.BIND_TRANSMITTER: (True, False),
    Command.BIND_RECEIVER: (False, True),
}


# Operations of SMPP 3.4 that end in a status of their own; clients wait for that response and take
# no generic_nack for it: query_sm, replace_sm, cancel_sm, submit_multi (section 5.1.3).
_NOT_OFFERED: Final = {
    b"\x00\x00\x00\x03": 0x67,
    b"\x00\x00\x00\x07": 0x13,
    b"\x00\x00\x00\x08": 0x11,
    b"\x00\x00\x00\x21": 0x45,
}


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that the client has not confirmed, and how often it was sent."""

    message: ShortMessage
    attempts: int = 1


class SmppSession:
    """State of one connection: open, bound in a role, over."""

    def __init__(self, centre: SmsCentre, writer: asyncio.StreamWriter) -> None:
        self._centre = centre
        self._writer = writer
        self._numbers = itertools.count(1)
        self._unconfirmed: dict[int, _Sent] = {}
        self._sends = False
        self._over = False
        self._takes_options = False
        self.receives = False
        self.system_id = ""
        self.address_range = ""

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serve until the client unbinds, leaves, keeps silent for long or breaks the stream."""
        stream = StreamReader()
        silent = 0
        clock = asyncio.get_running_loop().time
        # Counted from the start: a byte now and then must not keep a connection that never binds.
        bind_by = clock() + BIND_SECONDS
        while not self._over:
            limit = ENQUIRE_SECONDS if self.system_id else bind_by - clock()
            try:
                data = await asyncio.wait_for(reader.read(65_536), limit)
            except TimeoutError:
                silent += 1
                if silent > 1 or not self.system_id:
                    return
                self._send(Pdu(Command.ENQUIRE_LINK, next(self._numbers)))
                continue
            except ConnectionError:
                return
            silent = 0
            if not data:
                return
            try:
                for raw in stream.feed(data):
                    self._take_raw(raw)
                await self._writer.drain()
            except SmppError as err:
                # The stream is out of step: say so and leave.
                self._refuse(err)
                return
            except ConnectionError:
                return

    def deliver(self, message: ShortMessage) -> None:
        """Send a message to the client; it is kept until the client confirms it."""
        number = next(self._numbers)
        self._unconfirmed[number] = _Sent(message)
        self._send_message(number)

    def cut(self) -> None:
        """End the connection without a word; what was not sent yet is lost with it."""
        self._writer.transport.abort()

    def unconfirmed(self) -> tuple[ShortMessage, ...]:
        """Return what the client has not confirmed."""
        return tuple(sent.message for sent in self._unconfirmed.values())

    def _send_message(self, number: int) -> None:
        sent = self._unconfirmed.get(number)
        if sent is not None:
            # A client of an earlier version knows no optional parameters (SMPP 3.4, 3.4).
            options = sent.message.options if self._takes_options else {}
            body = replace(sent.message, options=options)
            self._send(Pdu(Command.DELIVER_SM, number, body))

    def _send(self, pdu: Pdu) -> None:
        if not self._writer.is_closing():
            self._writer.write(pdu.encode())

    def _refuse(self, err: SmppError) -> None:
        log.warning("SMPP: %s", err)
        self._send(Pdu(Command.GENERIC_NACK, err.sequence, None, err.status))

    def _decline(self, raw: bytes, status: int) -> None:
        """Answer an operation that this centre does not offer with its own response."""
        log.info("SMPP: operation %s is not offered", raw[4:8].hex())
        if not self._writer.is_closing():
            head = bytes((0, 0, 0, 16, 0x80, *raw[5:8])) + status.to_bytes(4, "big")
            self._writer.write(head + raw[12:16])

    def _take_raw(self, raw: bytes) -> None:
        try:
            pdu = Pdu.decode(raw)
        except SmppError as err:
            status = _NOT_OFFERED.get(raw[4:8]) if err.status is Status.INVALID_COMMAND_ID else None
            if status is None:
                self._refuse(err)
            else:
                self._decline(raw, status if self._sends else Status.INVALID_BIND_STATUS)
            return
        try:
            self._take(pdu)
        except CodecError as err:
            log.warning("SMPP: %s", err)
            self._send(Pdu(Command.GENERIC_NACK, pdu.sequence, None, Status.SYSTEM_ERROR))

    def _take(self, pdu: Pdu) -> None:
        if pdu.command in _BINDS and isinstance(pdu.body, Bind):
            self._bind(pdu, pdu.body)
        elif pdu.command is Command.ENQUIRE_LINK:
            self._send(pdu.answer())
        elif pdu.command is Command.UNBIND:
            self._send(pdu.answer())
            self._over = True
        elif pdu.command is Command.DELIVER_SM_RESP or pdu.command is Command.GENERIC_NACK:
            self._confirmed(pdu)
        elif pdu.is_response:
            log.debug("SMPP: %s", pdu.command.name)
        elif not self._sends:
            self._send(pdu.answer(status=Status.INVALID_BIND_STATUS))
        elif pdu.command in (Command.SUBMIT_SM, Command.DATA_SM) and isinstance(
            pdu.body, ShortMessage | DataMessage
        ):
            status, message_id = self._centre.submit(self, pdu.body)
            self._send(pdu.answer(message_id, status=status))
        else:
            self._send(Pdu(Command.GENERIC_NACK, pdu.sequence, None, Status.INVALID_COMMAND_ID))

    def _bind(self, pdu: Pdu, bind: Bind) -> None:
        if self.system_id:
            self._send(pdu.answer(status=Status.ALREADY_BOUND))
            return
        status = self._centre.check(bind)
        if status != Status.OK:
            log.warning("SMPP: bind of %r refused", bind.system_id)
            self._send(pdu.answer(status=status))
            self._over = True
            return
        self._takes_options = bind.interface_version >= INTERFACE_VERSION
        # Without it a client has to take it that this centre knows no optional parameters.
        version: dict[int, bytes] = {Tag.SC_INTERFACE_VERSION: bytes((INTERFACE_VERSION,))}
        body = Named(SYSTEM_ID, version if self._takes_options else {})
        self._send(replace(pdu.answer(SYSTEM_ID), body=body))
        self._sends, self.receives = _BINDS[pdu.command]
        self.system_id, self.address_range = bind.system_id, bind.address_range
        self._centre.bound(self)

    def _confirmed(self, pdu: Pdu) -> None:
        sent = self._unconfirmed.pop(pdu.sequence, None)
        if sent is None or pdu.status == Status.OK:
            return
        log.warning("SMPP: %s did not take a message: %08X", self.system_id, pdu.status)
        if pdu.status in _LATER and sent.attempts < ATTEMPTS:
            number = next(self._numbers)
            self._unconfirmed[number] = _Sent(sent.message, sent.attempts + 1)
            pause_s = AGAIN_SECONDS * 2 ** (sent.attempts - 1)
            asyncio.get_running_loop().call_later(pause_s, self._send_message, number)
