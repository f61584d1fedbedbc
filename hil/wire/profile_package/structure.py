"""Positional reading and writing of the DER in profile packages.

In this format one tag may stand several times in a SEQUENCE with different meanings, so fields are
taken in order, never looked up. Unknown fields at the end are kept as they are (the module says
EXTENSIBILITY IMPLIED). Nothing here recurses: the callers descend as their schema says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.located import Located, LocatedPairs
from hil.wire.tlv import Tlv

MAX_MEMBERS: Final = 4096
"""Most members of one SEQUENCE."""

_MAX_OID: Final = 64
_NOTHING: Final = (-1, b"")
"""Stands behind the last member; no tag is negative."""


def read_pairs(data: bytes, where: str, *, limit: int = MAX_MEMBERS) -> list[tuple[int, bytes]]:
    """Return tag and value of the DER objects that fill ``data``; see :func:`read_objects`."""
    if isinstance(data, Located):
        return _read_located(data, where, limit)
    pairs: list[tuple[int, bytes]] = []
    at, size = 0, len(data)
    while at < size:
        if len(pairs) == limit:
            raise CodecError(f"{where}: more than {limit} members")
        tag = data[at]
        # Nearly all objects have one byte of tag and one of length: these need no general reader.
        if tag & 0x1F != 0x1F and at + 1 < size and data[at + 1] < 0x80:
            start = at + 2
            end = start + data[at + 1]
            if end <= size:
                pairs.append((tag, data[start:end]))
                at = end
                continue
        tag, start, end = read_der_header(data, at, where)
        pairs.append((tag, data[start:end]))
        at = end
    return pairs


def _read_located(data: Located, where: str, limit: int) -> LocatedPairs:
    """Do what :func:`read_pairs` does, and remember where each object stands."""
    pairs: list[tuple[int, bytes]] = []
    starts: list[int] = []
    at = 0
    while at < len(data):
        data.trail.at = data.at + at
        if len(pairs) == limit:
            raise CodecError(f"{where}: more than {limit} members")
        tag, start, end = read_der_header(data, at, where)
        starts.append(data.at + at)
        pairs.append((tag, Located.make(data[start:end], data.at + start, data.trail)))
        at = end
    return LocatedPairs(pairs, [*starts, data.at + len(data)], data.trail)


def read_objects(data: bytes, where: str, *, limit: int = MAX_MEMBERS) -> Iterator[Tlv]:
    """Yield the DER objects that fill ``data``; a length that is not the shortest is refused."""
    at = 0
    for _ in range(limit):
        if at == len(data):
            return
        tag, start, end = read_der_header(data, at, where)
        yield Tlv(tag, data[start:end])
        at = end
    if at != len(data):
        raise CodecError(f"{where}: more than {limit} members")


def read_der_header(data: bytes, at: int, where: str) -> tuple[int, int, int]:
    """Read tag and shortest length at byte ``at``: the tag, and where the value starts and ends."""
    try:
        tag, start, end = tlv.read_header(data, at)
    except CodecError as err:
        raise CodecError(f"{where}: {err}") from err
    if start - at != header_size(tag, end - start):
        raise CodecError(f"{where}: length of {tag:X} at byte {at} is not in its shortest form")
    return tag, start, end


def header_size(tag: int, length: int) -> int:
    """Return how many bytes tag and length take."""
    tag_size = 1 if tag < 0x100 else (tag.bit_length() + 7) // 8
    return tag_size + (1 if length < 0x80 else 1 + (length.bit_length() + 7) // 8)


class Fields:
    """Takes the members of one SEQUENCE in their order; each failure is a CodecError."""

    def __init__(self, data: bytes, where: str) -> None:
        """Read ``data``, the content of the SEQUENCE that errors call ``where``."""
        self.where = where
        self._objects = read_pairs(data, where)
        self._objects.append(_NOTHING)
        self._at = 0
        self._asked: list[int] = []

    def optional(self, tag: int) -> bytes | None:
        """Return the content of the next member if it has this tag."""
        self._asked.append(tag)
        found, value = self._objects[self._at]
        if found != tag:
            return None
        self._at += 1
        return value

    def required(self, tag: int, name: str) -> bytes:
        """Return the content of the next member, which must have this tag."""
        value = self.optional(tag)
        if value is None:
            stands = self._objects[self._at]
            found = "nothing" if stands is _NOTHING else f"{stands[0]:X}"
            raise CodecError(f"{self.where}: {name} ({tag:X}) is missing, {found} stands there")
        return value

    def repeated(self, tag: int) -> tuple[bytes, ...]:
        """Return the contents of all next members with this tag."""
        values = []
        while (value := self.optional(tag)) is not None:
            values.append(value)
        return tuple(values)

    def integer(self, tag: int, name: str, *, maximum: int) -> int:
        """Return an INTEGER member from 0 to ``maximum``."""
        return read_integer(self.required(tag, name), f"{self.where}: {name}", maximum=maximum)

    def optional_integer(self, tag: int, name: str, *, maximum: int) -> int | None:
        """Return an INTEGER member, or None for an absent one."""
        value = self.optional(tag)
        if value is None:
            return None
        return read_integer(value, f"{self.where}: {name}", maximum=maximum)

    def octets(self, tag: int, name: str, minimum: int = 0, maximum: int | None = None) -> bytes:
        """Return an OCTET STRING member whose length lies in the bounds."""
        return self._sized(self.required(tag, name), name, minimum, maximum)

    def optional_octets(
        self, tag: int, name: str, minimum: int = 0, maximum: int | None = None
    ) -> bytes | None:
        """Return an OCTET STRING member, or None for an absent one."""
        # This is what a package is mostly made of, so nothing is called for an absent member.
        self._asked.append(tag)
        found, value = self._objects[self._at]
        if found != tag:
            return None
        self._at += 1
        return self._sized(value, name, minimum, maximum)

    def null(self, tag: int, name: str) -> bool:
        """Tell whether a NULL member is there."""
        value = self.optional(tag)
        if value:
            raise CodecError(f"{self.where}: {name} ({tag:X}) must be empty")
        return value is not None

    def rest(self) -> tuple[Tlv, ...]:
        """Return the unknown members at the end; a known one there is out of order."""
        if self._objects[self._at] is _NOTHING:
            return ()
        rest = tuple(Tlv(tag, value) for tag, value in self._objects[self._at : -1])
        for tlv_object in rest:
            if tlv_object.tag in self._asked:
                raise CodecError(f"{self.where}: {tlv_object.tag:X} is doubled or out of order")
        return rest

    def _sized(self, value: bytes, name: str, minimum: int, maximum: int | None) -> bytes:
        if len(value) < minimum or (maximum is not None and len(value) > maximum):
            raise CodecError(
                f"{self.where}: {name} has {len(value)} bytes, not {minimum} to {maximum}"
            )
        return value


def read_integer(value: bytes, where: str, *, maximum: int) -> int:
    """Return a DER INTEGER from 0 to ``maximum``."""
    if not value or value[0] & 0x80 or (len(value) > 1 and not value[0] and not value[1] & 0x80):
        raise CodecError(f"{where} is not an unsigned DER INTEGER")
    # The length goes first: turning a long number into text takes long, or is refused by Python.
    if len(value) > maximum.bit_length() // 8 + 1 or int.from_bytes(value, "big") > maximum:
        raise CodecError(f"{where} is more than {maximum}")
    return int.from_bytes(value, "big")


def integer(number: int) -> bytes:
    """Return the content of a DER INTEGER, ``number`` not negative."""
    if number < 0:
        raise CodecError(f"{number} is negative; no INTEGER of a profile package is")
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def read_oid(value: bytes, where: str) -> str:
    """Return an OBJECT IDENTIFIER in dotted form."""
    if not value or len(value) > _MAX_OID or value[-1] & 0x80:
        raise CodecError(f"{where} is not an OBJECT IDENTIFIER")
    arcs: list[int] = []
    arc, fresh = 0, True
    for octet in value:
        if fresh and octet == 0x80:
            raise CodecError(f"{where} is not in its shortest form")
        arc, fresh = arc << 7 | octet & 0x7F, not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


@lru_cache(maxsize=128)
def oid(dotted: str) -> bytes:
    """Return the content of an OBJECT IDENTIFIER."""
    try:
        first, second, *rest = (int(arc) for arc in dotted.split("."))
    except ValueError as err:
        raise CodecError(f"{dotted!r} is not an OBJECT IDENTIFIER") from err
    if not 0 <= first <= 2 or second < 0 or (first < 2 and second > 39) or min(rest, default=0) < 0:
        raise CodecError(f"{dotted!r} is not an OBJECT IDENTIFIER")
    encoded = b""
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(0x80 | arc & 0x7F)
        encoded += bytes(reversed(octets))
    return encoded


def field(tag: int, value: bytes | None) -> bytes:
    """Return one encoded member, or nothing for None."""
    return b"" if value is None else tlv.encode(tag, value)


def default_field(tag: int, value: bytes, default: bytes) -> bytes:
    """Return one encoded member, or nothing for its DEFAULT, as DER wants it."""
    return b"" if value == default else tlv.encode(tag, value)


def null_field(tag: int, *, present: bool) -> bytes:
    """Return a NULL member if it is present."""
    return tlv.encode(tag, b"") if present else b""


def objects(members: Iterable[Tlv]) -> bytes:
    """Return the encoded members."""
    return b"".join(member.encode() for member in members)
