"""GSMTAP packets of a card: IPv4, UDP to port 4729, GSMTAP version 2 of type SIM, and the payload.

The layers are those of libosmocore (``gsmtap.h``) and of osmocom simtrace2: a dissector that knows
these packets reads ours. Addresses are loopback and the ports fixed: nothing was ever on a network.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from functools import lru_cache
from typing import Final

from hil.errors import CodecError

LINK_TYPE: Final = 228
"""LINKTYPE_IPV4: packets begin with the IP header, without Ethernet."""

_PORT: Final = 4729
_SOURCE_PORT: Final = 58621
_HEADER: Final = struct.Struct("!BBBBHbbIBBBB")
_IP: Final = struct.Struct("!BBHHHBBH4s4s")
_UDP: Final = struct.Struct("!HHHH")
_VERSION: Final = 2
_SIM: Final = 4
_LOOPBACK: Final = bytes((127, 0, 0, 1))
_TTL: Final = 64
_UDP_PROTOCOL: Final = 17
_FRONT: Final = _IP.size + _UDP.size + _HEADER.size
LONGEST: Final = 65_535 - _FRONT
"""Bytes that the length field of IPv4 leaves; a longer exchange (extended APDU) does not fit."""


class SubType(IntEnum):
    """What the payload is (``gsmtap.h``)."""

    APDU = 0
    ATR = 1


def packet(payload: bytes, sub_type: SubType = SubType.APDU) -> bytes:
    """Return one packet; of an APDU, ``payload`` is command, answer's data and status word.

    Raises :class:`CodecError` for more than :data:`LONGEST` bytes.
    """
    if len(payload) > LONGEST:
        raise CodecError(f"{len(payload)} bytes do not fit a packet: {LONGEST} do")
    return _front(len(payload), sub_type) + payload


@lru_cache(maxsize=1024)
def _front(size: int, sub_type: SubType) -> bytes:
    total = _FRONT + size
    fields = (0x45, 0, total, 0, 0, _TTL, _UDP_PROTOCOL)
    checksum = _checksum(_IP.pack(*fields, 0, _LOOPBACK, _LOOPBACK))
    return (
        _IP.pack(*fields, checksum, _LOOPBACK, _LOOPBACK)
        + _UDP.pack(_SOURCE_PORT, _PORT, total - _IP.size, 0)
        + _HEADER.pack(_VERSION, _HEADER.size // 4, _SIM, 0, 0, 0, 0, 0, sub_type, 0, 0, 0)
    )


def _checksum(header: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
