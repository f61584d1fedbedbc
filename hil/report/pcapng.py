"""Files of packets (pcapng) with times to the nanosecond and a comment each.

A Section Header Block, an Interface Description Block for each card slot, an Enhanced
Packet Block for each packet (IETF draft-ietf-opsawg-pcapng); little endian. Each block is flushed
when it is written, so that a killed run leaves a file that ends in a whole block or a torn one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from hil.report.gsmtap import LINK_TYPE

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_PACKET: Final = 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_UNKNOWN_LENGTH: Final = -1
_COMMENT: Final = 1
_IF_NAME: Final = 2
_IF_TSRESOL: Final = 9
_USERAPPL: Final = 4
_NANOSECONDS: Final = b"\x09"
_LONGEST_OPTION: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: ``utc_ns`` since 1970, raw bytes from the IP header on, its slot and comment."""

    utc_ns: int
    raw: bytes
    interface: str
    comment: str = ""


class PcapngWriter:
    """Writes packets into ``file`` as they come; an interface is described at its first packet.

    Times never go back: a packet that would be older than the one before gets that one's time.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._interfaces: dict[str, int] = {}
        self._last_ns = 0
        body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)
        self._write(_SECTION, body + _options((_USERAPPL, b"hil")))

    def write(self, packet: Packet) -> None:
        """Append one packet; too long a comment is cut."""
        number = self._interfaces.get(packet.interface)
        if number is None:
            number = self._interfaces[packet.interface] = len(self._interfaces)
            name = _cut(packet.interface)
            body = struct.pack("<HHI", LINK_TYPE, 0, 0)
            options = _options((_IF_NAME, name), (_IF_TSRESOL, _NANOSECONDS))
            self._write(_INTERFACE, body + options)
        self._last_ns = max(self._last_ns, packet.utc_ns)
        high, low = self._last_ns >> 32, self._last_ns & 0xFFFFFFFF
        size = len(packet.raw)
        body = struct.pack("<IIIII", number, high, low, size, size) + _padded(packet.raw)
        if packet.comment:
            body += _options((_COMMENT, _cut(packet.comment)))
        self._write(_PACKET, body)

    def _write(self, kind: int, body: bytes) -> None:
        size = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + size + body + size)
        self._file.flush()


def _options(*given: tuple[int, bytes]) -> bytes:
    rows = (struct.pack("<HH", code, len(value)) + _padded(value) for code, value in given)
    return b"".join(rows) + bytes(4)


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)


def _cut(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return raw[:_LONGEST_OPTION].decode("utf-8", "ignore").encode()
