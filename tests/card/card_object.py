"""Card objects for the in-process transport, with scripts; not the virtual eUICC."""

from __future__ import annotations

from collections.abc import Callable

from tests.card.scripted_card import ATR_T0


class ScriptedObject:
    """Answers each command with what ``answer`` returns; notes commands and power."""

    def __init__(self, answer: Callable[[bytes], bytes], *, atr: bytes = ATR_T0) -> None:
        self._answer = answer
        self._atr = atr
        self.commands: list[bytes] = []
        self.power: list[str] = []

    def power_on(self) -> bytes:
        self.power.append("on")
        return self._atr

    def power_off(self) -> None:
        self.power.append("off")

    def transmit(self, apdu: bytes) -> bytes:
        self.commands.append(apdu)
        return self._answer(apdu)
