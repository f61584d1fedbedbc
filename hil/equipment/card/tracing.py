"""Hands every APDU of a card, redacted, to the observer."""

from __future__ import annotations

from hil.equipment.card.redaction import Redactor
from hil.observer import Exchange, Observer
from hil.wire.status_words import describe

_LINK = "apdu"


class Trace:
    """The trace of one card: commands as they went over the line, GET RESPONSE included."""

    def __init__(self, observer: Observer, equipment: str) -> None:
        self._observer = observer
        self._equipment = equipment
        self._redactor = Redactor()

    def powered(self, atr: bytes, event: str) -> None:
        """Note that the card was powered or reset: its state is new."""
        self._redactor.reset()
        self._observer.exchange(
            Exchange(_LINK, self._equipment, "in", atr.hex().upper(), f"ATR after {event}")
        )

    def command(self, raw: bytes) -> None:
        """Note a command APDU."""
        shown, blanks = self._redactor.command(raw)
        note = _blanked(blanks) if blanks else ""
        self._observer.exchange(Exchange(_LINK, self._equipment, "out", shown.hex().upper(), note))

    def answer(self, command: bytes, raw: bytes) -> None:
        """Note an answer: data and status word, the latter by name when it is not 9000."""
        shown, blanks = self._redactor.answer(command, raw)
        sw = int.from_bytes(raw[-2:], "big")
        words = [] if sw == 0x9000 else [describe(sw)]
        if blanks:
            words.append(_blanked(blanks))
        self._observer.exchange(
            Exchange(_LINK, self._equipment, "in", shown.hex().upper(), ", ".join(words))
        )

    def failed(self, err: Exception) -> None:
        """Note that no answer came."""
        self._observer.exchange(
            Exchange(_LINK, self._equipment, "in", "", f"no answer: {type(err).__name__}")
        )


def _blanked(count: int) -> str:
    return f"data redacted ({count} bytes)"
