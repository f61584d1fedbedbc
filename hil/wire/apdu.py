"""Command and response APDUs of ISO/IEC 7816-4: short and extended, cases 1 to 4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from hil.errors import CodecError

SHORT_DATA: Final = 255
SHORT_LE: Final = 256
EXTENDED_DATA: Final = 65_535
EXTENDED_LE: Final = 65_536
LAST_CHANNEL: Final = 19


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command to a card.

    ``le`` is the number of answer bytes wanted: ``None`` for none, 1 to 256 in a short APDU (256 is
    coded ``00``), up to 65536 in an extended one. The extended form is used when data or ``le``
    need it. Values out of range raise :class:`CodecError`.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    def __post_init__(self) -> None:
        if (self.cla | self.ins | self.p1 | self.p2) & ~0xFF:
            raise CodecError(
                f"CLA INS P1 P2 must be bytes, not {self.cla} {self.ins} {self.p1} {self.p2}"
            )
        if len(self.data) > EXTENDED_DATA:
            raise CodecError(f"{len(self.data)} bytes of command data; at most {EXTENDED_DATA}")
        if self.le is not None and not 1 <= self.le <= EXTENDED_LE:
            raise CodecError(f"Le {self.le} is outside 1 to {EXTENDED_LE}")

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def case(self) -> int:
        """1 nothing either way, 2 answer only, 3 data only, 4 both."""
        return 1 + (self.le is not None) + 2 * bool(self.data)

    @property
    def extended(self) -> bool:
        """Whether the lengths need the extended form."""
        return len(self.data) > SHORT_DATA or (self.le is not None and self.le > SHORT_LE)

    @property
    def channel(self) -> int:
        """The logical channel in CLA: 0 to 3, or 4 to 19 in the further interindustry classes."""
        return 4 + (self.cla & 0x0F) if self.cla & 0x40 else self.cla & 0x03

    def on_channel(self, channel: int) -> CommandApdu:
        """Return the same command for another logical channel (ETSI TS 102 221, 10.1.1).

        Secure messaging stays marked: b4 b3 in the classes of channels 0 to 3, b6 in the others.
        """
        if not 0 <= channel <= LAST_CHANNEL:
            raise CodecError(f"logical channel {channel} is outside 0 to {LAST_CHANNEL}")
        secure = bool(self.cla & (0x20 if self.cla & 0x40 else 0x0C))
        if channel <= 3:
            marks = (self.cla & 0x0C) if not self.cla & 0x40 else 0x04 * secure
            return replace(self, cla=(self.cla & 0x90) | marks | channel)
        return replace(self, cla=(self.cla & 0x80) | 0x40 | 0x20 * secure | (channel - 4))

    def encode(self) -> bytes:
        """Return the bytes sent to the card."""
        data, le = self.data, self.le
        if self.extended:
            lc = b"\x00" + len(data).to_bytes(2, "big") if data else b""
            tail = b"" if le is None else (le & 0xFFFF).to_bytes(2, "big")
            return self.header + (lc or (b"\x00" if tail else b"")) + data + tail
        lc = bytes((len(data),)) if data else b""
        return self.header + lc + data + (b"" if le is None else bytes((le & 0xFF,)))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the bytes of one command APDU; :class:`CodecError` when the lengths disagree."""
        if len(raw) < 4:
            raise CodecError(f"a command APDU has at least 4 bytes, not {len(raw)}")
        body = bytes(raw[4:])
        data, le = _read_body(body)
        return cls(raw[0], raw[1], raw[2], raw[3], data, le)


def _read_body(body: bytes) -> tuple[bytes, int | None]:
    if not body:
        return b"", None
    if len(body) == 1:
        return b"", body[0] or SHORT_LE
    if body[0]:
        return _read_data(body, start=1, length=body[0], le_bytes=1)
    if len(body) < 3:
        raise CodecError("extended length field of a command APDU is cut off")
    length = int.from_bytes(body[1:3], "big")
    if len(body) == 3:
        return b"", length or EXTENDED_LE
    if not length:
        raise CodecError("extended Lc of a command APDU is zero but more bytes follow")
    return _read_data(body, start=3, length=length, le_bytes=2)


def _read_data(body: bytes, *, start: int, length: int, le_bytes: int) -> tuple[bytes, int | None]:
    end = start + length
    tail = body[end:]
    if len(body) < end or len(tail) not in (0, le_bytes):
        raise CodecError(f"Lc says {length} bytes, but {len(body) - start} follow in command APDU")
    if not tail:
        return body[start:end], None
    return body[start:end], int.from_bytes(tail, "big") or 1 << (8 * le_bytes)


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """One answer of a card: data and the two-byte status word ``sw``."""

    data: bytes
    sw: int

    def __post_init__(self) -> None:
        if not 0 <= self.sw <= 0xFFFF:
            raise CodecError(f"status word {self.sw} is not two bytes")

    @property
    def sw1(self) -> int:
        """First byte of the status word."""
        return self.sw >> 8

    @property
    def sw2(self) -> int:
        """Second byte of the status word."""
        return self.sw & 0xFF

    def encode(self) -> bytes:
        """Return data and status word."""
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the bytes of one answer; :class:`CodecError` when there is no status word."""
        if len(raw) < 2:
            raise CodecError(f"a response APDU ends in a status word, but has {len(raw)} bytes")
        return cls(bytes(raw[:-2]), int.from_bytes(raw[-2:], "big"))
