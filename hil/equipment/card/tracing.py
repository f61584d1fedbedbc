"""Hands every APDU of a card, redacted, to the observer."""

from __future__ import annotations

from typing import Final

from hil.equipment.card.instructions import instruction_name
from hil.equipment.card.redaction import Redactor
from hil.observer import Exchange, Observer
from hil.wire.status_words import describe

_LINK: Final = "apdu"
_SUCCESS: Final = b"\x90\x00"


class Trace:
    """The trace of one card: commands as they went over the line, GET RESPONSE included."""

    def __init__(self, observer: Observer, equipment: str) -> None:
        self._note = observer.exchange
        self._equipment = equipment
        self._redactor = Redactor()

    def powered(self, atr: bytes, event: str) -> None:
        """Note that the card was powered or reset: its state is new."""
        self._redactor.reset()
        self._note(Exchange(_LINK, self._equipment, "in", atr.hex().upper(), f"ATR after {event}"))

    def command(self, raw: bytes) -> None:
        """Note a command APDU with the name of its instruction."""
        shown, blanks = self._redactor.command(raw)
        note = instruction_name(raw[1])
        if blanks:
            note = f"{note}, {_blanked(blanks)}" if note else _blanked(blanks)
        self._note(Exchange(_LINK, self._equipment, "out", shown.hex().upper(), note))

    def answer(self, command: bytes, raw: bytes) -> None:
        """Note an answer: data and status word, the latter by name when it is not 9000."""
        shown, blanks = self._redactor.answer(command, raw)
        note = "" if raw.endswith(_SUCCESS) else describe(int.from_bytes(raw[-2:], "big"))
        if blanks:
            note = f"{note}, {_blanked(blanks)}" if note else _blanked(blanks)
        self._note(Exchange(_LINK, self._equipment, "in", shown.hex().upper(), note))

    def failed(self, err: Exception) -> None:
        """Note that no answer came."""
        self._note(Exchange(_LINK, self._equipment, "in", "", f"no answer: {type(err).__name__}"))


def _blanked(count: int) -> str:
    return f"data redacted ({count} bytes)"
