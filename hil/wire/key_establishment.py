"""Key establishment between an SM-DP or SM-SR and a security domain of an eUICC.

GlobalPlatform Amendment E, scenario #3 (ECKA-EG), as GSMA SGP.02 uses it (4.1.3.1, 4.1.1.8): what
both ends compute alike. The messages are in :mod:`hil.wire.key_establishment_messages`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.aes import Mac
from hil.wire.scp03_keys import KeySet

REFERENCE_TEMPLATE: Final = 0xA6
SCENARIO: Final = 0x03
AES: Final = 0x88
_COUNTERS: Final = (0, 2, 3, 5, 8)
_SIZES: Final = (16, 24, 32)
_DIGEST: Final = 32
_KNOWN: Final = frozenset({0x90, 0x95, 0x96, 0x80, 0x81, 0x82, 0x83, 0x91, 0x45, 0x84})


class Parameter:
    """Bits of the scenario parameters, second byte of ``90``."""

    DELETE_EXISTING: Final = 0x01
    DERIVATION_RANDOM: Final = 0x02
    IDENTIFIERS: Final = 0x04
    CERTIFICATE_FIRST: Final = 0x08


class Usage(IntEnum):
    """Key usage qualifier ``95``: what the derived bytes are cut into."""

    THREE_KEYS = 0x10
    BASE_KEY = 0x5C

    @property
    def keys(self) -> int:
        """How many keys follow the receipt key."""
        return 3 if self is Usage.THREE_KEYS else 1


@dataclass(frozen=True, slots=True)
class Reference:
    """The control reference template ``A6``: which keys are to be made, and how.

    ``counter``: 0, 2, 3, 5 or 8 bytes to start from. ``sdin`` (45) and ``host_id`` (84) come both
    or not at all, and with them bit 3 of the parameters.
    """

    kvn: int
    key_id: int = 0x01
    usage: Usage = Usage.THREE_KEYS
    parameters: int = Parameter.CERTIFICATE_FIRST | Parameter.DELETE_EXISTING
    key_size: int = 16
    access: int | None = None
    counter: bytes = b""
    sdin: bytes | None = None
    host_id: bytes | None = None

    def __post_init__(self) -> None:
        if self.key_size not in _SIZES:
            raise CodecError(f"AES keys of {self.key_size} bytes cannot be established")
        if len(self.counter) not in _COUNTERS:
            raise CodecError(
                f"initial counter of {len(self.counter)} bytes; 0, 2, 3, 5 or 8 can be"
            )
        both = {self.sdin is None, self.host_id is None, not self.with_identifiers}
        if len(both) != 1:
            raise CodecError("SDIN, HostID and their bit in the parameters come together")

    @property
    def delete_existing(self) -> bool:
        """Whether the keys that are there go."""
        return bool(self.parameters & Parameter.DELETE_EXISTING)

    @property
    def with_random(self) -> bool:
        """Whether a derivation random of the card enters."""
        return bool(self.parameters & Parameter.DERIVATION_RANDOM)

    @property
    def with_identifiers(self) -> bool:
        """Whether HostID, SIN and SDIN enter."""
        return bool(self.parameters & Parameter.IDENTIFIERS)

    def encode(self) -> bytes:
        """Return the whole data object ``A6``."""
        body = tlv.encode(0x90, bytes((SCENARIO, self.parameters)))
        body += tlv.encode(0x95, bytes((self.usage,)))
        if self.access is not None:
            body += tlv.encode(0x96, bytes((self.access,)))
        body += tlv.encode(0x80, bytes((AES,))) + tlv.encode(0x81, bytes((self.key_size,)))
        body += tlv.encode(0x82, bytes((self.key_id,))) + tlv.encode(0x83, bytes((self.kvn,)))
        body += tlv.encode(0x91, self.counter)
        if self.sdin is not None and self.host_id is not None:
            body += tlv.encode(0x45, self.sdin) + tlv.encode(0x84, self.host_id)
        return tlv.encode(REFERENCE_TEMPLATE, body)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read one whole data object ``A6``; what cannot be done here is a :class:`CodecError`."""
        whole, rest = tlv.decode_one(raw)
        if whole.tag != REFERENCE_TEMPLATE or rest:
            raise CodecError("a control reference template is one data object A6")
        objects = tlv.decode_all(whole.value, limit=16)
        strange = [one.tag for one in objects if one.tag not in _KNOWN]
        if strange or len({one.tag for one in objects}) != len(objects):
            raise CodecError("A6 holds an object that is unknown, or one twice")
        scenario = tlv.require(objects, 0x90, where="A6")
        if len(scenario) != 2 or scenario[0] != SCENARIO or scenario[1] & 0xF0:
            raise CodecError(f"scenario {scenario.hex().upper()}; only #3 is known")
        if _byte(objects, 0x80) != AES:
            raise CodecError(f"key type {_byte(objects, 0x80):02X}; only AES (88) is known")
        usage = _byte(objects, 0x95)
        if usage not in tuple(Usage):
            raise CodecError(f"key usage {usage:02X}; 10 and 5C are known")
        return cls(
            kvn=_byte(objects, 0x83),
            key_id=_byte(objects, 0x82),
            usage=Usage(usage),
            parameters=scenario[1],
            key_size=_byte(objects, 0x81),
            access=_byte(objects, 0x96) if tlv.find(objects, 0x96) is not None else None,
            counter=tlv.find(objects, 0x91) or b"",
            sdin=tlv.find(objects, 0x45),
            host_id=tlv.find(objects, 0x84),
        )


@dataclass(frozen=True, slots=True)
class Established:
    """What both ends have now: one key or three, and the key that makes the receipt."""

    keys: tuple[bytes, ...] = field(repr=False)
    receipt_key: bytes = field(repr=False)

    def key_set(self, kvn: int) -> KeySet:
        """Return ENC, MAC and DEK; with one base key, that key three times.

        SGP.02 leaves open what a base key (5C) becomes; an SM-DP that asks for it uses it so.
        """
        enc, mac, dek = self.keys if len(self.keys) == 3 else self.keys * 3
        return KeySet(kvn, enc, mac, dek)


def shared_info(reference: Reference, random: bytes, sin: bytes = b"") -> bytes:
    """Return usage ‖ type ‖ size ‖ [DR] ‖ [LV(HostID) ‖ LV(SIN) ‖ LV(SDIN)].

    ``random``: the derivation random, empty for none. ``sin``: issuer identification number (42)
    of the security domain.
    """
    if bool(random) != reference.with_random:
        raise CodecError("the derivation random comes if and only if the parameters say so")
    info = bytes((reference.usage, AES, reference.key_size)) + random
    if reference.host_id is not None and reference.sdin is not None:
        for value in (reference.host_id, sin, reference.sdin):
            info += tlv.encode_length(len(value)) + value
    return info


def derive(zab: bytes, reference: Reference, random: bytes = b"", sin: bytes = b"") -> Established:
    """Return the keys for the shared secret ``zab``: X9.63 KDF with SHA-256, receipt key first.

    A receipt key of the same length as the keys is our reading where they are not AES-128.
    """
    size = reference.key_size
    wanted = size * (1 + reference.usage.keys)
    info = shared_info(reference, random, sin)
    made = b""
    for number in range(1, -(-wanted // _DIGEST) + 1):
        made += hashlib.sha256(zab + number.to_bytes(4, "big") + info).digest()
    first, *keys = (made[at : at + size] for at in range(0, wanted, size))
    return Established(tuple(keys), first)


def receipt(established: Established, template: bytes, random: bytes = b"") -> bytes:
    """Return the 16-byte AES-CMAC over ``A6`` as it was sent ‖ [``85`` DR]."""
    message = template + (tlv.encode(0x85, random) if random else b"")
    return Mac(established.receipt_key).of(message)


def _byte(objects: tuple[tlv.Tlv, ...], tag: int) -> int:
    value = tlv.require(objects, tag, where="A6")
    if len(value) != 1:
        raise CodecError(f"object {tag:02X} of A6 has {len(value)} bytes instead of one")
    return value[0]
