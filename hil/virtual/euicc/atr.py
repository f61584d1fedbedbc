"""The answer to reset: ISO/IEC 7816-3, ETSI TS 102 221 section 6, TS 101 220 for eUICC bits."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hil.errors import CodecError

_T15_GLOBAL: Final = bytes.fromhex("3F 87 82")
"""TD with T=15, TA: clock stop and classes A B C, TB: eUICC-related functions."""

_HISTORICAL: Final = bytes.fromhex("80 31E0 73FE211B 66") + b"VEUICC"
"""Status indicator, card service data, capabilities (4 channels), then our own name."""


class Protocol(StrEnum):
    """Transmission protocol that the card offers; only ever one."""

    T0 = "T=0"
    T1 = "T=1"


def build(protocol: Protocol) -> bytes:
    """Return the ATR for one protocol, check byte included."""
    interface = b"\x96\x80" if protocol is Protocol.T0 else b"\x96\x81\xb1\xfe\x45"
    body = bytes((0x90 | len(_HISTORICAL),)) + interface + _T15_GLOBAL + _HISTORICAL
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes((check,))


def protocol_of(atr: bytes) -> Protocol:
    """Return the protocol an ATR offers first; :class:`CodecError` if it is no ATR."""
    if len(atr) < 2 or atr[0] not in (0x3B, 0x3F) or len(atr) > 33:
        raise CodecError("an ATR begins with 3B or 3F and has 2 to 33 bytes")
    marks = atr[1] >> 4
    if not marks & 0x8:
        return Protocol.T0
    at = 2 + bin(marks & 0x7).count("1")
    if at >= len(atr):
        raise CodecError("ATR is cut off before TD1")
    number = atr[at] & 0x0F
    if number > 1:
        raise CodecError(f"ATR offers T={number}; only T=0 and T=1 are spoken")
    return Protocol.T1 if number else Protocol.T0
