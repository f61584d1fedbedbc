"""BER-TLV as smart cards use it: ISO/IEC 7816-4 tags and definite lengths.

A tag is an ``int`` as it is printed: ``0x4F``, ``0x5F20``, ``0xBF30``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_OBJECTS: Final = 4096
_LONGEST_TAG: Final = 4
_LONGEST_LENGTH: Final = 4
_SHORT_LENGTHS: Final = tuple(bytes((length,)) for length in range(0x80))


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object."""

    tag: int
    value: bytes

    @property
    def constructed(self) -> bool:
        """Whether the tag says that the value is made of data objects."""
        return bool(_tag_bytes(self.tag)[0] & 0x20)

    def children(self) -> tuple[Tlv, ...]:
        """Read the value as a row of data objects."""
        return decode_all(self.value)

    def encode(self) -> bytes:
        """Return tag, length and value."""
        return encode(self.tag, self.value)


def encode(tag: int, value: bytes) -> bytes:
    """Return tag, shortest length and value; :class:`CodecError` for an impossible tag."""
    length = len(value)
    if length < 0x80:
        return _tag_bytes(tag) + _SHORT_LENGTHS[length] + value
    return _tag_bytes(tag) + encode_length(length) + value


def encode_length(length: int) -> bytes:
    """Return the shortest definite BER length, 1 to 5 bytes."""
    if length < 0x80:
        return _SHORT_LENGTHS[length]
    size = (length.bit_length() + 7) // 8
    if size > _LONGEST_LENGTH:
        raise CodecError(f"a value of {length} bytes is too long for a data object")
    return bytes((0x80 | size,)) + length.to_bytes(size, "big")


def decode_one(data: bytes) -> tuple[Tlv, bytes]:
    """Read the first data object; return it and the bytes behind it."""
    tag, start, end = read_header(data, 0)
    return Tlv(tag, bytes(data[start:end])), bytes(data[end:])


def decode_all(data: bytes, *, limit: int = MAX_OBJECTS) -> tuple[Tlv, ...]:
    """Read a row of data objects that fills ``data``; more than ``limit`` of them are refused."""
    found: list[Tlv] = []
    at = 0
    while at < len(data):
        if len(found) >= limit:
            raise CodecError(f"more than {limit} data objects in one row, at byte {at}")
        tag, start, end = read_header(data, at)
        found.append(Tlv(tag, bytes(data[start:end])))
        at = end
    return tuple(found)


def find(tlvs: Iterable[Tlv], tag: int) -> bytes | None:
    """Return the value of the first object with this tag, or ``None``."""
    return next((tlv.value for tlv in tlvs if tlv.tag == tag), None)


def require(tlvs: Iterable[Tlv], tag: int, *, where: str) -> bytes:
    """Return the value of the first object with this tag; :class:`CodecError` if there is none."""
    value = find(tlvs, tag)
    if value is None:
        raise CodecError(f"{where} lacks the data object {tag:02X}")
    return value


def read_header(data: bytes, at: int) -> tuple[int, int, int]:
    """Read tag and length at byte ``at``; return the tag and where its value starts and ends."""
    tag, position = _read_tag(data, at)
    if position >= len(data):
        raise CodecError(f"data object {tag:02X} at byte {at} has no length")
    length = data[position]
    position += 1
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= _LONGEST_LENGTH:
            raise CodecError(f"data object {tag:02X} at byte {at} has length byte {length:02X}")
        if position + size > len(data):
            raise CodecError(f"length of data object {tag:02X} at byte {at} is cut off")
        length = int.from_bytes(data[position : position + size], "big")
        position += size
    if position + length > len(data):
        raise CodecError(
            f"data object {tag:02X} at byte {at} says {length} bytes, "
            f"but {len(data) - position} are left"
        )
    return tag, position, position + length


def whole_size(head: bytes) -> int | None:
    """Return how many bytes the data object has that begins with ``head``, tag and length counted.

    None while ``head`` is too short to say; :class:`CodecError` for a tag or length that is none.
    """
    tag_size = 1
    if head and head[0] & 0x1F == 0x1F:
        while tag_size < len(head) and head[tag_size] & 0x80 and tag_size < _LONGEST_TAG:
            tag_size += 1
        tag_size += 1
    if len(head) <= tag_size:
        return None
    _read_tag(head, 0)
    first = head[tag_size]
    if first < 0x80:
        return tag_size + 1 + first
    size = first & 0x7F
    if not 1 <= size <= _LONGEST_LENGTH:
        raise CodecError(f"data object {head[0]:02X} has length byte {first:02X}")
    start = tag_size + 1 + size
    if len(head) < start:
        return None
    return start + int.from_bytes(head[tag_size + 1 : start], "big")


def _read_tag(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise CodecError(f"no data object at byte {at}")
    tag = data[at]
    position = at + 1
    if tag & 0x1F != 0x1F:
        return tag, position
    while True:
        if position >= len(data) or position - at >= _LONGEST_TAG:
            raise CodecError(f"tag at byte {at} is cut off or longer than {_LONGEST_TAG} bytes")
        byte = data[position]
        tag = tag << 8 | byte
        position += 1
        if not byte & 0x80:
            return tag, position


# A package of 12 kB has two thousand data objects with some fifty tags.
@lru_cache(maxsize=1024)
def _tag_bytes(tag: int) -> bytes:
    if tag < 0:
        raise CodecError(f"tag {tag} is negative")
    raw = tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big")
    read, size = _read_tag(raw, 0)
    if read != tag or size != len(raw):
        raise CodecError(f"{tag:02X} is not one BER tag")
    return raw
