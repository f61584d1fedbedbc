"""What an over-the-air packet says about its own security: SPI, key octets, TAR, status, counter.

ETSI TS 102 225, section 5.1; the minimum for an ISD-R is from GSMA SGP.02, section 2.4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.scp80_keys import AES

CRC16: Final = 0x1
CRC32: Final = 0x5
"""As the algorithm of KID with a redundancy check; with CC the same number means 3DES."""

LAST_COUNTER: Final = 0xFFFFFFFFFF


class Integrity(IntEnum):
    """How a packet shows that it is whole."""

    NONE = 0
    REDUNDANCY_CHECK = 1
    CRYPTOGRAPHIC_CHECKSUM = 2
    DIGITAL_SIGNATURE = 3


class CounterMode(IntEnum):
    """What the receiver does with the counter."""

    NONE = 0
    NOT_CHECKED = 1
    HIGHER = 2
    EXACTLY_ONE_HIGHER = 3


class ProofOfReceipt(IntEnum):
    """When the receiver answers."""

    NEVER = 0
    ALWAYS = 1
    ON_ERROR = 2


class ResponseStatus(IntEnum):
    """STS of a response packet (TS 102 225 table 5, 3GPP TS 31.115)."""

    OK = 0x00
    INTEGRITY_FAILED = 0x01
    COUNTER_LOW = 0x02
    COUNTER_HIGH = 0x03
    COUNTER_BLOCKED = 0x04
    CIPHERING_ERROR = 0x05
    SECURITY_ERROR = 0x06
    MEMORY_FULL = 0x07
    MORE_TIME = 0x08
    TAR_UNKNOWN = 0x09
    SECURITY_TOO_LOW = 0x0A
    ANSWER_BY_SUBMIT = 0x0B
    ANSWER_BY_USSD = 0x0C


@dataclass(frozen=True, slots=True)
class Spi:
    """Security parameter indicator: the two octets by their bits."""

    integrity: Integrity = Integrity.CRYPTOGRAPHIC_CHECKSUM
    ciphered: bool = True
    counter: CounterMode = CounterMode.HIGHER
    por: ProofOfReceipt = ProofOfReceipt.ALWAYS
    por_integrity: Integrity = Integrity.CRYPTOGRAPHIC_CHECKSUM
    por_ciphered: bool = True
    por_by_submit: bool = True

    def encode(self) -> bytes:
        """Return the two octets; the defaults give ``16 39``."""
        first = self.integrity | self.ciphered << 2 | self.counter << 3
        second = self.por | self.por_integrity << 2 | self.por_ciphered << 4
        return bytes((first, second | self.por_by_submit << 5))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read two octets; :class:`CodecError` for reserved bits and values."""
        if len(raw) != 2:
            raise CodecError(f"SPI has 2 bytes, not {len(raw)}")
        first, second = raw
        if first & 0xE0 or second & 0xC0 or second & 0x03 == 3:
            raise CodecError(f"SPI {raw.hex().upper()} uses reserved bits")
        return cls(
            Integrity(first & 3),
            bool(first & 4),
            CounterMode(first >> 3 & 3),
            ProofOfReceipt(second & 3),
            Integrity(second >> 2 & 3),
            bool(second & 0x10),
            bool(second & 0x20),
        )


SGP02_SPI: Final = Spi().encode()
"""``16 39``: CC, ciphered, counter higher; PoR always, with CC, ciphered, by SMS-SUBMIT."""


@lru_cache(maxsize=256)
def read_spi(raw: bytes) -> Spi:
    """Read SPI octets; the few values in use are read once."""
    return Spi.decode(raw)


@dataclass(frozen=True, slots=True)
class SecurityParameters:
    """How packets to one application are secured; ``tar`` is 3 bytes, ``spi`` 2."""

    spi: bytes
    tar: bytes
    kic_algorithm: int = AES
    kid_algorithm: int = AES

    def __post_init__(self) -> None:
        if len(self.tar) != 3 or len(self.spi) != 2:
            raise CodecError(f"TAR has 3 bytes and SPI 2, not {len(self.tar)} and {len(self.spi)}")
        if (self.kic_algorithm | self.kid_algorithm) & ~0x0F:
            raise CodecError("algorithms of KIc and KID are one nibble each")

    @property
    def flags(self) -> Spi:
        """The SPI by its bits."""
        return read_spi(self.spi)


def sgp02_weaknesses(parameters: SecurityParameters) -> tuple[str, ...]:
    """Say in what a command packet is weaker than SGP.02 wants for an ISD-R; empty when it is not.

    A packet may ask for no proof of receipt. The card drops a weak packet without an answer.
    """
    spi = parameters.flags
    found: list[str] = []
    if spi.integrity is not Integrity.CRYPTOGRAPHIC_CHECKSUM:
        found.append("no cryptographic checksum")
    if not spi.ciphered:
        found.append("not ciphered")
    if spi.counter < CounterMode.HIGHER:
        found.append("counter is not checked")
    if spi.por is not ProofOfReceipt.NEVER:
        if spi.por_integrity is not Integrity.CRYPTOGRAPHIC_CHECKSUM:
            found.append("proof of receipt without cryptographic checksum")
        if not spi.por_ciphered:
            found.append("proof of receipt not ciphered")
    if parameters.kic_algorithm != AES or parameters.kid_algorithm != AES:
        found.append("not AES")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CounterDecision:
    """What a card does with a counter: the status to answer, and the value to keep from now on."""

    status: ResponseStatus
    stored: int

    @property
    def accepted(self) -> bool:
        """Whether the packet is to be run."""
        return self.status is ResponseStatus.OK


def accept_counter(
    spi: bytes, stored: int, received: int, *, blocks_at: int | None = LAST_COUNTER
) -> CounterDecision:
    """Decide about the counter of a packet **whose checksum is already found good**.

    ``stored`` is the counter of the key set, ``blocks_at`` the stored value that blocks it for
    good (``None`` for never; that cards block at FFFFFFFFFF is recalled, not in print).
    """
    mode = read_spi(spi).counter
    if mode < CounterMode.HIGHER:
        return CounterDecision(ResponseStatus.OK, stored)
    if blocks_at is not None and stored >= blocks_at:
        return CounterDecision(ResponseStatus.COUNTER_BLOCKED, stored)
    if received <= stored:
        return CounterDecision(ResponseStatus.COUNTER_LOW, stored)
    if mode is CounterMode.EXACTLY_ONE_HIGHER and received != stored + 1:
        return CounterDecision(ResponseStatus.COUNTER_HIGH, stored)
    return CounterDecision(ResponseStatus.OK, received)
