"""The profile header (tag A0): format version, ICCID, and what the eUICC must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from hil.errors import CodecError
from hil.wire import identifiers, tlv
from hil.wire.profile_package.structure import (
    Fields,
    field,
    integer,
    objects,
    oid,
    read_objects,
    read_oid,
)
from hil.wire.tlv import Tlv

_OID = 0x06


class Service(IntEnum):
    """Services an eUICC must offer (ServicesList); the value is the number of the tag."""

    CONTACTLESS = 0
    USIM = 1
    ISIM = 2
    CSIM = 3
    MILENAGE = 4
    TUAK128 = 5
    CAVE = 6
    GBA_USIM = 7
    GBA_ISIM = 8
    MBMS = 9
    EAP = 10
    JAVACARD = 11
    MULTOS = 12
    MULTIPLE_USIM = 13
    MULTIPLE_ISIM = 14
    MULTIPLE_CSIM = 15
    TUAK256 = 16
    USIM_TEST_ALGORITHM = 17
    BER_TLV = 18
    DF_LINK = 19
    CAT_TP = 20
    GET_IDENTITY = 21
    PROFILE_A_X25519 = 22
    PROFILE_B_P256 = 23
    SUCI_CALCULATOR_API = 24
    DNS_RESOLUTION = 25
    SCP11AC = 26
    SCP11C_AUTHORIZATION = 27
    S16_MODE = 28
    EAKA = 29


@dataclass(frozen=True, slots=True)
class MandatoryAid:
    """A library that must be on the card: AID (5 to 16 bytes) and version (2 bytes)."""

    aid: bytes
    version: bytes
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, value: bytes) -> MandatoryAid:
        """Read the content of one member of eUICC-Mandatory-AIDs."""
        fields = Fields(value, "mandatory AID")
        aid, version = fields.octets(0x80, "aid", 5, 16), fields.octets(0x81, "version", 2, 2)
        return cls(aid, version, fields.rest())

    def encode(self) -> bytes:
        """Return the member with its tag."""
        content = tlv.encode(0x80, self.aid) + tlv.encode(0x81, self.version)
        return tlv.encode(0x30, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class ProfileHeader:
    """ProfileHeader.

    * ``iccid``: 10 bytes, digits in their order (EF.ICCID has them swapped).
    * ``services``: numbers as in :class:`Service`, unknown ones too, in the order of the package.
    * ``templates``: object identifiers, dotted.
    * ``pol``: first POL1 of the profile, ``connectivity``: bearer data; M2M, coding not fixed here.
    * ``iot_options``: content of tag A9, uninterpreted.
    """

    TAG: ClassVar[int] = 0xA0

    major: int
    minor: int
    iccid: bytes
    services: tuple[int, ...] = ()
    templates: tuple[str, ...] = ()
    profile_type: str | None = None
    pol: bytes | None = None
    connectivity: bytes | None = None
    aids: tuple[MandatoryAid, ...] | None = None
    iot_options: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @property
    def iccid_digits(self) -> str:
        """The ICCID, 18 to 20 digits; CodecError if the ten bytes hold something else."""
        return identifiers.decode_header_iccid(self.iccid)

    @classmethod
    def decode(cls, body: bytes) -> ProfileHeader:
        """Read the body of the profile header."""
        fields = Fields(body, "profile header")
        major = fields.integer(0x80, "major-version", maximum=255)
        minor = fields.integer(0x81, "minor-version", maximum=255)
        name = fields.optional_octets(0x82, "profileType", 1, 400)
        iccid = fields.octets(0x83, "iccid", 10, 10)
        pol = fields.optional(0x84)
        services = fields.required(0xA5, "eUICC-Mandatory-services")
        templates = fields.required(0xA6, "eUICC-Mandatory-GFSTEList")
        connectivity = fields.optional(0x87)
        aids = fields.optional(0xA8)
        return cls(
            major=major,
            minor=minor,
            iccid=iccid,
            services=_read_services(services),
            templates=_read_templates(templates),
            profile_type=None if name is None else _read_name(name),
            pol=pol,
            connectivity=connectivity,
            aids=None if aids is None else _read_aids(aids),
            iot_options=fields.optional(0xA9),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the body."""
        name = None if self.profile_type is None else self.profile_type.encode()
        aids = None if self.aids is None else b"".join(map(MandatoryAid.encode, self.aids))
        return b"".join(
            (
                tlv.encode(0x80, integer(self.major)),
                tlv.encode(0x81, integer(self.minor)),
                field(0x82, name),
                tlv.encode(0x83, self.iccid),
                field(0x84, self.pol),
                tlv.encode(0xA5, b"".join(tlv.encode(0x80 | n, b"") for n in self.services)),
                tlv.encode(0xA6, b"".join(tlv.encode(_OID, oid(one)) for one in self.templates)),
                field(0x87, self.connectivity),
                field(0xA8, aids),
                field(0xA9, self.iot_options),
                objects(self.extensions),
            )
        )


def _read_name(value: bytes) -> str:
    try:
        name = value.decode()
    except UnicodeDecodeError as err:
        raise CodecError("profileType of the profile header is not UTF-8") from err
    if len(name) > 100:
        raise CodecError("profileType of the profile header is longer than 100 characters")
    return name


def _read_services(value: bytes) -> tuple[int, ...]:
    services = []
    for member in read_objects(value, "eUICC-Mandatory-services"):
        if member.tag >> 5 != 4 or member.value:
            raise CodecError(f"eUICC-Mandatory-services: {member.tag:X} is no NULL of a service")
        services.append(member.tag & 0x1F)
    return tuple(services)


def _read_templates(value: bytes) -> tuple[str, ...]:
    templates = []
    for member in read_objects(value, "eUICC-Mandatory-GFSTEList"):
        if member.tag != _OID:
            raise CodecError(f"eUICC-Mandatory-GFSTEList: {member.tag:X} is no OBJECT IDENTIFIER")
        templates.append(read_oid(member.value, "eUICC-Mandatory-GFSTEList"))
    return tuple(templates)


def _read_aids(value: bytes) -> tuple[MandatoryAid, ...]:
    fields = Fields(value, "eUICC-Mandatory-AIDs")
    aids = tuple(MandatoryAid.decode(member) for member in fields.repeated(0x30))
    if fields.rest():
        raise CodecError("eUICC-Mandatory-AIDs: a member is no SEQUENCE")
    return aids
