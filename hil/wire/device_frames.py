"""Frames of the image transfer on the device link: one type byte, fields, CRC-32, byte-stuffed.

On the line a frame is ``COBS(type ‖ body ‖ CRC-32) ‖ 00``. COBS (Cheshire and Baker, 1999) leaves
no 00 inside, so after noise the receiver is in step again at the next 00; it costs one byte in
254. The CRC is that of zlib and Ethernet (polynomial 04C11DB7), big-endian. Numbers are
big-endian. The page for people is ``docs/device-link.md``.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hil.errors import CodecError

MAX_BLOCK: Final = 4096
MAX_FRAME: Final = MAX_BLOCK + 64
SELECTIVE_BITS: Final = 32


class TransferResult(IntEnum):
    """How the receiver ended a transfer (field of :class:`Done`)."""

    STORED = 0
    DIGEST_WRONG = 1
    REFUSED = 2
    AUTHENTICATION_LOST = 3
    SIZE_WRONG = 4
    STORE_FAILED = 5
    ABORTED = 6


@dataclass(frozen=True, slots=True)
class Data:
    """Block number ``sequence`` of the image (from 0); every block but the last has full size."""

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The receiver has all blocks below ``following``, and ``following`` + 1 + n for each bit n.

    ``echo`` is the sequence number of the block that made the receiver say so.
    """

    following: int
    selective: int
    echo: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The sender has everything acknowledged; SHA-256 of the whole image."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """The receiver's verdict; both ends leave frames for commands."""

    result: TransferResult


@dataclass(frozen=True, slots=True)
class Escape:
    """The sender leaves frames for commands; what is acknowledged may be resumed."""


Frame = Data | Acknowledge | Finish | Done | Escape

_DATA: Final = 0x01
_FINISH: Final = 0x02
_ESCAPE: Final = 0x03
_ACKNOWLEDGE: Final = 0x81
_DONE: Final = 0x82


def encode(frame: Frame) -> bytes:
    """Return the frame as it goes on the line, closing 00 included."""
    match frame:
        case Data(sequence, payload):
            if len(payload) > MAX_BLOCK:
                raise CodecError(f"block of {len(payload)} bytes, more than {MAX_BLOCK}")
            body = struct.pack(">BI", _DATA, sequence) + payload
        case Acknowledge(following, selective, echo):
            body = struct.pack(">BIII", _ACKNOWLEDGE, following, selective, echo)
        case Finish(digest):
            body = bytes((_FINISH,)) + digest
        case Done(result):
            body = bytes((_DONE, result))
        case Escape():
            body = bytes((_ESCAPE,))
    return _stuff(body + struct.pack(">I", zlib.crc32(body))) + b"\x00"


def decode(line: bytes) -> Frame:
    """Read one frame, without its closing 00.

    Raises:
        CodecError: stuffing, length, CRC or type is wrong; the frame counts as lost.

    """
    if len(line) > MAX_FRAME:
        raise CodecError(f"frame of {len(line)} bytes, more than {MAX_FRAME}")
    raw = _unstuff(line)
    if len(raw) < 5:
        raise CodecError(f"frame of {len(raw)} bytes, less than 5")
    body, check = raw[:-4], raw[-4:]
    if zlib.crc32(body) != int.from_bytes(check, "big"):
        raise CodecError("frame with a wrong CRC-32")
    return _parse(body)


def _parse(body: bytes) -> Frame:
    kind, length = body[0], len(body)
    if kind == _DATA and 6 <= length <= MAX_BLOCK + 5:
        return Data(int.from_bytes(body[1:5], "big"), body[5:])
    if kind == _ACKNOWLEDGE and length == 13:
        return Acknowledge(*struct.unpack(">III", body[1:]))
    if kind == _FINISH and length == 33:
        return Finish(body[1:])
    if kind == _DONE and length == 2 and body[1] <= max(TransferResult):
        return Done(TransferResult(body[1]))
    if kind == _ESCAPE and length == 1:
        return Escape()
    raise CodecError(f"frame of unknown type or length: type {kind:02X}, {length} bytes")


class Deframer:
    """Cuts a stream of bytes into frames; damaged ones are counted, never raised."""

    def __init__(self) -> None:
        self.damaged = 0
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes from the line; return the frames that are now complete and sound."""
        frames: list[Frame] = []
        *lines, rest = (bytes(self._pending) + data).split(b"\x00")
        for line in lines:
            if not line:
                continue
            try:
                frames.append(decode(line))
            except CodecError:
                self.damaged += 1
        self._pending = bytearray(rest[-(MAX_FRAME + 1) :])
        return frames

    @property
    def pending(self) -> bytes:
        """Bytes since the last 00: the beginning of a frame, or noise."""
        return bytes(self._pending)


def _stuff(raw: bytes) -> bytes:
    out = bytearray()
    groups = raw.split(b"\x00")
    for index, group in enumerate(groups):
        start = 0
        while len(group) - start >= 254:
            out.append(0xFF)
            out += group[start : start + 254]
            start += 254
        remains = group[start:]
        last = index == len(groups) - 1
        if remains or start == 0 or not last:
            out.append(len(remains) + 1)
            out += remains
    return bytes(out)


def _unstuff(line: bytes) -> bytes:
    out = bytearray()
    position = 0
    while position < len(line):
        code = line[position]
        group = line[position + 1 : position + code]
        if code == 0 or len(group) != code - 1 or b"\x00" in group:
            raise CodecError("frame with wrong byte stuffing")
        out += group
        position += code
        if code != 0xFF and position < len(line):
            out.append(0)
    return bytes(out)
