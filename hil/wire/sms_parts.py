"""Secured packets cut into short messages and put together again: 3GPP TS 31.115, TS 23.040.

The first message alone carries the element 70 (command) or 71 (response); the others carry only
the reference, the number of messages and their own place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from hil.errors import CodecError
from hil.wire.sms_tpdu import LONGEST_USER_DATA

Kind = Literal["command", "response"]

_IEI: Final[dict[Kind, int]] = {"command": 0x70, "response": 0x71}
_KINDS: Final[dict[int, Kind]] = {0x70: "command", 0x71: "response"}
_CONCATENATION: Final = 0x00
_WIDE_CONCATENATION: Final = 0x08
"""With a reference of 16 bits: some centres write it, and nobody here does."""
_SINGLE_HEADER: Final = 3
_FIRST_HEADER: Final = 8
_NEXT_HEADER: Final = 6
_MOST_PARTS: Final = 255


@dataclass(frozen=True, slots=True)
class Part:
    """One short message's share of a packet; ``kind`` is known from the first one only.

    ``wide``: the reference has 16 bits, and is another one than the same number in 8 bits.
    """

    kind: Kind | None
    reference: int
    total: int
    place: int
    payload: bytes
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A packet put together from its messages."""

    kind: Kind
    payload: bytes


def split(
    payload: bytes, *, kind: Kind = "command", reference: int = 0, limit: int = LONGEST_USER_DATA
) -> list[bytes]:
    """Return the user data, header included, of each message that carries ``payload``.

    ``limit`` is the longest user data of one message in bytes; some cards want 130 or less.
    """
    if not _FIRST_HEADER < limit <= LONGEST_USER_DATA:
        raise CodecError(f"user data limit {limit} is outside 9 to {LONGEST_USER_DATA}")
    if not 0 <= reference <= 0xFF:
        raise CodecError(f"message reference {reference} is not one byte")
    if len(payload) <= limit - _SINGLE_HEADER:
        return [bytes((2, _IEI[kind], 0)) + payload]
    first, room = limit - _FIRST_HEADER, limit - _NEXT_HEADER
    total = 1 + -(-(len(payload) - first) // room)
    if total > _MOST_PARTS:
        raise CodecError(f"{len(payload)} bytes need {total} messages; at most {_MOST_PARTS}")
    parts = [bytes((7, _IEI[kind], 0, 0, 3, reference, total, 1)) + payload[:first]]
    for place in range(2, total + 1):
        at = first + (place - 2) * room
        parts.append(bytes((5, 0, 3, reference, total, place)) + payload[at : at + room])
    return parts


def read_part(user_data: bytes) -> Part:
    """Read user data with its header; a message that stands alone is part 1 of 1."""
    if not user_data:
        raise CodecError("user data has no header")
    end = 1 + user_data[0]
    if end > len(user_data):
        raise CodecError(f"user data header says {user_data[0]} bytes, more than there are")
    kind: Kind | None = None
    reference, total, place = 0, 1, 1
    wide = False
    at = 1
    while at < end:
        if at + 2 > end or at + 2 + user_data[at + 1] > end:
            raise CodecError(f"element at byte {at} of the user data header is cut off")
        element, size = user_data[at], user_data[at + 1]
        value = user_data[at + 2 : at + 2 + size]
        if element in _KINDS:
            kind = _KINDS[element]
        elif element == _CONCATENATION:
            if size != 3:
                raise CodecError(f"concatenation element has {size} bytes, not 3")
            reference, total, place = value
        elif element == _WIDE_CONCATENATION:
            if size != 4:
                raise CodecError(f"concatenation element has {size} bytes, not 4")
            wide, reference = True, int.from_bytes(value[:2], "big")
            total, place = value[2:]
        at += 2 + size
    if not 1 <= place <= total:
        raise CodecError(f"message {place} of {total} cannot be")
    if kind is None and place == 1:
        raise CodecError("first message carries no secured packet: no element 70 or 71")
    return Part(kind, reference, total, place, bytes(user_data[end:]), wide)


@dataclass(slots=True)
class _Collection:
    total: int
    due_s: float
    parts: dict[int, Part]


class Reassembler:
    """Puts messages together by originating address and reference, in any order of arrival.

    A message that came already changes nothing; if its bytes differ, the newer bytes count, for a
    sender may use a reference again (the packet's own checksum guards against a mixture). Parts
    wait ``timeout_s`` seconds of the caller's clock; at most ``capacity`` packets wait at a time.
    """

    def __init__(self, *, timeout_s: float = 300.0, capacity: int = 16) -> None:
        self._timeout_s = timeout_s
        self._capacity = capacity
        self._waiting: dict[tuple[str, bool, int], _Collection] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, address: str, user_data: bytes, *, now_s: float) -> Whole | None:
        """Take one message; return the packet when it is complete.

        :class:`CodecError` for a broken header, and for a number of messages that differs from
        that of the parts already here (those stay).
        """
        part = read_part(user_data)
        self.expire(now_s=now_s)
        if part.total == 1:
            return _join({1: part})
        key = (address, part.wide, part.reference)
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= self._capacity:
                del self._waiting[min(self._waiting, key=lambda one: self._waiting[one].due_s)]
            waiting = _Collection(part.total, now_s + self._timeout_s, {})
            self._waiting[key] = waiting
        if part.total != waiting.total:
            raise CodecError(
                f"message {part.reference:02X} from {address} has {part.total} parts, "
                f"but earlier ones said {waiting.total}"
            )
        waiting.parts[part.place] = part
        if len(waiting.parts) < waiting.total:
            return None
        del self._waiting[key]
        return _join(waiting.parts)

    def expire(self, *, now_s: float) -> None:
        """Forget the parts that have waited too long."""
        for key in [one for one, waiting in self._waiting.items() if waiting.due_s <= now_s]:
            del self._waiting[key]


def _join(parts: dict[int, Part]) -> Whole:
    kind = parts[1].kind
    if kind is None:
        raise CodecError("first message carries no secured packet: no element 70 or 71")
    return Whole(kind, b"".join(parts[place].payload for place in sorted(parts)))
