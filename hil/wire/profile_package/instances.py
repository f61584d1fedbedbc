"""Application instances in a package: parameters of GlobalPlatform's INSTALL, as fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.structure import Fields, default_field, field, objects
from hil.wire.tlv import Tlv

_AID: Final = 0x4F
_OCTETS: Final = 0x04
_DEFAULT_LIFE_CYCLE: Final = b"\x07"


@dataclass(frozen=True, slots=True)
class SystemParameters:
    """systemSpecificParameters (EF), each field as the bytes of its GlobalPlatform tag."""

    volatile_quota: bytes | None = None
    non_volatile_quota: bytes | None = None
    global_service: bytes | None = None
    implicit_selection: bytes | None = None
    volatile_reserved: bytes | None = None
    non_volatile_reserved: bytes | None = None
    sim_toolkit: bytes | None = None
    contactless: bytes | None = None
    contactless_protocol: bytes | None = None
    contactless_interaction: bytes | None = None
    volatile_granted: bytes | None = None
    non_volatile_granted: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> SystemParameters:
        """Read the content."""
        fields = Fields(content, "systemSpecificParameters")
        take = fields.optional
        return cls(
            volatile_quota=take(0xC7),
            non_volatile_quota=take(0xC8),
            global_service=take(0xCB),
            implicit_selection=take(0xCF),
            volatile_reserved=take(0xD7),
            non_volatile_reserved=take(0xD8),
            sim_toolkit=take(0xCA),
            contactless=take(0xA0),
            contactless_protocol=take(0xD9),
            contactless_interaction=take(0xDA),
            volatile_granted=take(0x82),
            non_volatile_granted=take(0x83),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the content."""
        members = (
            field(0xC7, self.volatile_quota),
            field(0xC8, self.non_volatile_quota),
            field(0xCB, self.global_service),
            field(0xCF, self.implicit_selection),
            field(0xD7, self.volatile_reserved),
            field(0xD8, self.non_volatile_reserved),
            field(0xCA, self.sim_toolkit),
            field(0xA0, self.contactless),
            field(0xD9, self.contactless_protocol),
            field(0xDA, self.contactless_interaction),
            field(0x82, self.volatile_granted),
            field(0x83, self.non_volatile_granted),
        )
        return b"".join(members) + objects(self.extensions)


@dataclass(frozen=True, slots=True)
class ApplicationParameters:
    """applicationParameters (EA, ETSI TS 102 226): toolkit, access, administrative access."""

    toolkit: bytes | None = None
    access: bytes | None = None
    admin_access: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> ApplicationParameters:
        """Read the content."""
        fields = Fields(content, "applicationParameters")
        toolkit, access = fields.optional(0x80), fields.optional(0x81)
        return cls(toolkit, access, fields.optional(0x82), fields.rest())

    def encode(self) -> bytes:
        """Return the content."""
        members = field(0x80, self.toolkit) + field(0x81, self.access)
        return members + field(0x82, self.admin_access) + objects(self.extensions)


@dataclass(frozen=True, slots=True)
class ApplicationInstance:
    """One instance: AIDs of load file, module, instance and (optional) its security domain.

    ``privileges``: 1 or 3 bytes; ``life_cycle``: 1 byte; ``install_c9``: content of tag C9;
    ``process_data``: APDU data for the instance; ``reference``: content of tag B0.
    """

    load_package: bytes
    module: bytes
    instance: bytes
    privileges: bytes
    install_c9: bytes
    security_domain: bytes | None = None
    life_cycle: bytes = _DEFAULT_LIFE_CYCLE
    system: SystemParameters | None = None
    application: ApplicationParameters | None = None
    process_data: tuple[bytes, ...] | None = None
    reference: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes, where: str) -> ApplicationInstance:
        """Read the content."""
        fields = Fields(content, f"{where}: instance")
        load_package = fields.octets(_AID, "applicationLoadPackageAID", 5, 16)
        module = fields.octets(_AID, "classAID", 5, 16)
        instance = fields.octets(_AID, "instanceAID", 5, 16)
        security_domain = fields.optional_octets(_AID, "extraditeSecurityDomainAID", 5, 16)
        privileges = fields.octets(0x82, "applicationPrivileges", 1, 3)
        life_cycle = fields.optional_octets(0x83, "lifeCycleState", 1, 1)
        install_c9 = fields.required(0xC9, "applicationSpecificParametersC9")
        system = fields.optional(0xEF)
        application = fields.optional(0xEA)
        process_data = fields.optional(0x30)
        return cls(
            load_package=load_package,
            module=module,
            instance=instance,
            privileges=privileges,
            install_c9=install_c9,
            security_domain=security_domain,
            life_cycle=life_cycle or _DEFAULT_LIFE_CYCLE,
            system=None if system is None else SystemParameters.decode(system),
            application=None if application is None else ApplicationParameters.decode(application),
            process_data=None if process_data is None else read_octets(process_data, where),
            reference=fields.optional(0xB0),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the content."""
        aids = (self.load_package, self.module, self.instance)
        data = None if self.process_data is None else octets(self.process_data)
        return b"".join(
            (
                *(tlv.encode(_AID, aid) for aid in aids),
                field(_AID, self.security_domain),
                tlv.encode(0x82, self.privileges),
                default_field(0x83, self.life_cycle, _DEFAULT_LIFE_CYCLE),
                tlv.encode(0xC9, self.install_c9),
                field(0xEF, None if self.system is None else self.system.encode()),
                field(0xEA, None if self.application is None else self.application.encode()),
                field(0x30, data),
                field(0xB0, self.reference),
                objects(self.extensions),
            )
        )


def read_octets(content: bytes, where: str) -> tuple[bytes, ...]:
    """Return the members of a SEQUENCE OF OCTET STRING."""
    fields = Fields(content, where)
    values = fields.repeated(_OCTETS)
    if fields.rest():
        raise CodecError(f"{where}: a member is no OCTET STRING")
    return values


def octets(values: tuple[bytes, ...]) -> bytes:
    """Return the content of a SEQUENCE OF OCTET STRING."""
    return b"".join(tlv.encode(_OCTETS, value) for value in values)
