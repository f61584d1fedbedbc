"""SEARCH RECORD, simple and enhanced (ETSI TS 102 221, 11.1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.current_file import READ, AccessRules, check_usable
from hil.virtual.euicc.record_commands import record_file
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.files import Ef

_FORWARD, _BACKWARD, _ENHANCED = 4, 5, 6
_FROM_NEXT, _FROM_PREVIOUS = 6, 7
_BEHIND_VALUE: Final = 0x08
_NOT_FOUND: Final = 0x6282


class SearchCommand:
    """Finds the records that hold a string; the first found becomes the current one.

    A search ends at the last or first record, also in a cyclic file.
    """

    def __init__(self, access: AccessRules) -> None:
        self._access = access
        self.handlers = {0xA2: self._search}

    def _search(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        mode = command.p2 & 7
        if mode not in (_FORWARD, _BACKWARD, _ENHANCED):
            raise RefusalError(0x6A86, f"search mode {mode}")
        enhanced = mode == _ENHANCED
        if len(command.data) < (3 if enhanced else 1):
            raise RefusalError(0x6700, "no search string")
        file = record_file(command.p2 >> 3, channel)
        self._access.check(file, READ)
        check_usable(file)
        pattern, start, behind = command.data, 0, None
        if enhanced:
            mode, behind, start = _indication(command.data)
            pattern = command.data[2:]
        found = [
            number
            for number in _candidates(mode, command.p1, channel.record, file)
            if _holds(file.record(number), pattern, start, behind)
        ]
        if not found:
            return ResponseApdu(b"", _NOT_FOUND)
        channel.record = found[0]
        return ResponseApdu(bytes(found), OK)


def _indication(data: bytes) -> tuple[int, int | None, int]:
    """Return the mode, the value behind which the search starts or None, and the offset."""
    first, second = data[0], data[1]
    mode = first & 7
    if first & ~(_BEHIND_VALUE | 7) or not mode & 4:
        raise RefusalError(0x6A80, f"search indication {first:02X}")
    return (mode, second, 0) if first & _BEHIND_VALUE else (mode, None, second)


def _candidates(mode: int, p1: int, current: int, file: Ef) -> Sequence[int]:
    """Return the numbers of the records to look at, in order."""
    if mode in (_FORWARD, _BACKWARD):
        start = p1 or current
        file.record(start)
    elif mode == _FROM_NEXT:
        start = current + 1
    else:
        start = (current or file.records + 1) - 1
    if mode in (_FORWARD, _FROM_NEXT):
        return range(start, file.records + 1)
    return range(start, 0, -1)


def _holds(record: bytes, pattern: bytes, start: int, behind: int | None) -> bool:
    if behind is not None:
        place = record.find(behind)
        if place < 0:
            return False
        start = place + 1
    return record.find(pattern, start) >= 0
