"""Key sets of SCP80 and what their algorithms do: AES, 3DES with two or three keys, DES.

ETSI TS 102 225, 5.1.2 and 5.1.3. A packet names the algorithm; it must be the one that the key is
for. Key length tells the kinds of DES apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from hil.errors import CodecError
from hil.wire import aes, des

IMPLICIT, DES_CBC, AES, TDES_2, TDES_3, DES_ECB = 0x0, 0x1, 0x2, 0x5, 0x9, 0xD
_NAMES: Final = {
    IMPLICIT: "chosen by the card",
    DES_CBC: "DES-CBC",
    AES: "AES",
    0x3: "proprietary",
    TDES_2: "3DES with two keys",
    TDES_3: "3DES with three keys",
    DES_ECB: "DES-ECB",
}
_DES_BY_LENGTH: Final = {8: DES_CBC, 16: TDES_2, 24: TDES_3}
_AES_MAC: Final = (4, 8)
_DES_MAC: Final = 8


class KeyKind(IntEnum):
    """What a key is for, in the numbers of GlobalPlatform's key types."""

    DES = 0x80
    AES = 0x88


class BlockMode(Protocol):
    """A cipher on whole blocks."""

    block_size: int

    def encrypt(self, plain: bytes) -> bytes:
        """Encipher whole blocks."""

    def decrypt(self, enciphered: bytes) -> bytes:
        """Decipher whole blocks."""


class Signer(Protocol):
    """A checksum with a key."""

    def of(self, message: bytes) -> bytes:
        """Return the whole checksum."""


@dataclass(frozen=True, slots=True)
class OtaKeySet:
    """Keys for packets under key version number 1 to F; ``dek`` is needed for PUT KEY only.

    ``kic_kind``, ``kid_kind``: AES, or DES of 8, 16 or 24 bytes. ``mac_bytes``: length of an
    AES-CMAC, 8 or 4. The key schedules are made once, with the key set.
    """

    kvn: int
    kic: bytes = field(repr=False)
    kid: bytes = field(repr=False)
    dek: bytes | None = field(default=None, repr=False)
    kic_kind: KeyKind = KeyKind.AES
    kid_kind: KeyKind = KeyKind.AES
    mac_bytes: int = 8
    cipher: BlockMode = field(init=False, repr=False, compare=False)
    signer: Signer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.kvn <= 0x0F:
            raise CodecError(f"key version number {self.kvn:X} of SCP80 is outside 1 to F")
        lengths = _AES_MAC if self.kid_kind is KeyKind.AES else (_DES_MAC,)
        if self.mac_bytes not in lengths:
            raise CodecError(f"checksums of {self.mac_bytes} bytes are not spoken")
        where = f"of key set {self.kvn:X}"
        _check(self.kic_kind)(self.kic, what=f"KIc {where}")
        _check(self.kid_kind)(self.kid, what=f"KID {where}")
        if self.dek is not None:
            _check(self.kic_kind)(self.dek, what=f"DEK {where}")
        in_aes, signs_in_aes = self.kic_kind is KeyKind.AES, self.kid_kind is KeyKind.AES
        cipher = aes.Cbc(self.kic) if in_aes else des.Cbc(self.kic)
        signer = aes.Mac(self.kid) if signs_in_aes else des.CbcMac(self.kid)
        object.__setattr__(self, "cipher", cipher)
        object.__setattr__(self, "signer", signer)

    @property
    def kic_algorithm(self) -> int:
        """The algorithm of KIc as a packet names it."""
        return AES if self.kic_kind is KeyKind.AES else _DES_BY_LENGTH[len(self.kic)]

    @property
    def kid_algorithm(self) -> int:
        """The algorithm of KID, for a cryptographic checksum, as a packet names it."""
        return AES if self.kid_kind is KeyKind.AES else _DES_BY_LENGTH[len(self.kid)]

    def cipher_for(self, nibble: int) -> BlockMode:
        """Return the cipher that a packet's KIc asks for; :class:`CodecError` if it is another."""
        if nibble == AES and self.kic_kind is KeyKind.AES:
            return self.cipher
        own = self.kic_algorithm
        if nibble == DES_ECB and own == DES_CBC:
            return des.Ecb(self.kic)
        _require(nibble, own, what="KIc")
        return self.cipher

    def signer_for(self, nibble: int) -> Signer:
        """Return the checksum that a packet's KID asks for; :class:`CodecError` as above."""
        if nibble != AES or self.kid_kind is not KeyKind.AES:
            _require(nibble, self.kid_algorithm, what="KID")
        return self.signer


def algorithm_name(nibble: int) -> str:
    """Return the algorithm of a low nibble of KIc or KID in words."""
    return _NAMES.get(nibble, "reserved")


def _require(nibble: int, own: int, *, what: str) -> None:
    if nibble not in (IMPLICIT, own):
        raise CodecError(
            f"{what} asks for algorithm {nibble:X} ({algorithm_name(nibble)}); "
            f"the key is for {own:X} ({algorithm_name(own)})"
        )


def _check(kind: KeyKind) -> Callable[..., bytes]:
    return aes.check_key if kind is KeyKind.AES else des.check_key
