"""CBOR (RFC 8949) as this project writes it: deterministic, small, safe to read from strangers.

The general decoder accepts much that no packet set or image needs: indefinite lengths, bignums,
shared references, dates, nesting without end, lengths of terabytes. :func:`scan` walks the bytes
once, without recursion and without building anything, and lets pass only integers, byte and text
strings, arrays, maps, false, true, null and the tags that the caller allows. What has passed is
then read by cbor2 at a cost bounded by the size of the input.
"""

from __future__ import annotations

import io
from typing import Final

import cbor2

from hil.errors import CodecError

MAX_BYTES: Final = 4 * 1024 * 1024
"""Longest input read, in bytes: three hundred times a usual profile package."""

MAX_DEPTH: Final = 8
"""Deepest nesting of arrays, maps and tags."""

MAX_ITEMS: Final = 100_000
"""Most data items in one input."""

_BYTE_STRING, _TEXT_STRING, _ARRAY, _MAP, _TAG, _SIMPLE = 2, 3, 4, 5, 6, 7
_SHORTEST: Final = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}


def _head(raw: bytes, at: int) -> tuple[int, int, int]:
    """Return major type, argument and the offset behind the head of the item at ``at``."""
    if at >= len(raw):
        raise CodecError(f"CBOR ends at offset {at}, in the middle of an item")
    major, low = raw[at] >> 5, raw[at] & 0x1F
    at += 1
    if low < 24:
        return major, low, at
    if low > 27:
        raise CodecError(f"CBOR item at offset {at - 1} has an indefinite or reserved length")
    width = 1 << (low - 24)
    if at + width > len(raw):
        raise CodecError(f"CBOR ends at offset {len(raw)}, in the middle of a length")
    argument = int.from_bytes(raw[at : at + width], "big")
    if argument < _SHORTEST[low]:
        raise CodecError(f"CBOR item at offset {at - 1} does not use the shortest form")
    return major, argument, at + width


def _members(major: int, argument: int, start: int, tags: frozenset[int]) -> int:
    """Return how many items the container whose head is at ``start`` holds."""
    if major == _TAG:
        if argument not in tags:
            raise CodecError(f"CBOR tag {argument} at offset {start} is not allowed here")
        return 1
    return argument * 2 if major == _MAP else argument


def scan(
    raw: bytes,
    *,
    tags: frozenset[int] = frozenset(),
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_items: int = MAX_ITEMS,
) -> None:
    """Check that ``raw`` is exactly one data item of the allowed kinds; raise CodecError if not."""
    if len(raw) > max_bytes:
        raise CodecError(f"CBOR of {len(raw)} bytes is longer than the limit of {max_bytes}")
    at, items, open_containers = 0, 0, [1]
    while open_containers:
        if open_containers[-1] == 0:
            open_containers.pop()
            continue
        open_containers[-1] -= 1
        items += 1
        if items > max_items:
            raise CodecError(f"CBOR has more than {max_items} items")
        start = at
        major, argument, at = _head(raw, at)
        if major in (_BYTE_STRING, _TEXT_STRING):
            at += argument
        elif major in (_ARRAY, _MAP, _TAG):
            open_containers.append(_members(major, argument, start, tags))
        elif major == _SIMPLE and argument not in (20, 21, 22):
            raise CodecError(f"CBOR simple value or float at offset {start} is not allowed here")
        if at > len(raw) or open_containers[-1] > len(raw) - at:
            raise CodecError(f"CBOR item at offset {start} is longer than its input")
        if len(open_containers) - 1 > max_depth:
            raise CodecError(f"CBOR is nested deeper than {max_depth} levels at offset {start}")
    if at != len(raw):
        raise CodecError(f"{len(raw) - at} bytes stand behind the CBOR item")


def encode(value: object) -> bytes:
    """Encode ``value`` deterministically (RFC 8949, 4.2.1 for the integer keys used here)."""
    return cbor2.dumps(value, canonical=True)


def decode(raw: bytes, *, max_bytes: int = MAX_BYTES) -> object:
    """Decode one deterministic item without tags; the same value has no second spelling.

    Raises CodecError on anything else, also on a map with a doubled key.
    """
    scan(raw, max_bytes=max_bytes)
    try:
        with io.BytesIO(raw) as stream:
            value = cbor2.CBORDecoder(stream).decode()
        again = encode(value)
    except (cbor2.CBORError, TypeError, ValueError, RecursionError) as err:
        raise CodecError(f"CBOR cannot be read: {type(err).__name__}") from err
    if again != raw:
        raise CodecError("CBOR is not in its deterministic form: a key is doubled or out of order")
    return value
