"""Packets and packet sets: what the SM-DP hands over for one profile.

A **packet** is one SCP03t command TLV (84, 85, 86; SGP.02 ES8.DownloadAndInstallation) with
the answer TLV to expect. The same bytes go two ways: in an image file over the cable, or over
the air through the SM-SR. A **packet set** is all packets of one profile for one eUICC with the
facts that the next actor needs (patent operations 530 and 620).

Every packet carries its number and its own digest, so a dropped, doubled, moved or flipped
packet is refused with its number; the whole carries an AES-CMAC under the key set that sender
and receiver share (claim 10). The format is our own; it is described in docs/image-file.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from hil.errors import CodecError
from hil.wire import strict_cbor
from hil.wire.aes import Mac, check_key
from hil.wire.cbor_map import MapReader

ProfileClass = Literal["operational", "provisioning", "test"]
PROFILE_CLASSES: Final = ("operational", "provisioning", "test")

FORMAT_VERSION: Final = 1
MAX_PACKETS: Final = 10_000
MAX_COUNTER: Final = 0xFFFFFF
"""SCP03 sequence counters have three bytes."""

_DIGEST_LENGTH: Final = 16
_MAC_FIELD: Final = 14
_MAC_LABEL: Final = b"hil packet set\x00"
_PACKET_LABEL: Final = b"hil packet\x00"


class PacketError(CodecError):
    """One packet of a set is missing, doubled, moved or damaged; ``number`` tells which, from 1."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"packet {number} {what}: refuse the whole set and ask the SM-DP again")
        self.number = number


class PacketSetMacError(CodecError):
    """The MAC of a packet set does not fit: not from the holder of the key set, or changed."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One SCP03t command TLV and the answer TLV to expect (None: not predictable, not compared)."""

    command: bytes
    expected: bytes | None = None


def packet_digest(binding: str, number: int, packet: Packet) -> bytes:
    """Return the 16-byte digest of packet ``number`` (from 1), bound to order and profile."""
    body = [binding, number, packet.command, packet.expected]
    return hashlib.sha256(_PACKET_LABEL + strict_cbor.encode(body)).digest()[:_DIGEST_LENGTH]


def packets_to_rows(packets: Sequence[Packet], binding: str) -> list[list[object]]:
    """Return the packets as CBOR rows: number, command, expected answer, digest."""
    return [
        [number, packet.command, packet.expected, packet_digest(binding, number, packet)]
        for number, packet in enumerate(packets, start=1)
    ]


def rows_to_packets(rows: Sequence[Any], count: int, binding: str) -> tuple[Packet, ...]:
    """Read CBOR rows back; raise PacketError with the number of the first packet that is wrong."""
    numbers = [row[0] if isinstance(row, (list, tuple)) and row else None for row in rows]
    seen: set[int] = set()
    packets: list[Packet] = []
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, (list, tuple)) or len(row) != 4:
            raise PacketError(place, "is not a row of number, command, answer and digest")
        number, command, expected, digest = row
        if isinstance(number, bool) or not isinstance(number, int):
            raise PacketError(place, "has no number")
        if number in seen:
            raise PacketError(number, "stands there twice")
        if number != place:
            raise PacketError(place, "is out of its place" if place in numbers else "is missing")
        if not isinstance(command, bytes) or not isinstance(expected, (bytes, type(None))):
            raise PacketError(number, "is not made of byte strings")
        packet = Packet(command, expected)
        if not isinstance(digest, bytes) or not hmac.compare_digest(
            digest, packet_digest(binding, number, packet)
        ):
            raise PacketError(number, "is damaged: its digest does not fit")
        seen.add(number)
        packets.append(packet)
    if len(packets) < count:
        raise PacketError(len(packets) + 1, "is missing")
    if len(packets) > count:
        raise PacketError(count + 1, f"stands behind the last one of {count}")
    return tuple(packets)


@dataclass(frozen=True, slots=True)
class PacketSet:
    """All packets of one profile for one eUICC.

    * ``eid``: 32 digits; ``iccid``: 18 to 20 digits; ``isdp_aid``: 5 to 16 bytes.
    * ``memory``: bytes to grant to the ISD-P.
    * ``counter``: SCP03t sequence counter of the ISD-P's key set that packet 1 expects.
    * ``disclosed_key``: the SCP03t session key S-ENC, of a test profile only; never in ``repr``.
    """

    order_id: str
    eid: str
    iccid: str
    isdp_aid: bytes
    mno: str
    sm_dp: str
    profile_type: str
    profile_class: ProfileClass
    memory: int
    counter: int
    packets: tuple[Packet, ...]
    disclosed_key: bytes | None = field(default=None, repr=False)

    @property
    def _binding(self) -> str:
        return f"{self.order_id}/{self.eid}/{self.iccid}"

    def _body(self) -> dict[int, object]:
        body: dict[int, object] = {
            0: FORMAT_VERSION,
            1: self.order_id,
            2: self.eid,
            3: self.iccid,
            4: self.isdp_aid,
            5: self.mno,
            6: self.sm_dp,
            7: self.profile_type,
            8: self.profile_class,
            9: self.memory,
            10: self.counter,
            11: len(self.packets),
            12: packets_to_rows(self.packets, self._binding),
        }
        if self.disclosed_key is not None:
            body[13] = self.disclosed_key
        return body

    def encode(self, mac_key: bytes | None = None) -> bytes:
        """Encode; ``mac_key`` (AES, 16, 24 or 32 bytes) adds the AES-CMAC of all other fields."""
        body = self._body()
        if mac_key is not None:
            body[14] = set_mac(strict_cbor.encode(body), mac_key)
        raw = strict_cbor.encode(body)
        PacketSet.decode(raw, mac_key)
        return raw

    @classmethod
    def decode(cls, raw: bytes, mac_key: bytes | None = None) -> PacketSet:
        """Decode; with ``mac_key`` the MAC must be there and fit, without it no MAC is looked at.

        Raises PacketError (with the packet's number), PacketSetMacError, or another CodecError.
        """
        fields = MapReader(strict_cbor.decode(raw), "packet set")
        if fields.uint(0, "version", maximum=0xFFFF) != FORMAT_VERSION:
            raise CodecError(f"packet set is not of version {FORMAT_VERSION}")
        order_id = fields.text(1, "order id")
        eid = fields.digits(2, "EID", (32,))
        iccid = fields.digits(3, "ICCID", (18, 19, 20))
        isdp_aid = fields.octets(4, "ISD-P AID", range(5, 17))
        mno = fields.text(5, "MNO")
        sm_dp = fields.text(6, "SM-DP")
        profile_type = fields.text(7, "profile type")
        profile_class = cast(ProfileClass, fields.word(8, "profile class", PROFILE_CLASSES))
        memory = fields.uint(9, "memory", maximum=0xFFFFFFFF)
        counter = fields.uint(10, "counter", maximum=MAX_COUNTER)
        count = fields.uint(11, "number of packets", maximum=MAX_PACKETS)
        rows = fields.array(12, "packets")
        disclosed_key = fields.optional_octets(13, "disclosed key", (16, 24, 32))
        mac = fields.optional_octets(14, "MAC", (16,))
        fields.end()
        if not count:
            raise CodecError("packet set has no packets")
        packets = rows_to_packets(rows, count, f"{order_id}/{eid}/{iccid}")
        if disclosed_key is not None and profile_class != "test":
            raise CodecError(f"packet set discloses the key of an {profile_class} profile")
        if mac_key is not None:
            _check_mac(raw, mac, mac_key)
        return cls(
            order_id=order_id,
            eid=eid,
            iccid=iccid,
            isdp_aid=isdp_aid,
            mno=mno,
            sm_dp=sm_dp,
            profile_type=profile_type,
            profile_class=profile_class,
            memory=memory,
            counter=counter,
            packets=packets,
            disclosed_key=disclosed_key,
        )

    def digest(self) -> bytes:
        """Return the SHA-256 of the encoding without MAC, 32 bytes: the identity of this set."""
        return hashlib.sha256(strict_cbor.encode(self._body())).digest()


def add_mac(raw: bytes, mac_key: bytes) -> bytes:
    """Return a packet set that was encoded without MAC, with its MAC, as ``encode`` gives it.

    The MAC is the last field of the map, so nothing is encoded anew.
    """
    if not raw or not 0xA1 <= raw[0] < 0xB7:
        raise CodecError("packet set does not begin with a CBOR map of its fields")
    tail = strict_cbor.encode(_MAC_FIELD) + strict_cbor.encode(set_mac(raw, mac_key))
    return bytes((raw[0] + 1,)) + raw[1:] + tail


def set_mac(body: bytes, mac_key: bytes) -> bytes:
    """Return the AES-CMAC (RFC 4493, 16 bytes) over label and encoded packet set."""
    return Mac(check_key(mac_key, what="key set for packet sets")).of(_MAC_LABEL + body)


def _check_mac(raw: bytes, mac: bytes | None, mac_key: bytes) -> None:
    if mac is None:
        raise PacketSetMacError("packet set has no MAC: its sender is not authenticated")
    body = cast(dict[int, object], strict_cbor.decode(raw))
    del body[14]
    if not hmac.compare_digest(mac, set_mac(strict_cbor.encode(body), mac_key)):
        raise PacketSetMacError(
            "MAC of the packet set does not fit: wrong key set, or the set was changed on its way"
        )
