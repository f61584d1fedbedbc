"""The default notification of an eUICC to its SM-SR (SGP.02, 4.1.1.11), and how it is secured.

``E1`` { 4C EID, 4D type, 4E sequence number, 2F ISD-P AID, [14 IMEI], [6D MEID] }; a receiver takes
the tags with b8 set as well. By short message it is an SCP80 command packet without a counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import scp80, tlv
from hil.wire.identifiers import ISD_R_TAR, decode_eid, encode_eid
from hil.wire.scp80 import OtaKeySet, SecurityParameters

NOTIFICATION: Final = 0xE1
_EID, _TYPE, _SEQUENCE, _AID, _IMEI, _MEID = 0x4C, 0x4D, 0x4E, 0x2F, 0x14, 0x6D
SPI: Final = bytes.fromhex("0600")
"""Cryptographic checksum and ciphering, no counter, no proof of receipt."""


class NotificationType(IntEnum):
    """Why the eUICC writes."""

    FIRST_ATTACH = 0x01
    CHANGED = 0x02
    ROLLED_BACK = 0x03
    VOID = 0x04
    FALLEN_BACK = 0x05


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification. ``aid``: the ISD-P that is enabled; ``imei`` 8 bytes, if it is known."""

    eid: str
    kind: int
    sequence: int
    aid: bytes
    imei: bytes | None = None
    meid: bytes | None = None

    def encode(self) -> bytes:
        """Return the whole data object ``E1``."""
        if not 0 <= self.sequence <= 0xFFFF:
            raise CodecError(f"sequence number {self.sequence} does not fit 2 bytes")
        body = tlv.encode(_EID, encode_eid(self.eid)) + tlv.encode(_TYPE, bytes((self.kind,)))
        body += tlv.encode(_SEQUENCE, self.sequence.to_bytes(2, "big"))
        body += tlv.encode(_AID, self.aid)
        for tag, value in ((_IMEI, self.imei), (_MEID, self.meid)):
            if value is not None:
                body += tlv.encode(tag, value)
        return tlv.encode(NOTIFICATION, body)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read one whole notification."""
        whole, rest = tlv.decode_one(raw)
        if whole.tag != NOTIFICATION or rest:
            raise CodecError("a notification is one data object E1")
        found = _objects(whole.value)
        missing = [tag for tag in (_EID, _TYPE, _SEQUENCE, _AID) if tag not in found]
        if missing:
            raise CodecError(f"notification lacks {missing[0]:02X}")
        if len(found[_TYPE]) != 1 or len(found[_SEQUENCE]) != 2:
            raise CodecError("a notification has a type of one byte, a sequence number of two")
        return cls(
            eid=decode_eid(found[_EID]),
            kind=found[_TYPE][0],
            sequence=int.from_bytes(found[_SEQUENCE], "big"),
            aid=found[_AID],
            imei=found.get(_IMEI),
            meid=found.get(_MEID),
        )

    def packet(self, keys: OtaKeySet, *, tar: bytes = ISD_R_TAR, spi: bytes = SPI) -> bytes:
        """Return the command packet that carries it, counter 0000000000."""
        return scp80.wrap_command(self.encode(), 0, SecurityParameters(spi, tar), keys)

    @classmethod
    def open(cls, packet: bytes, keys: OtaKeySet) -> Self:
        """Read the notification in a packet; :class:`CodecError` if it is not authentic."""
        opened = scp80.unwrap_command(packet, keys)
        if opened.counter:
            raise CodecError("a notification carries no counter")
        return cls.decode(opened.data)


def _objects(body: bytes) -> dict[int, bytes]:
    """Return the values by tag, b8 of the tag taken away."""
    found: dict[int, bytes] = {}
    for one in tlv.decode_all(body, limit=16):
        found.setdefault(one.tag & 0x7F, one.value)
    return found
