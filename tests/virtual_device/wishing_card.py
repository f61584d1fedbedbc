"""A card that has wishes: proactive commands that a test puts in, answers that it reads."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field

from hil.wire.apdu import CommandApdu
from hil.wire.cat import TerminalResponse
from tests.virtual_device.scripted_card import ScriptedCard


@dataclass
class Wish:
    command: bytes
    answers: queue.Queue[TerminalResponse] = field(default_factory=queue.Queue)

    def answer(self, *, timeout_s: float) -> TerminalResponse:
        return self.answers.get(timeout=timeout_s)


class WishingCard(ScriptedCard):
    """Announces each wish by 91xx in turn; the device finds it at its next poll or envelope."""

    def __init__(self, eid: str) -> None:
        self._wishes: queue.Queue[Wish] = queue.Queue()
        self._current: Wish | None = None
        self._envelopes: queue.Queue[CommandApdu] = queue.Queue()
        super().__init__(eid)

    def wish(self, command: bytes) -> Wish:
        wish = Wish(command)
        self._wishes.put(wish)
        return wish

    def envelope(self, *, timeout_s: float) -> CommandApdu:
        return self._envelopes.get(timeout=timeout_s)

    def _apdu(self, raw: bytes) -> bytes:
        command = CommandApdu.decode(raw)
        if command.ins == 0x12 and self._current is not None:
            return self._current.command + b"\x90\x00"
        if command.ins == 0x14 and self._current is not None:
            self._current.answers.put(TerminalResponse.decode(command))
            self._current = None
            answer = b"\x90\x00"
        elif command.ins == 0xC2:
            self._envelopes.put(command)
            answer = b"\x90\x00"
        elif command.ins == 0xF2:
            answer = b"\x90\x00"
        else:
            answer = super()._apdu(raw)
        if answer == b"\x90\x00" and self._current is None and not self._wishes.empty():
            self._current = self._wishes.get()
        if answer == b"\x90\x00" and self._current is not None:
            return bytes((0x91, len(self._current.command) & 0xFF))
        return answer
