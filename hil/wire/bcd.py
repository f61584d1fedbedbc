"""Decimal digits in bytes, two a byte, in both nibble orders.

*Straight*: first digit in the high nibble (EID, ICCID of a package header). *Swapped*: first digit
in the low nibble (EF.ICCID, EF.IMSI, telephone numbers). An odd number of digits is filled with F.
"""

from __future__ import annotations

from hil.errors import CodecError


def check_digits(text: str, *, what: str) -> str:
    """Return ``text`` when it is made of ASCII digits only, else :class:`CodecError`."""
    if not text.isascii() or (text and not text.isdigit()):
        raise CodecError(f"{what} must be decimal digits only")
    return text


def encode_straight(digits: str, *, size: int, what: str) -> bytes:
    """Return ``size`` bytes, filled with F at the end."""
    check_digits(digits, what=what)
    if len(digits) > 2 * size:
        raise CodecError(f"{what} has {len(digits)} digits; at most {2 * size}")
    return bytes.fromhex(digits.ljust(2 * size, "F"))


def decode_straight(raw: bytes, *, what: str) -> str:
    """Return the digits before the filling; a nibble A to E is refused."""
    text = raw.hex().rstrip("f")
    return check_digits(text, what=what)


def encode_swapped(digits: str, *, size: int, what: str) -> bytes:
    """Return ``size`` bytes, nibbles swapped, filled with F at the end."""
    return swap_nibbles(encode_straight(digits, size=size, what=what))


def decode_swapped(raw: bytes, *, what: str) -> str:
    """Return the digits of swapped bytes before the filling."""
    return decode_straight(swap_nibbles(raw), what=what)


def swap_nibbles(raw: bytes) -> bytes:
    """Return each byte with its nibbles swapped."""
    return bytes((byte << 4 | byte >> 4) & 0xFF for byte in raw)
