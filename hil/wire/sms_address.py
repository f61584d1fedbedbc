"""Telephone numbers in short messages (3GPP TS 23.040, 9.1.2.5) and on the card interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.bcd import swap_nibbles

INTERNATIONAL: Final = 0x91
UNKNOWN: Final = 0x81
_SYMBOLS: Final = "0123456789*#abc"
_FILLING: Final = 0xF
_MOST_DIGITS: Final = 20
_ALPHANUMERIC: Final = 0x50


@dataclass(frozen=True, slots=True)
class Address:
    """Digits (also ``*#abc``) and the byte of number type and numbering plan."""

    digits: str
    kind: int = UNKNOWN

    def __post_init__(self) -> None:
        if len(self.digits) > _MOST_DIGITS or any(one not in _SYMBOLS for one in self.digits):
            raise CodecError(f"a telephone number has up to {_MOST_DIGITS} of {_SYMBOLS}")
        if not 0x80 <= self.kind <= 0xFF:
            raise CodecError(f"type of number {self.kind:02X} must be a byte with b8 set")
        if self.kind & 0x70 == _ALPHANUMERIC:
            raise CodecError("alphanumeric addresses are not spoken")

    @classmethod
    def international(cls, number: str) -> Self:
        """Return an E.164 number, with or without its leading plus."""
        return cls(number.removeprefix("+"), INTERNATIONAL)

    def encode_tp(self) -> bytes:
        """Return the form in a TPDU: number of digits, type, digits."""
        return bytes((len(self.digits), self.kind)) + self._packed()

    def encode_value(self) -> bytes:
        """Return the form in a data object of the card toolkit: type, digits."""
        return bytes((self.kind,)) + self._packed()

    @classmethod
    def decode_tp(cls, raw: bytes, at: int) -> tuple[Self, int]:
        """Read the form in a TPDU at byte ``at``; return the address and the byte behind it."""
        if at + 2 > len(raw):
            raise CodecError(f"address at byte {at} of the TPDU is cut off")
        count = raw[at]
        end = at + 2 + (count + 1) // 2
        if count > _MOST_DIGITS or end > len(raw):
            raise CodecError(f"address at byte {at} of the TPDU says {count} digits")
        digits = _unpack(raw[at + 2 : end])
        if len(digits) != count:
            raise CodecError(f"address at byte {at} has {len(digits)} digits, not {count}")
        return cls(digits, raw[at + 1]), end

    @classmethod
    def decode_value(cls, raw: bytes) -> Self:
        """Read the form in a data object."""
        if not raw:
            raise CodecError("an address has at least its type")
        return cls(_unpack(raw[1:]), raw[0])

    def _packed(self) -> bytes:
        nibbles = [_SYMBOLS.index(one) for one in self.digits]
        if len(nibbles) % 2:
            nibbles.append(_FILLING)
        return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _unpack(raw: bytes) -> str:
    text = swap_nibbles(raw).hex()
    text = text.removesuffix("f")
    if "f" in text:
        raise CodecError("filling inside a telephone number")
    return "".join(_SYMBOLS[int(one, 16)] for one in text)
