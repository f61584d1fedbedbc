"""What every authentication algorithm offers: f1 to f5* of 3GPP TS 33.102, 6.3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from hil.errors import CodecError

RAND_LENGTH: Final = 16
SQN_LENGTH: Final = 6
AMF_LENGTH: Final = 2
MAC_LENGTH: Final = 8
AK_LENGTH: Final = 6


class AkaError(CodecError):
    """An AUTN or AUTS is not from somebody who has the key: its MAC is wrong."""


@dataclass(frozen=True, slots=True)
class AkaKeys:
    """What f2 to f5 make of one RAND: ``res`` 4 to 32 bytes, ``ck`` and ``ik`` 16, ``ak`` 6."""

    res: bytes = field(repr=False)
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    ak: bytes = field(repr=False)


class AkaAlgorithm(Protocol):
    """One algorithm with one subscriber's key. RAND has 16 bytes, SQN 6, AMF 2."""

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-A, 8 bytes: the network authenticates itself."""

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-S, 8 bytes: the card asks for resynchronisation."""

    def f2345(self, rand: bytes) -> AkaKeys:
        """Return RES, CK, IK and AK."""

    def f5_star(self, rand: bytes) -> bytes:
        """Return the anonymity key of a resynchronisation, 6 bytes."""


def check_inputs(rand: bytes, sqn: bytes = bytes(6), amf: bytes = bytes(2)) -> None:
    """Refuse inputs of a wrong length with :class:`CodecError`."""
    for name, value, size in (
        ("RAND", rand, RAND_LENGTH),
        ("SQN", sqn, SQN_LENGTH),
        ("AMF", amf, AMF_LENGTH),
    ):
        if len(value) != size:
            raise CodecError(f"{name} has {len(value)} bytes, not {size}")


def xor(one: bytes, other: bytes) -> bytes:
    """Return the exclusive or of two strings of one length."""
    combined = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return combined.to_bytes(len(one), "big")
