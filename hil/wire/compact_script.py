"""Command strings in the compact remote format: ETSI TS 102 226, section 5.1.

Commands stand one behind the other without marks: CLA INS P1 P2 P3, then P3 bytes of data, or none
where P3 is the length of the answer. Which of the two it is follows from the instruction alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import CompactResponse
from hil.wire.status_words import is_success, is_warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GET_RESPONSE: Final = 0xC0
FILE_ANSWERS: Final = frozenset({0xB0, 0xB2, GET_RESPONSE, 0xF2})
"""Instructions of remote file management whose P3 is Le."""

MANAGEMENT_ANSWERS: Final = frozenset({0xCA, GET_RESPONSE})
"""Instructions of remote application management whose P3 is Le."""

_HEADER: Final = 5
_MOST_COMMANDS: Final = 0xFF
_WRONG_LENGTH: Final = ResponseApdu(b"", 0x6700)
_NOTHING_WAITS: Final = ResponseApdu(b"", 0x6985)


def read_commands(raw: bytes, answers: frozenset[int]) -> Iterator[CommandApdu]:
    """Yield the commands; :class:`CodecError` where the string is cut off."""
    at = 0
    while at < len(raw):
        if at + _HEADER > len(raw):
            raise CodecError(f"command at byte {at} is cut off in its header")
        cla, ins, p1, p2, p3 = raw[at : at + _HEADER]
        at += _HEADER
        if ins in answers:
            yield CommandApdu(cla, ins, p1, p2, le=p3 or 256)
            continue
        data = raw[at : at + p3]
        if len(data) < p3:
            raise CodecError(f"command {ins:02X} says {p3} bytes of data, {len(data)} are left")
        at += p3
        yield CommandApdu(cla, ins, p1, p2, data)


def run(
    raw: bytes, answers: frozenset[int], execute: Callable[[CommandApdu], ResponseApdu]
) -> bytes:
    """Run a command string; return number of commands, last status word, last data.

    It ends at the first error. Data of a command that also brought some waits for GET RESPONSE:
    61xx.
    """
    count, last = 0, ResponseApdu(b"", 0x9000)
    waiting: ResponseApdu | None = None
    try:
        for command in read_commands(raw, answers):
            if count == _MOST_COMMANDS:
                raise CodecError("more than 255 commands in a compact script")
            count += 1
            if command.ins == GET_RESPONSE:
                last, waiting = _waited(command, waiting), None
            else:
                last, waiting = execute(command), None
            if last.data and command.data:
                waiting, size = last, len(last.data)
                last = ResponseApdu(b"", 0x6100 | (size if size < 256 else 0))
            if not (waiting or is_success(last.sw) or is_warning(last.sw)):
                break
    except CodecError:
        count, last = count + 1, _WRONG_LENGTH
    return CompactResponse(min(count, _MOST_COMMANDS), last).encode()


def _waited(command: CommandApdu, waiting: ResponseApdu | None) -> ResponseApdu:
    if waiting is None:
        return _NOTHING_WAITS
    wanted = command.le or 256
    if wanted > len(waiting.data):
        return waiting if wanted == 256 else ResponseApdu(b"", 0x6C00 | len(waiting.data) & 0xFF)
    return ResponseApdu(waiting.data[:wanted], waiting.sw)
