"""PINs and PUKs of a profile: pinCodes (A2) and pukCodes (A3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.package import PE_HEADER, PeHeader
from hil.wire.profile_package.structure import Fields, default_field, integer, objects
from hil.wire.tlv import Tlv

MAX_REFERENCE: Final = 0xFF
DEFAULT_ATTRIBUTES: Final = 7
DEFAULT_PIN_TRIES: Final = 0x33
DEFAULT_PUK_TRIES: Final = 0xAA

_SEQUENCE: Final = 0x30
_VALUE_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class PinConfiguration:
    """One PIN.

    * ``reference``: 1 to 8 global, 10 to 14 ADM, 129 to 136 local, 138 to 142 further ADM.
    * ``value``: 8 bytes, filled with FF; ``puk``: reference of its PUK or None.
    * ``attributes``: b1 enabled, b2 changeable, b3 may be disabled (as TS.48 uses them).
    * ``tries``: high nibble maximum, low nibble left.
    """

    reference: int
    value: bytes = field(repr=False)
    puk: int | None = None
    attributes: int = DEFAULT_ATTRIBUTES
    tries: int = DEFAULT_PIN_TRIES
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> PinConfiguration:
        """Read the content of one PINConfiguration."""
        fields = Fields(content, "pinCodes: PIN")
        reference = fields.integer(0x80, "keyReference", maximum=MAX_REFERENCE)
        value = fields.octets(0x81, "pinValue", _VALUE_LENGTH, _VALUE_LENGTH)
        puk = fields.optional_integer(0x82, "unblockingPINReference", maximum=MAX_REFERENCE)
        attributes = fields.optional_integer(0x83, "pinAttributes", maximum=255)
        tries = fields.optional_integer(0x84, "maxNumOfAttemps-retryNumLeft", maximum=255)
        return cls(
            reference,
            value,
            puk,
            DEFAULT_ATTRIBUTES if attributes is None else attributes,
            DEFAULT_PIN_TRIES if tries is None else tries,
            fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the PINConfiguration with its tag."""
        content = tlv.encode(0x80, integer(self.reference)) + tlv.encode(0x81, self.value)
        if self.puk is not None:
            content += tlv.encode(0x82, integer(self.puk))
        content += default_field(0x83, integer(self.attributes), integer(DEFAULT_ATTRIBUTES))
        content += default_field(0x84, integer(self.tries), integer(DEFAULT_PIN_TRIES))
        return tlv.encode(_SEQUENCE, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class PinCodes:
    """PINs of the file system context before it: own ones, or those of the ADF at ``path``."""

    TAG: ClassVar[int] = 0xA2

    header: PeHeader
    pins: tuple[PinConfiguration, ...] = ()
    path: bytes | None = None
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> PinCodes:
        """Read the body."""
        fields = Fields(body, "pinCodes")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "pinCodes")
        choice = Fields(fields.required(0xA1, "pinCodes"), "pinCodes: choice")
        path = choice.optional_octets(0x81, "filePath", 0, 8)
        pins: tuple[PinConfiguration, ...] = ()
        if path is None:
            members = Fields(choice.required(0xA0, "pinconfig"), "pinCodes: pinconfig")
            pins = tuple(PinConfiguration.decode(one) for one in members.repeated(_SEQUENCE))
            if members.rest() or not 1 <= len(pins) <= 26:
                raise CodecError("pinCodes: pinconfig is not 1 to 26 PINs")
        if choice.rest():
            raise CodecError("pinCodes: more than one choice")
        return cls(header, pins, path, fields.rest())

    def encode(self) -> bytes:
        """Return the body."""
        if self.path is not None:
            choice = tlv.encode(0x81, self.path)
        else:
            choice = tlv.encode(0xA0, b"".join(map(PinConfiguration.encode, self.pins)))
        return self.header.encode() + tlv.encode(0xA1, choice) + objects(self.extensions)


@dataclass(frozen=True, slots=True)
class PukConfiguration:
    """One PUK: ``reference`` as for a PIN, ``value`` 8 bytes, ``tries`` as for a PIN."""

    reference: int
    value: bytes = field(repr=False)
    tries: int = DEFAULT_PUK_TRIES
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> PukConfiguration:
        """Read the content of one PUKConfiguration."""
        fields = Fields(content, "pukCodes: PUK")
        reference = fields.integer(0x80, "keyReference", maximum=MAX_REFERENCE)
        value = fields.octets(0x81, "pukValue", _VALUE_LENGTH, _VALUE_LENGTH)
        tries = fields.optional_integer(0x82, "maxNumOfAttemps-retryNumLeft", maximum=255)
        return cls(reference, value, DEFAULT_PUK_TRIES if tries is None else tries, fields.rest())

    def encode(self) -> bytes:
        """Return the PUKConfiguration with its tag."""
        content = tlv.encode(0x80, integer(self.reference)) + tlv.encode(0x81, self.value)
        content += default_field(0x82, integer(self.tries), integer(DEFAULT_PUK_TRIES))
        return tlv.encode(_SEQUENCE, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class PukCodes:
    """PUKs of the profile."""

    TAG: ClassVar[int] = 0xA3

    header: PeHeader
    puks: tuple[PukConfiguration, ...]
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> PukCodes:
        """Read the body."""
        fields = Fields(body, "pukCodes")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "pukCodes")
        members = Fields(fields.required(0xA1, "pukCodes"), "pukCodes: list")
        puks = tuple(PukConfiguration.decode(one) for one in members.repeated(_SEQUENCE))
        if members.rest() or not 1 <= len(puks) <= 16:
            raise CodecError("pukCodes: list is not 1 to 16 PUKs")
        return cls(header, puks, fields.rest())

    def encode(self) -> bytes:
        """Return the body."""
        puks = b"".join(map(PukConfiguration.encode, self.puks))
        return self.header.encode() + tlv.encode(0xA1, puks) + objects(self.extensions)
