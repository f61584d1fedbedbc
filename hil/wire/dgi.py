"""Data groupings of STORE DATA: two-byte tag, length of one byte or ``FF`` and two bytes.

GlobalPlatform Systems Scripting Language, Annex B. The length is **not** BER: ``80`` to ``FE``
stand for themselves. Some senders write BER lengths nevertheless: that is an option on reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ESCAPE: Final = 0xFF
MAX_GROUPINGS: Final = 1024


@dataclass(frozen=True, slots=True)
class Dgi:
    """One data grouping; ``tag`` as printed, such as ``0x3A03``."""

    tag: int
    value: bytes

    def encode(self) -> bytes:
        """Return tag, length and value."""
        return encode(self.tag, self.value)


def encode(tag: int, value: bytes) -> bytes:
    """Return tag, length and value; :class:`CodecError` for a longer value than 65535 bytes."""
    if not 0 <= tag <= 0xFFFF:
        raise CodecError(f"DGI tag {tag:X} is not two bytes")
    if len(value) > 0xFFFF:
        raise CodecError(f"DGI {tag:04X} of {len(value)} bytes is longer than 65535")
    if len(value) < _ESCAPE:
        return tag.to_bytes(2, "big") + bytes((len(value),)) + value
    return tag.to_bytes(2, "big") + b"\xff" + len(value).to_bytes(2, "big") + value


def decode_all(data: bytes, *, ber_lengths: bool = False) -> tuple[Dgi, ...]:
    """Read data groupings that fill ``data``.

    With ``ber_lengths``, ``81 xx`` and ``82 xx xx`` are read as BER lengths.
    """
    found: list[Dgi] = []
    at = 0
    while at < len(data):
        if len(found) >= MAX_GROUPINGS:
            raise CodecError(f"more than {MAX_GROUPINGS} DGIs, at byte {at}")
        if at + 3 > len(data):
            raise CodecError(f"DGI at byte {at} is cut off")
        tag = int.from_bytes(data[at : at + 2], "big")
        length = data[at + 2]
        size = _length_bytes(length, ber_lengths=ber_lengths)
        start = at + 3 + size
        if size:
            length = int.from_bytes(data[at + 3 : start], "big")
        end = start + length
        if end > len(data):
            raise CodecError(
                f"DGI {tag:04X} at byte {at} says {length} bytes, "
                f"but {max(0, len(data) - start)} are left"
            )
        found.append(Dgi(tag, bytes(data[start:end])))
        at = end
    return tuple(found)


def find(groupings: Iterable[Dgi], tag: int) -> bytes | None:
    """Return the value of the first grouping with this tag, or ``None``."""
    return next((grouping.value for grouping in groupings if grouping.tag == tag), None)


def _length_bytes(first: int, *, ber_lengths: bool) -> int:
    if ber_lengths and first in (0x81, 0x82):
        return first - 0x80
    return 2 if first == _ESCAPE else 0
