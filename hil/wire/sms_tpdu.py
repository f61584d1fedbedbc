"""Short-message TPDUs with 8-bit data: 3GPP TS 23.040, section 9.2.

SMS-DELIVER (network to device), SMS-SUBMIT (device to network), SMS-DELIVER-REPORT (the device's
answer, which carries a proof of receipt).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.sms_address import Address

PID_SIM_DATA_DOWNLOAD: Final = 0x7F
DCS_CARD_8_BIT: Final = 0xF6
LONGEST_USER_DATA: Final = 140

_MTI: Final = 0x03
_NO_MORE_MESSAGES: Final = 0x04
_HEADER: Final = 0x40
_SUBMIT: Final = 0x01
_VALIDITY: Final = 0x18
_PI_PID: Final = 0x01
_PI_DCS: Final = 0x02
_PI_DATA: Final = 0x04


@dataclass(frozen=True, slots=True)
class SmsDeliver:
    """A message to a device; ``timestamp`` is the service centre's, 7 bytes as on the wire."""

    originator: Address
    user_data: bytes
    timestamp: bytes = bytes(7)
    pid: int = PID_SIM_DATA_DOWNLOAD
    dcs: int = DCS_CARD_8_BIT
    has_header: bool = True
    more_to_send: bool = True

    def encode(self) -> bytes:
        """Return the TPDU."""
        first = (_HEADER if self.has_header else 0) | (
            0 if self.more_to_send else _NO_MORE_MESSAGES
        )
        if len(self.timestamp) != 7:
            raise CodecError(f"a time stamp has 7 bytes, not {len(self.timestamp)}")
        return b"".join(
            (
                bytes((first,)),
                self.originator.encode_tp(),
                _bytes(self.pid, self.dcs),
                self.timestamp,
                _user_data(self.user_data, self.dcs),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a TPDU; :class:`CodecError` for another kind, 7-bit text or wrong lengths."""
        first = _first(raw, 0x00, "SMS-DELIVER")
        originator, at = Address.decode_tp(raw, 1)
        if at + 9 > len(raw):
            raise CodecError("SMS-DELIVER is cut off before its user data")
        pid, dcs = raw[at], raw[at + 1]
        return cls(
            originator,
            _read_user_data(raw, at + 9, dcs),
            bytes(raw[at + 2 : at + 9]),
            pid,
            dcs,
            bool(first & _HEADER),
            not first & _NO_MORE_MESSAGES,
        )


@dataclass(frozen=True, slots=True)
class SmsSubmit:
    """A message from a device; ``validity`` is empty, 1 byte (relative) or 7 bytes."""

    destination: Address
    user_data: bytes
    reference: int = 0
    pid: int = 0
    dcs: int = DCS_CARD_8_BIT
    has_header: bool = True
    validity: bytes = b""
    validity_enhanced: bool = False

    def encode(self) -> bytes:
        """Return the TPDU."""
        formats = {0: 0x00, 1: 0x10, 7: 0x08 if self.validity_enhanced else 0x18}
        if len(self.validity) not in formats:
            raise CodecError(f"a validity period has 0, 1 or 7 bytes, not {len(self.validity)}")
        first = _SUBMIT | formats[len(self.validity)] | (_HEADER if self.has_header else 0)
        return b"".join(
            (
                _bytes(first, self.reference),
                self.destination.encode_tp(),
                _bytes(self.pid, self.dcs),
                self.validity,
                _user_data(self.user_data, self.dcs),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a TPDU; :class:`CodecError` for another kind, 7-bit text or wrong lengths."""
        first = _first(raw, _SUBMIT, "SMS-SUBMIT")
        destination, at = Address.decode_tp(raw, 2)
        size = {0x00: 0, 0x10: 1, 0x08: 7, 0x18: 7}[first & _VALIDITY]
        if at + 2 + size > len(raw):
            raise CodecError("SMS-SUBMIT is cut off before its user data")
        pid, dcs = raw[at], raw[at + 1]
        return cls(
            destination,
            _read_user_data(raw, at + 2 + size, dcs),
            raw[1],
            pid,
            dcs,
            bool(first & _HEADER),
            bytes(raw[at + 2 : at + 2 + size]),
            first & _VALIDITY == 0x08,
        )


@dataclass(frozen=True, slots=True)
class SmsDeliverReport:
    """The answer to an SMS-DELIVER; ``failure`` is the cause (80 to FF), ``None`` for success.

    ``has_header`` is about the user data, and ``True`` where there is none.
    """

    user_data: bytes = b""
    failure: int | None = None
    pid: int = PID_SIM_DATA_DOWNLOAD
    dcs: int = DCS_CARD_8_BIT
    has_header: bool = True

    def encode(self) -> bytes:
        """Return the TPDU; without user data, only the parameters that say so."""
        if self.failure is not None and not 0x80 <= self.failure <= 0xFF:
            raise CodecError(f"failure cause {self.failure:02X} is outside 80 to FF")
        start = b"" if self.failure is None else bytes((self.failure,))
        if not self.user_data:
            optional = {
                _PI_PID: (self.pid, PID_SIM_DATA_DOWNLOAD),
                _PI_DCS: (self.dcs, DCS_CARD_8_BIT),
            }
            told = {flag: value for flag, (value, usual) in optional.items() if value != usual}
            return b"\x00" + start + bytes((sum(told),)) + _bytes(*told.values())
        first = _HEADER if self.has_header else 0
        present = _PI_PID | _PI_DCS | _PI_DATA
        return b"".join(
            (
                bytes((first,)),
                start,
                _bytes(present, self.pid, self.dcs),
                _user_data(self.user_data, self.dcs),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a TPDU. A failure is told by its cause, for a parameter indicator has no b8 here."""
        first = _first(raw, 0x00, "SMS-DELIVER-REPORT")
        at, failure = 1, None
        if len(raw) > 1 and raw[1] & 0x80:
            failure, at = raw[1], 2
        if at >= len(raw):
            raise CodecError("SMS-DELIVER-REPORT is cut off before its parameters")
        present = raw[at]
        at += 1
        if present & ~(_PI_PID | _PI_DCS | _PI_DATA):
            raise CodecError(f"SMS-DELIVER-REPORT has unknown parameters {present:02X}")
        fields = {_PI_PID: PID_SIM_DATA_DOWNLOAD, _PI_DCS: DCS_CARD_8_BIT}
        for flag in fields:
            if present & flag:
                if at >= len(raw):
                    raise CodecError("SMS-DELIVER-REPORT is cut off")
                fields[flag] = raw[at]
                at += 1
        data = b""
        if present & _PI_DATA:
            data = _read_user_data(raw, at, fields[_PI_DCS])
        elif at != len(raw):
            raise CodecError("SMS-DELIVER-REPORT has bytes behind its parameters")
        # Where there is no user data, there is no header in it either: the mark says nothing.
        has_header = bool(first & _HEADER) or not data
        return cls(data, failure, fields[_PI_PID], fields[_PI_DCS], has_header)


def _first(raw: bytes, kind: int, name: str) -> int:
    if not raw or raw[0] & _MTI != kind:
        raise CodecError(f"TPDU is not an {name}")
    return raw[0]


def _bytes(*values: int) -> bytes:
    if any(not 0 <= value <= 0xFF for value in values):
        raise CodecError("TPDU fields of one byte are 0 to 255")
    return bytes(values)


def _check_8_bit(dcs: int) -> None:
    group = dcs >> 4
    octets = (group < 8 and dcs & 0x0C in (0x04, 0x08)) or group == 0xE
    if not octets and not (group == 0xF and dcs & 0x04):
        raise CodecError(f"data coding {dcs:02X} is 7-bit text; only octets are spoken")


def _user_data(data: bytes, dcs: int) -> bytes:
    _check_8_bit(dcs)
    if len(data) > LONGEST_USER_DATA:
        raise CodecError(f"{len(data)} bytes of user data; a message holds {LONGEST_USER_DATA}")
    return bytes((len(data),)) + data


def _read_user_data(raw: bytes, at: int, dcs: int) -> bytes:
    _check_8_bit(dcs)
    if at >= len(raw):
        raise CodecError("TPDU has no user data length")
    data = bytes(raw[at + 1 :])
    if len(data) != raw[at] or raw[at] > LONGEST_USER_DATA:
        raise CodecError(f"TPDU says {raw[at]} bytes of user data, but {len(data)} follow")
    return data
