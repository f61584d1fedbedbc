"""A card managed over the air without air: SCP80 in ENVELOPEs, proofs of receipt from the toolkit.

The session is both ends that a card knows: the server that secures scripts (ETSI TS 102 225, TS
102 226) and the terminal that carries them (TS 102 223). It works on any card whose SCP80 keys the
lab holds. Meant for a key set of the lab's own: its counter moves as the lab likes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.equipment.card.errors import ProcedureError
from hil.errors import CodecError
from hil.wire import cat, scp80, sms
from hil.wire.cat_values import CommandType
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.identifiers import ISD_R_TAR
from hil.wire.scp80 import OtaKeySet, ResponsePacket, ResponseStatus, SecurityParameters

if TYPE_CHECKING:
    from hil.equipment.card.card import Card
    from hil.wire.apdu import CommandApdu, ResponseApdu

log = logging.getLogger(__name__)

PROFILE: Final = bytes.fromhex("FFFFFFFF7F0000DF000000000000000000000000000000000000000000000000")
"""Terminal profile: SMS-PP download, REFRESH, SEND SHORT MESSAGE and other common facilities."""

SENDER: Final = sms.Address.international("15550100999")
_MOST_PROACTIVE: Final = 64
_COUNTER_EPOCH: Final = 1_577_836_800
_COUNTS_PER_SECOND: Final = 16


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came back for one packet.

    ``packet``: the proof of receipt, opened and checked; None when the card kept silent.
    ``envelope_sw``: status word of the last ENVELOPE. ``refreshed``: the card asked for a REFRESH,
    and was reset. ``messages``: short messages the packet took.
    """

    packet: ResponsePacket | None
    envelope_sw: int
    refreshed: bool
    messages: int

    @property
    def status(self) -> int | None:
        """Status of the proof of receipt, by name in :class:`ResponseStatus`."""
        return None if self.packet is None else self.packet.status

    @property
    def script(self) -> ResponseScript:
        """The response script; :class:`CodecError` when there is none."""
        if self.packet is None or self.packet.status != ResponseStatus.OK:
            shown = "no receipt" if self.packet is None else f"status {self.packet.status:02X}"
            raise CodecError(f"the card has run no script: {shown}")
        return ResponseScript.decode(self.packet.data)

    @property
    def answers(self) -> tuple[ResponseApdu, ...]:
        """The answers to the commands of the script, in order."""
        return self.script.answers


class OverTheAirSession:
    """Sends scripts to one card. ``counter`` is the last value used with the key set.

    A card that is further on says so; the counter then jumps to one made from the time, which no
    earlier run can have used. ``limit``: longest user data of a short message in bytes.
    """

    def __init__(
        self,
        card: Card,
        keys: OtaKeySet,
        *,
        counter: int = 0,
        limit: int = sms.LONGEST_USER_DATA,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.card = card
        self.counter = counter
        self._keys = keys
        self._limit = limit
        self._clock = clock
        self._reference = 0

    def send(self, *commands: CommandApdu, tar: bytes = ISD_R_TAR) -> tuple[ResponseApdu, ...]:
        """Run commands as one script with SGP.02's security; return the answers that came."""
        return self.execute(*commands, tar=tar).answers

    def execute(self, *commands: CommandApdu, tar: bytes = ISD_R_TAR) -> Receipt:
        """Run commands as one script with SGP.02's security; return all that came of it."""
        return self.run(CommandScript.of(commands).encode(), tar=tar)

    def run(
        self,
        data: bytes,
        *,
        tar: bytes = ISD_R_TAR,
        parameters: SecurityParameters | None = None,
    ) -> Receipt:
        """Send ``data`` with the next counter; once more where the card's counter was further."""
        chosen = parameters or SecurityParameters(scp80.SGP02_SPI, tar)
        receipt = self._run(data, chosen)
        if receipt.status == ResponseStatus.COUNTER_LOW:
            from_time = int((self._clock() - _COUNTER_EPOCH) * _COUNTS_PER_SECOND)
            log.info("counter %d is too low for %s", self.counter, self.card.name)
            self.counter = max(self.counter, from_time)
            receipt = self._run(data, chosen)
        return receipt

    def secured(self, data: bytes, counter: int, parameters: SecurityParameters) -> bytes:
        """Return the packet around ``data`` with a counter of the caller's, for wrong ones too."""
        return scp80.wrap_command(data, counter, parameters, self._keys)

    def deliver(
        self, packet: bytes, parameters: SecurityParameters, *, order: Callable[[int], int] = int
    ) -> Receipt:
        """Send a packet that is secured already, rightly or wrongly.

        ``order`` sorts the short messages by their place, for tests of reordering.
        """
        self._reference = self._reference % 0xFF + 1
        parts = sms.split(packet, reference=self._reference, limit=self._limit)
        places = sorted(range(len(parts)), key=order)
        return self.deliver_messages([parts[place] for place in places], parameters)

    def deliver_messages(self, parts: list[bytes], parameters: SecurityParameters) -> Receipt:
        """Send user data, header included, message after message, and collect the receipt."""
        receipts = sms.Reassembler()
        found: list[bytes] = []
        refreshed = False
        sw = 0
        with self.card.transaction():
            self._toolkit(self.card.send(cat.terminal_profile(PROFILE)), receipts, found)
            found.clear()
            for part in parts:
                tpdu = sms.SmsDeliver(SENDER, part).encode()
                answer = self.card.send(cat.envelope_sms_pp(tpdu))
                sw = answer.sw
                if answer.data:
                    self._collect(answer.data, receipts, found)
                refreshed = self._toolkit(answer, receipts, found) or refreshed
            if refreshed:
                self.card.reset()
        packet = self._open(found, parameters)
        return Receipt(packet, sw, refreshed, len(parts))

    def _run(self, data: bytes, parameters: SecurityParameters) -> Receipt:
        self.counter += 1
        return self.deliver(self.secured(data, self.counter, parameters), parameters)

    def _toolkit(self, answer: ResponseApdu, receipts: sms.Reassembler, found: list[bytes]) -> bool:
        """Serve proactive commands for as long as one waits; return whether one was a REFRESH."""
        refresh = False
        for _ in range(_MOST_PROACTIVE):
            if answer.sw1 != 0x91:
                return refresh
            fetched = self.card.expect(cat.fetch(answer.sw2))
            command = cat.ProactiveCommand.decode(fetched.data)
            if command.kind == CommandType.SEND_SHORT_MESSAGE:
                self._collect(sms.SmsSubmit.decode(command.tpdu).user_data, receipts, found)
            refresh = refresh or command.kind == CommandType.REFRESH
            answer = self.card.send(cat.terminal_response(command))
        raise ProcedureError(
            f"{self.card.name}: more than {_MOST_PROACTIVE} proactive commands in a row"
        )

    def _collect(self, user_data: bytes, receipts: sms.Reassembler, found: list[bytes]) -> None:
        try:
            whole = receipts.add(self.card.name, user_data, now_s=self._clock())
        except CodecError as err:
            log.info("a message of %s is no part of a receipt: %s", self.card.name, err)
            return
        if whole is not None and whole.kind == "response":
            found.append(whole.payload)

    def _open(self, found: list[bytes], parameters: SecurityParameters) -> ResponsePacket | None:
        """Return the receipt that counts: the last, for an earlier one only announces it."""
        if not found:
            return None
        return scp80.unwrap_response(found[-1], parameters, self._keys)
