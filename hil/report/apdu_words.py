"""One line of words for each command to a card and its answer, by our own decoder.

It follows the selected files as the redactor does. Any bytes give a line: what cannot be read is
named as far as it can, and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hil.errors import CodecError
from hil.report import file_words, management_words, toolkit_words
from hil.report.command import Command
from hil.report.exchanges import ApduExchange
from hil.report.joined import Joined
from hil.report.object_words import size
from hil.wire.current_files import CurrentFiles
from hil.wire.instructions import instruction_name
from hil.wire.status_words import OK, describe

_WORDS: Final[Mapping[int, Callable[[Command], str]]] = {
    0x12: toolkit_words.fetch,
    0x14: toolkit_words.terminal_response,
    0x20: file_words.of_pin,
    0x24: file_words.of_pin,
    0x26: file_words.of_pin,
    0x28: file_words.of_pin,
    0x2C: file_words.of_pin,
    0x70: file_words.manage_channel,
    0x88: file_words.authenticate,
    0xC2: toolkit_words.envelope,
    0xCA: management_words.get_data,
}
_MANAGEMENT: Final[Mapping[int, Callable[[Command], str]]] = {
    0x50: management_words.initialize_update,
    0x82: management_words.external_authenticate,
    0xD8: management_words.put_key,
    0xE2: management_words.store_data,
    0xE4: management_words.delete,
    0xE6: management_words.install,
    0xE8: management_words.load,
    0xF0: management_words.set_status,
}
_EXTERNAL_AUTHENTICATE: Final = 0x82
_SELECT: Final = 0xA4
_STATUS: Final = 0xF2
_GET_STATUS_OF: Final = frozenset((0x80, 0x40, 0x20, 0x10))
_CONTENTS: Final = frozenset((0xB0, 0xB2, 0xD6, 0xDC, 0xA2, 0x32, 0xCB, 0xDB))
_LEAST: Final = 4


class ApduWords:
    """The decoder of one card, from its first exchange on."""

    def __init__(self) -> None:
        self._files = CurrentFiles()

    def line(self, joined: Joined) -> str:
        """Return command and outcome in words."""
        if len(joined.first.command) < _LEAST:
            told = f"{size(len(joined.first.command))}, no command"
        else:
            told = self._command(joined)
        for part in joined.parts:
            self._files.follow(part.command, part.answer)
        blanked = ", ".join(dict.fromkeys(one.blanked for one in joined.parts if one.blanked))
        return f"{told} → {outcome(joined)}" + (f"; {blanked}" if blanked else "")

    def alone(self, exchange: ApduExchange) -> str:
        """Return an answer to reset, or an answer to nothing, in words."""
        if exchange.is_atr:
            self._files.reset()
            return exchange.answer_note
        return f"answer without a command: {exchange.answer_note or 'nothing is known of it'}"

    def _command(self, joined: Joined) -> str:
        command = Command.read(joined.header, joined.data, joined.answer)
        try:
            told = self._words(command, joined.first.command)
        except (CodecError, IndexError, ValueError):
            told = _name(command)  # its data are no such thing as its instruction says
        if command.secured:
            told = f"secured {told}"
        if command.channel:
            told += f" on channel {command.channel}"
        count = sum(1 for one in joined.parts if one.command[1:2] == b"\xc0")
        return f"{told} (answer by GET RESPONSE)" if count and command.ins != 0xC0 else told

    def _words(self, command: Command, raw: bytes) -> str:
        ins = command.ins
        if ins == _SELECT:
            return file_words.select(command, self._files.selected(raw))
        if ins in _CONTENTS:
            return file_words.contents(command, self._files.target(raw))
        if ins == _STATUS:
            if command.proprietary and command.p1 in _GET_STATUS_OF:
                return management_words.get_status(command)
            return file_words.status(self._files.at(command.channel))
        managing = command.proprietary or ins == _EXTERNAL_AUTHENTICATE
        words = (_MANAGEMENT.get(ins) if managing else None) or _WORDS.get(ins, _name)
        return words(command)


def outcome(joined: Joined) -> str:
    """Return size of the answer and status word, the latter by name where it is not 9000."""
    if joined.sw is None:
        return joined.parts[-1].answer_note or "no answer"
    status = f"{joined.sw:04X}" if joined.sw == OK else describe(joined.sw)
    return f"{size(len(joined.answer))}, {status}" if joined.answer else status


def _name(command: Command) -> str:
    name = instruction_name(command.ins, command.cla) or f"unknown instruction {command.ins:02X}"
    return f"{name} P1 {command.p1:02X} P2 {command.p2:02X}"
