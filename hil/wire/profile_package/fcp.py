"""File control parameters in a package: what a file is, who may use it, what fills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.wire.profile_package.structure import Fields, default_field, field, objects
from hil.wire.tlv import Tlv

TRANSPARENT: Final = bytes.fromhex("4121")
BER_TLV: Final = bytes.fromhex("7921")
DIRECTORY: Final = bytes.fromhex("7821")

HIGH_UPDATE: Final = b"\x80"
READABLE_WHEN_DEACTIVATED: Final = b"\x40"

_DEFAULT_SPECIAL: Final = b"\x00"
_DEFAULT_DETAILS: Final = b"\x01"
_DEFAULT_LIFE_CYCLE: Final = b"\x05"


def linear_fixed(record_length: int) -> bytes:
    """Return the file descriptor of a linear fixed file (ETSI TS 102 222)."""
    return b"\x42\x21" + record_length.to_bytes(2, "big")


def cyclic(record_length: int) -> bytes:
    """Return the file descriptor of a cyclic file (ETSI TS 102 222)."""
    return b"\x46\x21" + record_length.to_bytes(2, "big")


def minimal_bytes(size: int) -> bytes:
    """Return a size in the fewest bytes, at least one."""
    return size.to_bytes(max(1, (size.bit_length() + 7) // 8), "big")


@dataclass(frozen=True, slots=True)
class ProprietaryInfo:
    """proprietaryEFInfo: at most one of ``fill`` (last byte repeats) and ``repeat`` (all repeats).

    ``special``: 1 byte, 80 high update activity, 40 usable when deactivated. ``details`` and
    ``maximum_size``: BER-TLV files only.
    """

    special: bytes = _DEFAULT_SPECIAL
    fill: bytes | None = None
    repeat: bytes | None = None
    maximum_size: bytes | None = None
    details: bytes = _DEFAULT_DETAILS
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, value: bytes, where: str) -> ProprietaryInfo:
        """Read the content."""
        fields = Fields(value, f"{where}: proprietaryEFInfo")
        special = fields.optional_octets(0xC0, "specialFileInformation", 1, 1)
        fill = fields.optional_octets(0xC1, "fillPattern", 1, 200)
        repeat = fields.optional_octets(0xC2, "repeatPattern", 1, 200)
        maximum_size = fields.optional_octets(0x86, "maximumFileSize", 1, 8)
        details = fields.optional_octets(0x84, "fileDetails", 1, 1)
        return cls(
            special or _DEFAULT_SPECIAL,
            fill,
            repeat,
            maximum_size,
            details or _DEFAULT_DETAILS,
            fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the content."""
        return b"".join(
            (
                default_field(0xC0, self.special, _DEFAULT_SPECIAL),
                field(0xC1, self.fill),
                field(0xC2, self.repeat),
                field(0x86, self.maximum_size),
                default_field(0x84, self.details, _DEFAULT_DETAILS),
                objects(self.extensions),
            )
        )


@dataclass(frozen=True, slots=True)
class Fcp:
    """Fcp: all fields may be absent; then the template's value holds.

    * ``descriptor``: 2 to 4 bytes (4121 transparent, 4221 + record length, 7821 DF, …).
    * ``file_id``: 2 bytes; ``df_name``: AID of an ADF; ``life_cycle``: 1 byte, 05 activated.
    * ``security``: EF.ARR id and record, or record alone.
    * ``size``: minimal bytes; ``pin_status``: key references of a DF; ``short_id``: empty for none.
    * ``link``: path of the file that this one stands for; empty makes a template's link a file.
    """

    descriptor: bytes | None = None
    file_id: bytes | None = None
    df_name: bytes | None = None
    life_cycle: bytes = _DEFAULT_LIFE_CYCLE
    security: bytes | None = None
    size: bytes | None = None
    pin_status: bytes | None = None
    short_id: bytes | None = None
    info: ProprietaryInfo | None = None
    link: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @property
    def size_bytes(self) -> int | None:
        """The file size in bytes, None if the template says it."""
        return None if self.size is None else int.from_bytes(self.size, "big")

    @property
    def record_length(self) -> int | None:
        """Bytes of a record, None for files without records or with a template's descriptor."""
        if self.descriptor is None or len(self.descriptor) < 4:
            return None
        return int.from_bytes(self.descriptor[2:4], "big")

    @classmethod
    def decode(cls, value: bytes, where: str) -> Fcp:
        """Read the content of an Fcp."""
        fields = Fields(value, f"{where}: Fcp")
        descriptor = fields.optional_octets(0x82, "fileDescriptor", 2, 4)
        file_id = fields.optional_octets(0x83, "fileID", 2, 2)
        df_name = fields.optional_octets(0x84, "dfName", 5, 16)
        life_cycle = fields.optional_octets(0x8A, "lcsi", 1, 1)
        security = fields.optional_octets(0x8B, "securityAttributesReferenced", 1, 3)
        size = fields.optional_octets(0x80, "efFileSize", 1, 8)
        pin_status = fields.optional_octets(0xC6, "pinStatusTemplateDO", 0, 64)
        short_id = fields.optional_octets(0x88, "shortEFID", 0, 1)
        info = fields.optional(0xA5)
        return cls(
            descriptor=descriptor,
            file_id=file_id,
            df_name=df_name,
            life_cycle=life_cycle or _DEFAULT_LIFE_CYCLE,
            security=security,
            size=size,
            pin_status=pin_status,
            short_id=short_id,
            info=None if info is None else ProprietaryInfo.decode(info, where),
            link=fields.optional_octets(0xC7, "linkPath", 0, 8),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the content."""
        return b"".join(
            (
                field(0x82, self.descriptor),
                field(0x83, self.file_id),
                field(0x84, self.df_name),
                default_field(0x8A, self.life_cycle, _DEFAULT_LIFE_CYCLE),
                field(0x8B, self.security),
                field(0x80, self.size),
                field(0xC6, self.pin_status),
                field(0x88, self.short_id),
                field(0xA5, None if self.info is None else self.info.encode()),
                field(0xC7, self.link),
                objects(self.extensions),
            )
        )
