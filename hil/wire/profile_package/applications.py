"""Applications in a package: securityDomain (A6), rfm (A7), application (A8), nonStandard (A9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.instances import ApplicationInstance, octets, read_octets
from hil.wire.profile_package.package import PE_HEADER, PeHeader
from hil.wire.profile_package.structure import (
    Fields,
    default_field,
    integer,
    objects,
    oid,
    read_oid,
)
from hil.wire.profile_package.structure import field as member
from hil.wire.tlv import Tlv

_AID: Final = 0x4F
_SEQUENCE: Final = 0x30
_OCTETS: Final = 0x04
_DEFAULT_MAC_LENGTH: Final = 8
_DEFAULT_ACCESS: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class KeyComponent:
    """Type (80 DES, 88 AES, 85 PSK-TLS), value in clear, and MAC length in bytes."""

    key_type: bytes
    value: bytes = field(repr=False)
    mac_length: int = _DEFAULT_MAC_LENGTH
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> KeyComponent:
        """Read the content."""
        fields = Fields(content, "key component")
        key_type, value = fields.required(0x80, "keyType"), fields.required(0x86, "keyData")
        length = fields.optional_integer(0x87, "macLength", maximum=255)
        return cls(
            key_type, value, _DEFAULT_MAC_LENGTH if length is None else length, fields.rest()
        )

    def encode(self) -> bytes:
        """Return the component with its tag."""
        content = tlv.encode(0x80, self.key_type) + tlv.encode(0x86, self.value)
        content += default_field(0x87, integer(self.mac_length), integer(_DEFAULT_MAC_LENGTH))
        return tlv.encode(_SEQUENCE, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class KeyObject:
    """One key: usage qualifier, id (01 ENC, 02 MAC, 03 DEK), version number, components."""

    usage: bytes
    key_id: int
    kvn: int
    components: tuple[KeyComponent, ...]
    access: bytes = _DEFAULT_ACCESS
    counter: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> KeyObject:
        """Read the content."""
        fields = Fields(content, "key of a security domain")
        usage = fields.octets(0x95, "keyUsageQualifier", 1, 2)
        access = fields.optional_octets(0x96, "keyAccess", 1, 1)
        key_id = fields.octets(0x82, "keyIdentifier", 1, 1)[0]
        kvn = fields.octets(0x83, "keyVersionNumber", 1, 1)[0]
        counter = fields.optional(0x85)
        parts = Fields(fields.required(_SEQUENCE, "keyComponents"), "keyComponents")
        components = tuple(KeyComponent.decode(part) for part in parts.repeated(_SEQUENCE))
        if parts.rest():
            raise CodecError("keyComponents: a member is no SEQUENCE")
        return cls(
            usage, key_id, kvn, components, access or _DEFAULT_ACCESS, counter, fields.rest()
        )

    def encode(self) -> bytes:
        """Return the key with its tag."""
        components = b"".join(map(KeyComponent.encode, self.components))
        content = b"".join(
            (
                tlv.encode(0x95, self.usage),
                default_field(0x96, self.access, _DEFAULT_ACCESS),
                tlv.encode(0x82, bytes((self.key_id,))),
                tlv.encode(0x83, bytes((self.kvn,))),
                member(0x85, self.counter),
                tlv.encode(_SEQUENCE, components),
                objects(self.extensions),
            )
        )
        return tlv.encode(_SEQUENCE, content)


@dataclass(frozen=True, slots=True)
class SecurityDomain:
    """securityDomain: the first one is the MNO-SD.

    ``perso``: STORE DATA contents, DGI form; ``open_perso`` and ``cat_tp``: uninterpreted.
    """

    TAG: ClassVar[int] = 0xA6

    header: PeHeader
    instance: ApplicationInstance
    keys: tuple[KeyObject, ...] | None = None
    perso: tuple[bytes, ...] | None = None
    open_perso: bytes | None = None
    cat_tp: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> SecurityDomain:
        """Read the body."""
        where = "securityDomain"
        fields = Fields(body, where)
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), where)
        instance = ApplicationInstance.decode(fields.required(0xA1, "instance"), where)
        keys = fields.optional(0xA2)
        perso = fields.optional(0xA3)
        open_perso = fields.optional(0xA4)
        return cls(
            header=header,
            instance=instance,
            keys=None if keys is None else _read_keys(keys),
            perso=None if perso is None else read_octets(perso, f"{where}: sdPersoData"),
            open_perso=open_perso,
            cat_tp=fields.optional(0xA5),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the body."""
        keys = None if self.keys is None else b"".join(map(KeyObject.encode, self.keys))
        return b"".join(
            (
                self.header.encode(),
                tlv.encode(0xA1, self.instance.encode()),
                member(0xA2, keys),
                member(0xA3, None if self.perso is None else octets(self.perso)),
                member(0xA4, self.open_perso),
                member(0xA5, self.cat_tp),
                objects(self.extensions),
            )
        )


def _read_keys(content: bytes) -> tuple[KeyObject, ...]:
    fields = Fields(content, "securityDomain: keyList")
    keys = tuple(KeyObject.decode(one) for one in fields.repeated(_SEQUENCE))
    if fields.rest():
        raise CodecError("securityDomain: keyList: a member is no SEQUENCE")
    return keys


@dataclass(frozen=True, slots=True)
class AdfAccess:
    """adfRFMAccess: the ADF that is current at the start of a script, and its access domains."""

    aid: bytes
    access: bytes
    admin_access: bytes
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> AdfAccess:
        """Read the content."""
        fields = Fields(content, "rfm: adfRFMAccess")
        aid = fields.octets(0x80, "adfAID", 5, 16)
        access = fields.required(0x81, "adfAccessDomain")
        return cls(aid, access, fields.required(0x82, "adfAdminAccessDomain"), fields.rest())

    def encode(self) -> bytes:
        """Return the member with its tag."""
        content = tlv.encode(0x80, self.aid) + tlv.encode(0x81, self.access)
        content += tlv.encode(0x82, self.admin_access)
        return tlv.encode(_SEQUENCE, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class Rfm:
    """rfm: a remote file management application and its TARs (3 bytes each).

    ``security_level``: SPI1 bits that must be set; ``access``, ``admin_access``: TS 102 226 access
    domains (00 full, FF none).
    """

    TAG: ClassVar[int] = 0xA7

    header: PeHeader
    instance: bytes
    security_level: int
    access: bytes
    admin_access: bytes
    security_domain: bytes | None = None
    tars: tuple[bytes, ...] | None = None
    adf: AdfAccess | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> Rfm:
        """Read the body."""
        fields = Fields(body, "rfm")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "rfm")
        instance = fields.octets(_AID, "instanceAID", 5, 16)
        security_domain = fields.optional_octets(_AID, "securityDomainAID", 5, 16)
        tars = fields.optional(0xA0)
        level = fields.octets(0x81, "minimumSecurityLevel", 1, 1)[0]
        access = fields.required(_OCTETS, "uiccAccessDomain")
        admin_access = fields.required(_OCTETS, "uiccAdminAccessDomain")
        adf = fields.optional(_SEQUENCE)
        return cls(
            header=header,
            instance=instance,
            security_level=level,
            access=access,
            admin_access=admin_access,
            security_domain=security_domain,
            tars=None if tars is None else _read_tars(tars),
            adf=None if adf is None else AdfAccess.decode(adf),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the body."""
        return b"".join(
            (
                self.header.encode(),
                tlv.encode(_AID, self.instance),
                member(_AID, self.security_domain),
                member(0xA0, None if self.tars is None else octets(self.tars)),
                tlv.encode(0x81, bytes((self.security_level,))),
                tlv.encode(_OCTETS, self.access),
                tlv.encode(_OCTETS, self.admin_access),
                b"" if self.adf is None else self.adf.encode(),
                objects(self.extensions),
            )
        )


def _read_tars(content: bytes) -> tuple[bytes, ...]:
    tars = read_octets(content, "rfm: tarList")
    if any(len(tar) != 3 for tar in tars):
        raise CodecError("rfm: a TAR has 3 bytes")
    return tars


@dataclass(frozen=True, slots=True)
class Application:
    """application: a load block (uninterpreted content of A1) and instances of its modules."""

    TAG: ClassVar[int] = 0xA8

    header: PeHeader
    load_block: bytes | None = None
    instances: tuple[ApplicationInstance, ...] | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> Application:
        """Read the body."""
        fields = Fields(body, "application")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "application")
        load_block, raw = fields.optional(0xA1), fields.optional(0xA2)
        instances: tuple[ApplicationInstance, ...] | None = None
        if raw is not None:
            members = Fields(raw, "application: instanceList")
            instances = tuple(
                ApplicationInstance.decode(one, "application")
                for one in members.repeated(_SEQUENCE)
            )
            if members.rest():
                raise CodecError("application: instanceList: a member is no SEQUENCE")
        return cls(header, load_block, instances, fields.rest())

    def encode(self) -> bytes:
        """Return the body."""
        instances = None
        if self.instances is not None:
            instances = b"".join(tlv.encode(_SEQUENCE, one.encode()) for one in self.instances)
        head = self.header.encode() + member(0xA1, self.load_block)
        return head + member(0xA2, instances) + objects(self.extensions)


@dataclass(frozen=True, slots=True)
class NonStandard:
    """nonStandard: content that only its issuer (dotted object identifier) understands."""

    TAG: ClassVar[int] = 0xA9

    header: PeHeader
    issuer: str
    content: bytes
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> NonStandard:
        """Read the body."""
        fields = Fields(body, "nonStandard")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "nonStandard")
        issuer = read_oid(fields.required(0x81, "issuerID"), "nonStandard: issuerID")
        return cls(header, issuer, fields.required(0x82, "content"), fields.rest())

    def encode(self) -> bytes:
        """Return the body."""
        head = self.header.encode() + tlv.encode(0x81, oid(self.issuer))
        return head + tlv.encode(0x82, self.content) + objects(self.extensions)


@dataclass(frozen=True, slots=True)
class End:
    """end: the last element of a package."""

    TAG: ClassVar[int] = 0xAA

    header: PeHeader
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> End:
        """Read the body."""
        fields = Fields(body, "end")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "end")
        return cls(header, fields.rest())

    def encode(self) -> bytes:
        """Return the body."""
        return self.header.encode() + objects(self.extensions)
