"""The card exchanges of one test as packets, each with a comment that leads back to its step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hil.report import gsmtap
from hil.report.exchanges import ApduExchange, Step
from hil.report.pcapng import Packet
from hil.wire.status_words import OK, describe

_MORE_DATA: Final = 0x61


class ApduPackets:
    """Makes the packets of one test, ``label`` names it; ``virtual`` are names of stand-ins.

    An ATR goes into the comment of the packet behind it. ``with_atr`` makes a packet of its own as
    well: some readers of traces want it, but Wireshark shows it as an APDU that it is not.
    """

    def __init__(
        self, label: str, *, virtual: frozenset[str] = frozenset(), with_atr: bool = False
    ) -> None:
        self._label = label
        self._virtual = virtual
        self._with_atr = with_atr
        self._atr: dict[str, str] = {}

    def of(self, one: ApduExchange) -> Iterator[Packet]:
        """Return the packets of one exchange: one for a command, none or one for an ATR."""
        if one.is_atr:
            told = f"{one.answer_note}: {one.answer.hex().upper()}"
            self._atr[one.equipment] = told
            if self._with_atr:
                yield self._packet(one, one.answer, told, gsmtap.SubType.ATR)
            return
        payload = one.command + one.answer
        parts = [self._atr.pop(one.equipment, ""), self._status(one), one.blanked]
        if len(payload) > gsmtap.LONGEST:
            parts.append(f"{len(payload)} bytes do not fit a packet, they are in the transcript")
            payload = b""
        yield self._packet(one, payload, "; ".join(part for part in parts if part))

    def _packet(
        self,
        one: ApduExchange,
        payload: bytes,
        told: str,
        kind: gsmtap.SubType = gsmtap.SubType.APDU,
    ) -> Packet:
        slot = f"{one.equipment} (VIRTUAL)" if one.equipment in self._virtual else one.equipment
        comment = comment_of(self._label, one.step) + (f"; {told}" if told else "")
        return Packet(max(0, one.utc_ns), gsmtap.packet(payload, kind), slot, comment)

    def _status(self, one: ApduExchange) -> str:
        if one.sw is None:
            return one.answer_note or "no answer"
        return "" if one.sw == OK or one.sw >> 8 == _MORE_DATA else describe(one.sw)


def comment_of(label: str, step: Step) -> str:
    """Return ``TC-FS-001 step 1: select MF``; the label alone where no step is open."""
    return f"{label} step {step.number}: {step.title}" if step.number else label
