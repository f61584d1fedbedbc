"""Network authentication of an NAA: akaParameter (A4) and cdmaParameter (A5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.package import PE_HEADER, PeHeader
from hil.wire.profile_package.structure import Fields, default_field, integer, objects
from hil.wire.profile_package.structure import field as member
from hil.wire.tlv import Tlv


class Algorithm(IntEnum):
    """algorithmID."""

    MILENAGE = 1
    TUAK = 2
    USIM_TEST = 3
    """XOR, 3GPP TS 34.108: for test profiles only."""


SEQUENCE_NUMBERS: Final = 32
DEFAULT_SQN_OPTIONS: Final = b"\x02"
DEFAULT_SQN_WINDOW: Final = bytes.fromhex("000010000000")
DEFAULT_SQN_INIT: Final = (bytes(6),) * SEQUENCE_NUMBERS
DEFAULT_ROTATION: Final = bytes.fromhex("4000204060")
DEFAULT_XORING: Final = b"".join(n.to_bytes(16, "big") for n in (0, 1, 2, 4, 8))
_KEY_LENGTHS: Final = (16, 32)


@dataclass(frozen=True, slots=True)
class MappingParameter:
    """Take keys and algorithm from another NAA: 1 byte of options and its AID."""

    options: bytes
    source: bytes
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> MappingParameter:
        """Read the content."""
        fields = Fields(content, "akaParameter: mapping")
        options = fields.octets(0x80, "mappingOptions", 1, 1)
        return cls(options, fields.octets(0x81, "mappingSource", 5, 16), fields.rest())

    def encode(self) -> bytes:
        """Return the choice with its tag."""
        content = tlv.encode(0x80, self.options) + tlv.encode(0x81, self.source)
        return tlv.encode(0xA0, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class AlgorithmParameter:
    """Algorithm and keys of an NAA.

    * ``algorithm``: 1 Milenage, 2 TUAK, 3 test algorithm; others are kept as they are.
    * ``key``: K, 16 or 32 bytes; ``opc``: OPc (16) or TOPc (32), ignored by the test algorithm.
    * ``rotation``: Milenage r1 to r5 in bits; ``xoring``: c1 to c5, 16 bytes each.
    * ``counter_max``: most authentications, 3 bytes; ``keccak``: rounds of TUAK.
    """

    algorithm: int
    key: bytes = field(repr=False)
    opc: bytes = field(repr=False)
    options: bytes = b"\x02"
    rotation: bytes = DEFAULT_ROTATION
    xoring: bytes = DEFAULT_XORING
    counter_max: bytes | None = None
    keccak: int = 1
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, content: bytes) -> AlgorithmParameter:
        """Read the content."""
        fields = Fields(content, "akaParameter: algorithm")
        algorithm = fields.integer(0x80, "algorithmID", maximum=0xFFFF)
        options = fields.octets(0x81, "algorithmOptions", 1, 1)
        key, opc = fields.required(0x82, "key"), fields.required(0x83, "opc")
        if len(key) not in _KEY_LENGTHS or len(opc) not in _KEY_LENGTHS:
            raise CodecError("akaParameter: key and OPc must have 16 or 32 bytes")
        rotation = fields.optional_octets(0x84, "rotationConstants", 5, 5)
        xoring = fields.optional_octets(0x85, "xoringConstants", 80, 80)
        counter_max = fields.optional_octets(0x86, "authCounterMax", 3, 3)
        keccak = fields.optional_integer(0x87, "numberOfKeccak", maximum=255)
        return cls(
            algorithm=algorithm,
            key=key,
            opc=opc,
            options=options,
            rotation=rotation or DEFAULT_ROTATION,
            xoring=xoring or DEFAULT_XORING,
            counter_max=counter_max,
            keccak=1 if keccak is None else keccak,
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the choice with its tag."""
        content = b"".join(
            (
                tlv.encode(0x80, integer(self.algorithm)),
                tlv.encode(0x81, self.options),
                tlv.encode(0x82, self.key),
                tlv.encode(0x83, self.opc),
                default_field(0x84, self.rotation, DEFAULT_ROTATION),
                default_field(0x85, self.xoring, DEFAULT_XORING),
                member(0x86, self.counter_max),
                default_field(0x87, integer(self.keccak), integer(1)),
                objects(self.extensions),
            )
        )
        return tlv.encode(0xA1, content)


@dataclass(frozen=True, slots=True)
class AkaParameter:
    """akaParameter: belongs to the last NAA before it.

    Sequence numbers without IND: ``sqn_delta`` and ``sqn_age_limit`` 6 bytes, ``sqn_init`` 32
    start values of 6 bytes.
    """

    TAG: ClassVar[int] = 0xA4

    header: PeHeader
    configuration: AlgorithmParameter | MappingParameter
    sqn_options: bytes = DEFAULT_SQN_OPTIONS
    sqn_delta: bytes = DEFAULT_SQN_WINDOW
    sqn_age_limit: bytes = DEFAULT_SQN_WINDOW
    sqn_init: tuple[bytes, ...] = DEFAULT_SQN_INIT
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> AkaParameter:
        """Read the body."""
        fields = Fields(body, "akaParameter")
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), "akaParameter")
        choice = Fields(fields.required(0xA1, "algoConfiguration"), "akaParameter: choice")
        mapping = choice.optional(0xA0)
        configuration: AlgorithmParameter | MappingParameter
        if mapping is None:
            configuration = AlgorithmParameter.decode(choice.required(0xA1, "algoParameter"))
        else:
            configuration = MappingParameter.decode(mapping)
        if choice.rest():
            raise CodecError("akaParameter: more than one choice")
        options = fields.optional_octets(0x82, "sqnOptions", 1, 1)
        delta = fields.optional_octets(0x83, "sqnDelta", 6, 6)
        age_limit = fields.optional_octets(0x84, "sqnAgeLimit", 6, 6)
        start = fields.optional(0xA5)
        return cls(
            header=header,
            configuration=configuration,
            sqn_options=options or DEFAULT_SQN_OPTIONS,
            sqn_delta=delta or DEFAULT_SQN_WINDOW,
            sqn_age_limit=age_limit or DEFAULT_SQN_WINDOW,
            sqn_init=DEFAULT_SQN_INIT if start is None else _read_sqn_init(start),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the body."""
        start = b"".join(tlv.encode(0x04, one) for one in self.sqn_init)
        return b"".join(
            (
                self.header.encode(),
                tlv.encode(0xA1, self.configuration.encode()),
                default_field(0x82, self.sqn_options, DEFAULT_SQN_OPTIONS),
                default_field(0x83, self.sqn_delta, DEFAULT_SQN_WINDOW),
                default_field(0x84, self.sqn_age_limit, DEFAULT_SQN_WINDOW),
                b"" if self.sqn_init == DEFAULT_SQN_INIT else tlv.encode(0xA5, start),
                objects(self.extensions),
            )
        )


def _read_sqn_init(content: bytes) -> tuple[bytes, ...]:
    fields = Fields(content, "akaParameter: sqnInit")
    values = fields.repeated(0x04)
    if fields.rest() or len(values) != SEQUENCE_NUMBERS or any(len(one) != 6 for one in values):
        raise CodecError("akaParameter: sqnInit is not 32 values of 6 bytes")
    return values


@dataclass(frozen=True, slots=True)
class CdmaParameter:
    """cdmaParameter: CAVE key (8 bytes) and shared secret data (16); the rest uninterpreted."""

    TAG: ClassVar[int] = 0xA5

    header: PeHeader
    key: bytes = field(repr=False)
    ssd: bytes | None = field(default=None, repr=False)
    hrpd: bytes | None = field(default=None, repr=False)
    simple_ip: bytes | None = field(default=None, repr=False)
    mobile_ip: bytes | None = field(default=None, repr=False)
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> CdmaParameter:
        """Read the body."""
        fields = Fields(body, "cdmaParameter")
        return cls(
            header=PeHeader.decode(fields.required(PE_HEADER, "header"), "cdmaParameter"),
            key=fields.octets(0x81, "authenticationKey", 8, 8),
            ssd=fields.optional_octets(0x82, "ssd", 16, 16),
            hrpd=fields.optional_octets(0x83, "hrpdAccessAuthenticationData", 2, 32),
            simple_ip=fields.optional_octets(0x84, "simpleIPAuthenticationData", 3, 483),
            mobile_ip=fields.optional_octets(0x85, "mobileIPAuthenticationData", 5, 957),
            extensions=fields.rest(),
        )

    def encode(self) -> bytes:
        """Return the body."""
        return b"".join(
            (
                self.header.encode(),
                tlv.encode(0x81, self.key),
                member(0x82, self.ssd),
                member(0x83, self.hrpd),
                member(0x84, self.simple_ip),
                member(0x85, self.mobile_ip),
                objects(self.extensions),
            )
        )
