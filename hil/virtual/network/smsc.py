"""The SMS centre: SMPP 3.4 towards SM-SRs and any other client, subscribers on its other side."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from hil.errors import CodecError
from hil.virtual.network.smpp_session import SmppSession
from hil.virtual.network.subscribers import Delivery, Fate, Subscribers
from hil.wire.smpp import (
    ESM_DELIVERY_ACKNOWLEDGEMENT,
    ESM_DELIVERY_RECEIPT,
    ESM_UDHI,
    SME_ACKNOWLEDGEMENT,
    SME_ACKNOWLEDGEMENT_MASK,
    Bind,
    DataMessage,
    Party,
    ShortMessage,
    Status,
    Tag,
)
from hil.wire.smpp_time import read_time
from hil.wire.sms import (
    DCS_CARD_8_BIT,
    LONGEST_USER_DATA,
    PID_SIM_DATA_DOWNLOAD,
    Address,
    SmsDeliver,
    SmsSubmit,
    encode_timestamp,
)

log = logging.getLogger(__name__)

TON_INTERNATIONAL: Final = 1
DCS_8_BIT: Final = 0x04
_RECEIPT_ALWAYS, _RECEIPT_ON_FAILURE = 1, 2
_STATES: Final = {
    Fate.TAKEN: ("DELIVRD", 2),
    Fate.EXPIRED: ("EXPIRED", 3),
    Fate.REFUSED: ("UNDELIV", 5),
}
"""What receipts call a fate, in words and in the option message_state (appendix B, 5.2.28)."""
_WAITING_LIMIT: Final = 10_000
_SAR: Final = (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)


class SmsCentre:
    """Accounts, sessions and routing. Messages for a client that is not bound wait for it.

    ``accounts``: system id → password. A message of a device goes to the session whose address
    range fits its destination, or else to the account that last sent from that number.
    """

    def __init__(self, accounts: Mapping[str, str], subscribers: Subscribers) -> None:
        self._accounts = dict(accounts)
        self._subscribers = subscribers
        self._sessions: list[SmppSession] = []
        self._senders: dict[str, str] = {}
        self._waiting: dict[str, deque[ShortMessage]] = {}
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[object]] = set()
        self._refusals: dict[str, tuple[int, int]] = {}

    def refuse(self, number: str, count: int, status: int) -> None:
        """Answer the next ``count`` messages to a number with a status instead of taking them."""
        self._refusals[number] = count, status

    def refuse_nothing(self) -> None:
        """Take messages to all numbers again."""
        self._refusals.clear()

    def hang_up(self, system_id: str) -> bool:
        """Cut the connections of a client without a word; False where it has none."""
        cut = [one for one in self._sessions if one.system_id == system_id]
        for session in cut:
            session.cut()
        return bool(cut)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        session = SmppSession(self, writer)
        self._sessions.append(session)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            await session.run(reader)
        except asyncio.CancelledError:
            # Only close() cancels. Handed on, asyncio would log it as a fault of this handler.
            log.debug("SMPP: session ended with the centre")
        finally:
            if task is not None:
                self._tasks.discard(task)
            self._sessions.remove(session)
            self._return_unconfirmed(session)
            writer.close()

    async def close(self) -> None:
        """End all sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def check(self, bind: Bind) -> int:
        """Return the status of a bind: OK, wrong system id or wrong password."""
        if bind.system_id not in self._accounts:
            return Status.INVALID_SYSTEM_ID
        if self._accounts[bind.system_id] != bind.password:
            return Status.INVALID_PASSWORD
        return Status.OK

    def bound(self, session: SmppSession) -> None:
        """Send a client that is bound now what waited for it."""
        if session.receives:
            waiting = self._waiting.get(session.system_id, deque())
            while waiting:
                session.deliver(waiting.popleft())

    def submit(self, session: SmppSession, message: ShortMessage | DataMessage) -> tuple[int, str]:
        """Take a message for a device; return status and message id."""
        submitted = _now()
        try:
            number, originator, tpdu = _short_message(message)
            life_s = _life(message, submitted)
        except _NotTaken as err:
            log.info("message refused: %s", err)
            return err.status, ""
        left, refusal = self._refusals.get(number, (0, 0))
        if left:
            self._refusals[number] = left - 1, refusal
            return refusal, ""
        self._senders[originator.digits] = session.system_id
        message_id = f"{next(self._ids):08x}"

        def done(fate: Fate) -> None:
            wanted = message.registered_delivery & 3
            failed = fate is not Fate.TAKEN
            if wanted == _RECEIPT_ALWAYS or (wanted == _RECEIPT_ON_FAILURE and failed):
                self._hand_in(session.system_id, _receipt(message, message_id, submitted, fate))

        def reported(user_data: bytes) -> None:
            if message.registered_delivery & SME_ACKNOWLEDGEMENT_MASK == SME_ACKNOWLEDGEMENT:
                told = _acknowledgement(message, message_id, user_data)
                self._hand_in(session.system_id, told)

        if not self._subscribers.offer(number, Delivery(tpdu, done, reported, life_s)):
            return Status.MESSAGE_QUEUE_FULL, ""
        return Status.OK, message_id

    def submitted(self, msisdn: str, message: SmsSubmit) -> bool:
        """Take a message of a device for a client; False when no client has that number."""
        number = message.destination.digits
        system_id = self._owner_of(number)
        if system_id is None:
            log.warning("message from %s to %s: nobody has this number", msisdn, number)
            return False
        self._hand_in(
            system_id,
            ShortMessage(
                source=Party(msisdn),
                destination=Party(number),
                message=message.user_data,
                esm_class=ESM_UDHI if message.has_header else 0,
                protocol_id=message.pid,
                data_coding=message.dcs,
            ),
        )
        return True

    def _owner_of(self, number: str) -> str | None:
        for session in self._sessions:
            if session.receives and _in_range(number, session.address_range):
                return session.system_id
        return self._senders.get(number)

    def _hand_in(self, system_id: str, message: ShortMessage) -> None:
        for session in self._sessions:
            if session.receives and session.system_id == system_id:
                session.deliver(message)
                return
        waiting = self._waiting.setdefault(system_id, deque(maxlen=_WAITING_LIMIT))
        waiting.append(message)

    def _return_unconfirmed(self, session: SmppSession) -> None:
        for message in session.unconfirmed():
            self._hand_in(session.system_id, message)


def _in_range(number: str, address_range: str) -> bool:
    """Whether a number fits an address range: a UNIX regular expression (SMPP 3.4, 5.2.7)."""
    if not address_range or len(address_range) > 40:
        return False
    try:
        return re.fullmatch(address_range, number) is not None
    except re.error:
        return address_range == number


class _NotTaken(Exception):  # noqa: N818 - an answer, not a fault
    """A message is answered with a status instead of being taken."""

    def __init__(self, status: Status, why: object) -> None:
        super().__init__(str(why))
        self.status = status


def _short_message(message: ShortMessage | DataMessage) -> tuple[str, Address, bytes]:
    """Return number, originator and SMS-DELIVER of a message."""
    number = message.destination.address.removeprefix("+")
    if not number.isdigit():
        raise _NotTaken(Status.INVALID_DESTINATION_ADDRESS, "its destination is no number")
    try:
        originator = _originator(message.source)
    except CodecError as err:
        raise _NotTaken(Status.INVALID_SOURCE_ADDRESS, err) from err
    try:
        return number, originator, _deliver_tpdu(message, originator)
    except CodecError as err:
        raise _NotTaken(Status.INVALID_MESSAGE_LENGTH, err) from err


def _originator(source: Party) -> Address:
    digits = source.address.removeprefix("+")
    if source.ton == TON_INTERNATIONAL:
        return Address.international(digits)
    return Address(digits)


def _deliver_tpdu(message: ShortMessage | DataMessage, originator: Address) -> bytes:
    user_data, has_header = _user_data(message)
    pid = message.protocol_id if isinstance(message, ShortMessage) else 0
    stamp = encode_timestamp(_now())
    for dcs in (message.data_coding, DCS_8_BIT):
        tpdu = SmsDeliver(originator, user_data, stamp, pid=pid, dcs=dcs, has_header=has_header)
        try:
            return tpdu.encode()
        except CodecError:
            # Text in the centre's alphabet goes as plain octets: this air does not pack 7 bits.
            if dcs == DCS_8_BIT:
                raise
    raise CodecError("message cannot be written as SMS-DELIVER")


def _user_data(message: ShortMessage | DataMessage) -> tuple[bytes, bool]:
    """Return the user data, and whether it begins with a header.

    A part by sar_ parameters (SMPP 3.4, 5.3.2.22) gets the element of a concatenated message (3GPP
    TS 23.040, 9.2.3.24.1), for the air knows no other way; a header that is there keeps its own.
    """
    data, has_header = message.message, bool(message.esm_class & ESM_UDHI)
    given = [message.options.get(tag) for tag in _SAR]
    reference, total, number = given
    if reference is None or total is None or number is None:
        return data, has_header
    if (len(reference), len(total), len(number)) != (2, 1, 1) or not 0 < number[0] <= total[0]:
        raise _NotTaken(Status.INVALID_OPTIONAL_VALUE, "its sar_ parameters name no part")
    element = bytes((0x00, 3)) + reference[1:] + total + number
    if not has_header:
        return bytes((len(element),)) + element + data, True
    if not data or data[0] >= len(data) or data[0] + len(element) > LONGEST_USER_DATA:
        raise CodecError("its header is longer than itself")
    return bytes((data[0] + len(element),)) + element + data[1:], True


def _now() -> datetime:
    return datetime.now(UTC)


def _life(message: ShortMessage | DataMessage, now: datetime) -> float | None:
    """Return for how many seconds a message is worth delivering; None: its sender does not say."""
    if not isinstance(message, ShortMessage):
        return None
    if message.schedule:
        # Scheduled delivery is not offered, and at once would be at the wrong time.
        raise _NotTaken(Status.INVALID_SCHEDULE, "it is to be delivered later")
    if not message.validity:
        return None
    try:
        until = read_time(message.validity, now)
    except CodecError as err:
        raise _NotTaken(Status.INVALID_EXPIRY, err) from err
    if until <= now:
        raise _NotTaken(Status.INVALID_EXPIRY, "its validity period has ended")
    return (until - now).total_seconds()


def _receipt(
    message: ShortMessage | DataMessage, message_id: str, submitted: datetime, fate: Fate
) -> ShortMessage:
    """Return a delivery receipt (SMPP 3.4, appendix B)."""
    begun, done = (when.strftime("%y%m%d%H%M") for when in (submitted, _now()))
    word, state = _STATES[fate]
    delivered = int(fate is Fate.TAKEN)
    text = (
        f"id:{message_id} sub:001 dlvrd:{delivered:03d} submit date:{begun} done date:{done} "
        f"stat:{word} err:000 text:"
    )
    return ShortMessage(
        source=message.destination,
        destination=message.source,
        message=text.encode(),
        esm_class=ESM_DELIVERY_RECEIPT,
        options={
            Tag.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\x00",
            Tag.MESSAGE_STATE: bytes((state,)),
        },
    )


def _acknowledgement(
    message: ShortMessage | DataMessage, message_id: str, user_data: bytes
) -> ShortMessage:
    """Return the user data of a delivery report as an SME delivery acknowledgement (5.2.12).

    That of a card is a proof of receipt with its header (3GPP TS 23.040, 9.2.2.1a; TS 31.115).
    """
    return ShortMessage(
        source=message.destination,
        destination=message.source,
        message=user_data,
        esm_class=ESM_DELIVERY_ACKNOWLEDGEMENT | ESM_UDHI,
        protocol_id=PID_SIM_DATA_DOWNLOAD,
        data_coding=DCS_CARD_8_BIT,
        options={Tag.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\x00"},
    )
