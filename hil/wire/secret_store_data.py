"""What STORE DATA may show: no keys in data groups, no profile segments; state over blocks.

GlobalPlatform card specification 11.11 (P1, blocks); key groups by the EMV card personalisation
numbering (80 to 8F); SGP.02 4.1.3.3 and SGP.22 2.5 (segments of a profile package).
"""

from __future__ import annotations

from typing import Final

from hil.wire.blanking import Blanked, Rule, blank, blank_between, body_of
from hil.wire.current_files import SELECT, channel_of

_STORE_DATA: Final = 0xE2
_INITIALIZE_UPDATE: Final = 0x50
_EXTERNAL_AUTHENTICATE: Final = 0x82
_STRUCTURE: Final = 0x18
_DGI: Final = 0x08
_BER_TLV: Final = 0x10
_ENCIPHERED_VALUES: Final = 0x60
_LAST_BLOCK: Final = 0x80
_COMMAND_DECIPHERING: Final = 0x02
_KEY_GROUPS: Final = range(0x80, 0x90)
_LONG: Final = 0xFF
_SEGMENTS: Final = frozenset(bytes((tag,)) for tag in (*range(0x84, 0x89), *range(0xA0, 0xA4)))
"""Tags that begin what goes to an ISD-P: SCP03t commands, and the sequences of SGP.22."""

_SEGMENT_ANSWERS: Final = frozenset(bytes((tag,)) for tag in range(0x84, 0x88))


class StoreData:
    """Follows the blocks and the level of security of one card's STORE DATA."""

    def __init__(self) -> None:
        self._key_group_open = False
        self._segment_open = False
        self._levels: dict[int, int] = {}

    def reset(self) -> None:
        """Forget everything."""
        self._key_group_open = self._segment_open = False
        self._levels.clear()

    def answered(self, command: bytes, answer: bytes) -> None:
        """Take note of what opens or ends a secure channel, and of what ends a row of blocks."""
        channel, ins = channel_of(command[0]), command[1]
        if ins == _EXTERNAL_AUTHENTICATE and answer[-2:] == b"\x90\x00":
            self._levels[channel] = command[2]
        elif ins in (SELECT, _INITIALIZE_UPDATE):
            self._levels.pop(channel, None)
        elif ins == _STORE_DATA and answer[-2] not in (0x90, 0x61, 0x91):
            self._segment_open = False

    def rules(self, raw: bytes) -> tuple[Rule | None, Rule | None]:
        """Return how to hide data and answer of a STORE DATA, None where they may be shown."""
        start, end = body_of(raw)
        body, first, last = raw[start:end], raw[3] == 0, bool(raw[2] & _LAST_BLOCK)
        structure = raw[2] & _STRUCTURE
        if first:
            self._key_group_open = False
            self._segment_open = structure == _BER_TLV and body[:1] in _SEGMENTS
        if self._segment_open:
            self._segment_open = not last
            return _first_block if first else _next_block, _segment_answer
        if structure == _DGI and not self._enciphered(raw) and self._carries_keys(body, last=last):
            return blank, None
        return None, None

    def _enciphered(self, raw: bytes) -> bool:
        """Whether nobody can read the data: by the values' own keys, or by the secure channel.

        A channel that only has checksums, or that nobody saw opened, hides nothing.
        """
        if raw[2] & _ENCIPHERED_VALUES == _ENCIPHERED_VALUES:
            return True
        secured = raw[0] & (0x20 if raw[0] & 0x40 else 0x0C)
        return bool(secured and self._levels.get(channel_of(raw[0]), 0) & _COMMAND_DECIPHERING)

    def _carries_keys(self, body: bytes, *, last: bool) -> bool:
        position, found = 0, self._key_group_open
        while position + 3 <= len(body) and not found:
            length, start = body[position + 2], position + 3
            if length == _LONG:
                length, start = int.from_bytes(body[start : start + 2], "big"), start + 2
            found = body[position] in _KEY_GROUPS
            position = start + length
        # A group that began as a key and is not known to be over goes on in the next block.
        self._key_group_open = found and not last
        return found


def _first_block(data: bytes) -> Blanked:
    """Keep tag and length of the segment."""
    return blank_between(data, _head(data), len(data))


def _next_block(data: bytes) -> Blanked:
    return blank(data)


def _segment_answer(data: bytes) -> Blanked:
    """Keep tag and length; an error without secrets is shown whole."""
    return _first_block(data) if data[:1] in _SEGMENT_ANSWERS else (data, 0)


def _head(data: bytes) -> int:
    length = data[1] if len(data) > 1 else 0
    return 2 + (length & 0x7F if length & 0x80 else 0)
