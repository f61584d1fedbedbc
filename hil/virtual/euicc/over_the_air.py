"""Short messages to the card: ENVELOPE in, proof of receipt out (3GPP TS 31.111, TS 31.115)."""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import cat, sms
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp80 import ResponseStatus
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.secured_packets import Receipt, SecuredPackets
    from hil.virtual.euicc.toolkit import Toolkit

log = logging.getLogger(__name__)

_DONE: Final = ResponseApdu(b"", OK)
_SMS_PP_DOWNLOAD: Final = 0xD1
_CLASSES_OF_CARD_DATA: Final = frozenset({sms.DCS_CARD_8_BIT, 0x16})
"""TP-DCS of messages for the card: class 2, 8-bit data."""


class OverTheAir:
    """Collects messages into packets, has them executed, and sends the receipts.

    A proof of receipt by SMS-SUBMIT waits in the toolkit until the terminal fetches it; one by
    delivery report is the answer to the last ENVELOPE. ``events`` gets the other envelopes.
    ``clock``: seconds, for the time parts wait.
    """

    def __init__(
        self,
        packets: SecuredPackets,
        toolkit: Toolkit,
        *,
        events: Callable[[CommandApdu], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._packets = packets
        self._toolkit = toolkit
        self._events = events
        self._clock = clock
        self._parts = sms.Reassembler()
        self._reference = 0

    def envelope(self, command: CommandApdu) -> ResponseApdu:
        """Take an ENVELOPE: SMS-PP download, events, the end of a timer; others change nothing.

        What is no packet for the card, or not authentic, is dropped with 9000 and no receipt.
        """
        if command.p1 or command.p2:
            raise RefusalError(0x6A86)
        if not command.data:
            raise RefusalError(0x6700)
        try:
            if cat.envelope_tag(command) != _SMS_PP_DOWNLOAD:
                self._events(command)
                return _DONE
            message = sms.SmsDeliver.decode(cat.parse_envelope(command).tpdu)
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        card_data = message.pid == sms.PID_SIM_DATA_DOWNLOAD and message.has_header
        if not card_data or message.dcs not in _CLASSES_OF_CARD_DATA:
            log.info("message dropped: no data for the card")
            return _DONE
        try:
            whole = self._parts.add(
                message.originator.digits, message.user_data, now_s=self._clock()
            )
        except CodecError as err:
            log.info("message dropped: %s", err)
            return _DONE
        if whole is None or whole.kind != "command":
            return _DONE
        receipt = self._packets.process(whole.payload)
        return _DONE if receipt is None else self._send(receipt, message.originator)

    def _send(self, receipt: Receipt, to: sms.Address) -> ResponseApdu:
        if receipt.by_submit:
            self._submit(receipt.packet(), to)
            return _DONE
        parts = sms.split(receipt.packet(), kind="response")
        if len(parts) == 1:
            return ResponseApdu(parts[0], OK)
        # A delivery report is one message: it announces the others.
        self._submit(receipt.packet(), to)
        announced = receipt.packet(ResponseStatus.ANSWER_BY_SUBMIT)
        return ResponseApdu(sms.split(announced, kind="response")[0], OK)

    def _submit(self, packet: bytes, to: sms.Address) -> None:
        self._reference = self._reference % 0xFF + 1
        for part in sms.split(packet, kind="response", reference=self._reference):
            tpdu = sms.SmsSubmit(to, part, pid=sms.PID_SIM_DATA_DOWNLOAD).encode()
            self._toolkit.ask(functools.partial(_send_short_message, tpdu))


def _send_short_message(tpdu: bytes, number: int) -> bytes:
    return cat.send_short_message(number, tpdu)
