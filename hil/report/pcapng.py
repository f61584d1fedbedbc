"""Files of packets with times to the nanosecond and a comment each: pcapng, and the older pcap.

pcapng: a Section Header Block, an Interface Description Block for each card slot, an Enhanced
Packet Block for each packet (IETF draft-ietf-opsawg-pcapng); little endian. Each block is flushed
when it is written, so that a killed run leaves a file that ends in a whole block or a torn one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from hil.errors import CodecError
from hil.report.gsmtap import LINK_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_LONGEST_BLOCK: Final = 1 << 24
"""Far beyond any block of ours: a longer one is a torn or a foreign file."""
_PCAP_MAGIC_NS: Final = 0xA1B23C4D
_PCAP_SNAPLEN: Final = 65_535
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: ``utc_ns`` since 1970, raw bytes from the IP header on, its slot and comment."""

    utc_ns: int
    raw: bytes
    interface: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What could be read of a file; ``dropped`` bytes at its end are no whole block, ``why``."""

    packets: tuple[Packet, ...]
    whole: int
    """Bytes from the start of the file that are whole blocks: cutting it here repairs it."""
    dropped: int = 0
    why: str = ""


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


class PcapWriter:
    """Writes packets into ``file`` in the older format, with nanoseconds; it has no comments."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._last_ns = 0
        self._write(struct.pack("<IHHiIII", _PCAP_MAGIC_NS, 2, 4, 0, 0, _PCAP_SNAPLEN, LINK_TYPE))

    def write(self, packet: Packet) -> None:
        """Append one packet; its interface and comment have no place."""
        self._last_ns = max(self._last_ns, packet.utc_ns)
        size = len(packet.raw)
        head = struct.pack("<IIII", *divmod(self._last_ns, _SECOND), size, size)
        self._write(head + packet.raw)

    def _write(self, raw: bytes) -> None:
        self._file.write(raw)
        self._file.flush()


def read_pcapng(raw: bytes) -> Recovered:
    """Read a file written here, as far as it is whole.

    A torn last block is dropped, and the answer says how much and why: what stands before it is
    good. Raises :class:`CodecError` where the file does not begin as pcapng of this byte order.
    """
    if raw[:4] != struct.pack("<I", _SECTION)[: len(raw[:4])] or (
        len(raw) >= 12 and raw[8:12] != struct.pack("<I", _BYTE_ORDER)
    ):
        raise CodecError("the file does not begin as a little-endian pcapng file")
    packets: list[Packet] = []
    names: list[str] = []
    whole = 0
    try:
        for kind, body, end in _blocks(raw):
            if kind == _INTERFACE:
                names.append(_text(_read_options(body[8:]).get(_IF_NAME, b"")))
            elif kind == _PACKET:
                packets.append(_read_packet(body, names))
            whole = end
    except CodecError as err:
        return Recovered(tuple(packets), whole, len(raw) - whole, str(err))
    return Recovered(tuple(packets), whole)


def _blocks(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = 0
    while at < len(raw):
        if len(raw) - at < 12:
            raise CodecError(f"the block at byte {at} is cut off")
        kind, size = struct.unpack_from("<II", raw, at)
        if size < 12 or size % 4 or size > _LONGEST_BLOCK:
            raise CodecError(f"the block at byte {at} says that it has {size} bytes")
        if at + size > len(raw):
            raise CodecError(f"the block at byte {at} is cut off")
        if raw[at + size - 4 : at + size] != raw[at + 4 : at + 8]:
            raise CodecError(f"the block at byte {at} tells two lengths")
        yield kind, raw[at + 8 : at + size - 4], at + size
        at += size


def _read_packet(body: bytes, names: list[str]) -> Packet:
    if len(body) < 20:
        raise CodecError("a packet block is too short")
    number, high, low, size, _ = struct.unpack_from("<IIIII", body)
    end = 20 + size + -size % 4
    if number >= len(names) or end > len(body):
        raise CodecError("a packet block does not hold together")
    comment = _text(_read_options(body[end:]).get(_COMMENT, b""))
    return Packet(high << 32 | low, body[20 : 20 + size], names[number], comment)


def _options(*given: tuple[int, bytes]) -> bytes:
    rows = (struct.pack("<HH", code, len(value)) + _padded(value) for code, value in given)
    return b"".join(rows) + bytes(4)


def _read_options(raw: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(raw):
        code, size = struct.unpack_from("<HH", raw, at)
        if not code:
            break
        if at + 4 + size > len(raw):
            raise CodecError("an option is cut off")
        found[code] = raw[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
    return found


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 4)


def _cut(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return raw[:_LONGEST_OPTION].decode("utf-8", "ignore").encode()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
