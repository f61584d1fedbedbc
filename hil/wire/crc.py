"""Redundancy checks of ISO/IEC 13239, as ETSI TS 102 225 (5.1.3.2) uses them."""

from __future__ import annotations

import zlib
from typing import Final

_POLYNOMIAL: Final = 0x8408
"""x^16 + x^12 + x^5 + 1, least significant bit first."""


def _row(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (_POLYNOMIAL if octet & 1 else 0)
    return octet


_TABLE: Final = tuple(_row(octet) for octet in range(256))


def crc16(message: bytes) -> bytes:
    """Return the CRC-16, 2 bytes."""
    value = 0xFFFF
    for octet in message:
        value = value >> 8 ^ _TABLE[(value ^ octet) & 0xFF]
    return (value ^ 0xFFFF).to_bytes(2, "big")


def crc32(message: bytes) -> bytes:
    """Return the CRC-32, 4 bytes."""
    return zlib.crc32(message).to_bytes(4, "big")
