"""Reads files of packets of a card back, by offsets of its own.

pcapng: IETF draft-ietf-opsawg-pcapng; GSMTAP: libosmocore, ``gsmtap.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hil.report.gsmtap import SubType
from hil.report.pcapng import Packet

_IP_UDP = 20 + 8


def payload_of(raw: bytes) -> tuple[SubType, bytes]:
    """Return kind and payload of a packet: IPv4 without options, UDP to 4729, GSMTAP 2, SIM."""
    assert raw[0] == 0x45
    assert struct.unpack_from("!H", raw, 2) == (len(raw),)
    assert struct.unpack_from("!HH", raw, 22) == (4729, len(raw) - 20)
    assert raw[_IP_UDP : _IP_UDP + 4] == bytes((2, 4, 4, 0))
    return SubType(raw[_IP_UDP + 12]), raw[_IP_UDP + 16 :]


def read_pcapng(raw: bytes) -> list[Packet]:
    """Return the packets of a whole little-endian file of one section, times in nanoseconds."""
    (kind, head), *blocks = _blocks(raw)
    assert (kind, head[:8]) == (0x0A0D0D0A, bytes.fromhex("4D3C2B1A 0100 0000"))
    names: list[str] = []
    packets = []
    for kind, body in blocks:
        if kind == 1:
            assert struct.unpack_from("<HHI", body) == (228, 0, 0), "IPv4, and no limit of length"
            options = _options(body[8:])
            assert options[9] == b"\x09"
            names.append(options[2].decode())
        else:
            assert kind == 6
            number, high, low, size, whole = struct.unpack_from("<IIIII", body)
            assert size == whole
            comment = _options(body[20 + size + -size % 4 :]).get(1, b"").decode()
            packets.append(Packet(high << 32 | low, body[20 : 20 + size], names[number], comment))
    return packets


def _blocks(raw: bytes) -> Iterator[tuple[int, bytes]]:
    while raw:
        kind, size = struct.unpack_from("<II", raw)
        assert size % 4 == 0
        assert struct.unpack_from("<I", raw, size - 4) == (size,)
        yield kind, raw[8 : size - 4]
        raw = raw[size:]


def _options(raw: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while raw:
        code, size = struct.unpack_from("<HH", raw)
        if not code:
            assert raw == bytes(4), "nothing comes behind the end of options"
            break
        found[code] = raw[4 : 4 + size]
        raw = raw[4 + size + -size % 4 :]
    return found
