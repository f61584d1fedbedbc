"""Hands every APDU of a card, redacted, to the observer."""

from __future__ import annotations

from typing import Final

from hil.observer import Direction, Exchange, Observer
from hil.wire.instructions import instruction_name
from hil.wire.redaction import Redactor, Shown
from hil.wire.status_words import describe

_LINK: Final = "apdu"
_SUCCESS: Final = b"\x90\x00"


class Trace:
    """The trace of one card: commands as they went over the line, GET RESPONSE included."""

    def __init__(self, observer: Observer, equipment: str) -> None:
        self._note = observer.exchange
        self._equipment = equipment
        self._redactor = Redactor()
        self._last = b""

    def powered(self, atr: bytes, event: str) -> None:
        """Note that the card was powered or reset: its state is new."""
        self._redactor.reset()
        self._note(Exchange(_LINK, self._equipment, "in", atr.hex().upper(), f"ATR after {event}"))

    def command(self, raw: bytes) -> None:
        """Note a command APDU with the name of its instruction."""
        self._last = raw
        shown = self._redactor.command(raw)
        name = instruction_name(raw[1], raw[0])
        self._say("out", shown, name)

    def answer(self, command: bytes, raw: bytes) -> None:
        """Note an answer: data and status word, the latter by name when it is not 9000."""
        shown = self._redactor.answer(command, raw)
        name = "" if raw.endswith(_SUCCESS) else describe(int.from_bytes(raw[-2:], "big"))
        self._say("in", shown, name)

    def failed(self, err: Exception) -> None:
        """Note that no answer came."""
        self._redactor.failed(self._last)
        self._note(Exchange(_LINK, self._equipment, "in", "", f"no answer: {type(err).__name__}"))

    def _say(self, direction: Direction, shown: Shown, name: str) -> None:
        note = ", ".join(part for part in (name, shown.note) if part)
        self._note(Exchange(_LINK, self._equipment, direction, shown.raw.hex().upper(), note))
