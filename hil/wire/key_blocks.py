"""Key blocks of PUT KEY of every type a card may be given (GlobalPlatform, 11.8.2.3).

A block is type, length, the enciphered key, length of the check value, check value. The enciphered
key has its clear length in front when it was filled up to whole blocks, and always for AES
(Amendment D, 7.2). :mod:`hil.wire.put_key` is the short form for AES alone.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from hil.errors import CodecError
from hil.wire import aes, des
from hil.wire.apdu import CommandApdu
from hil.wire.put_key import INS_PUT_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

DES, TDES_CBC, PSK_TLS, AES = 0x80, 0x82, 0x85, 0x88
_KCV: Final = 3
_PSK_LENGTHS: Final = range(16, 65)


class Fault(IntEnum):
    """Why key data is refused: the status word that the card specification gives it."""

    DATA = 0x6A80
    ALGORITHM = 0x9484
    CHECK_VALUE = 0x9485


class KeyBlockError(CodecError):
    """A key block is refused; ``fault`` says as what."""

    def __init__(self, fault: Fault, why: str) -> None:
        super().__init__(why)
        self.fault = fault


class KeyCipher(Protocol):
    """What keys on their way are enciphered with."""

    block_size: int

    def encrypt(self, plain: bytes) -> bytes:
        """Encipher whole blocks."""

    def decrypt(self, enciphered: bytes) -> bytes:
        """Decipher whole blocks."""


@dataclass(frozen=True, slots=True)
class CardKey:
    """One key in clear: ``kind`` is its type (80, 82 DES, 85 PSK TLS, 88 AES)."""

    kind: int
    value: bytes = field(repr=False)

    def check_length(self) -> None:
        """Refuse a length that no key of this type has."""
        lengths: tuple[int, ...] | range
        if self.kind in (DES, TDES_CBC):
            lengths = (8, 16, 24) if self.kind == DES else (16, 24)
        elif self.kind == AES:
            lengths = (16, 24, 32)
        elif self.kind == PSK_TLS:
            lengths = _PSK_LENGTHS
        else:
            raise KeyBlockError(Fault.ALGORITHM, f"key type {self.kind:02X} is not known")
        if len(self.value) not in lengths:
            raise KeyBlockError(
                Fault.DATA, f"a key of type {self.kind:02X} has no {len(self.value)} bytes"
            )

    def check_value(self) -> bytes:
        """Return the 3-byte check value; that of a PSK is taken from its SHA-1 (Amendment B)."""
        if self.kind == AES:
            return aes.kcv(self.value)
        if self.kind == PSK_TLS:
            return hashlib.sha1(self.value, usedforsecurity=False).digest()[:_KCV]
        return des.kcv(self.value)

    def encode(self, cipher: KeyCipher) -> bytes:
        """Return the block."""
        filling = -len(self.value) % cipher.block_size
        secret = cipher.encrypt(self.value + bytes(filling))
        if filling or self.kind == AES:
            secret = bytes((len(self.value),)) + secret
        return bytes((self.kind, len(secret))) + secret + bytes((_KCV,)) + self.check_value()


def key_cipher(dek: CardKey) -> KeyCipher:
    """Return how a DEK enciphers keys: AES in CBC mode from a zero IV, 3DES in ECB mode."""
    dek.check_length()
    if dek.kind == AES:
        return aes.Cbc(dek.value)
    if dek.kind == PSK_TLS:
        raise KeyBlockError(Fault.DATA, "a PSK enciphers no keys")
    return des.Ecb(dek.value)


def put_keys(
    kvn: int, keys: Sequence[CardKey], dek: CardKey, *, replaces: int = 0, first_id: int = 1
) -> CommandApdu:
    """Return PUT KEY for keys of any type: adds them, or replaces those of KVN ``replaces``."""
    cipher = key_cipher(dek)
    for key in keys:
        key.check_length()
    several = 0x80 if len(keys) > 1 else 0
    body = bytes((kvn,)) + b"".join(key.encode(cipher) for key in keys)
    return CommandApdu(0x80, INS_PUT_KEY, replaces, several | first_id, body, 256)


def read_blocks(raw: bytes, cipher: KeyCipher) -> tuple[CardKey, ...]:
    """Read the key blocks behind the KVN of PUT KEY; :class:`KeyBlockError` says what is wrong.

    A check value may be left out (length 00): then nothing is checked.
    """
    keys: list[CardKey] = []
    at = 0
    while at < len(raw):
        key, at = _read(raw, at, cipher)
        keys.append(key)
    if not keys:
        raise KeyBlockError(Fault.DATA, "PUT KEY holds no key")
    return tuple(keys)


def _read(raw: bytes, at: int, cipher: KeyCipher) -> tuple[CardKey, int]:
    kind = raw[at]
    end = at + 2 + raw[at + 1] if at + 1 < len(raw) else len(raw)
    if end >= len(raw):
        raise KeyBlockError(Fault.DATA, f"key block at byte {at} is cut off")
    check = raw[end + 1 : end + 1 + raw[end]]
    if raw[end] not in (0, _KCV) or len(check) != raw[end]:
        raise KeyBlockError(Fault.DATA, f"key block at byte {at} has no 3-byte check value")
    secret = raw[at + 2 : end]
    length = len(secret)
    if length % cipher.block_size == 1:
        length, secret = secret[0], secret[1:]
    if not secret or len(secret) % cipher.block_size:
        raise KeyBlockError(Fault.DATA, f"key block at byte {at} is no whole number of blocks")
    if not 0 <= len(secret) - length < cipher.block_size:
        raise KeyBlockError(Fault.DATA, f"key block at byte {at} has wrong lengths")
    key = CardKey(kind, cipher.decrypt(secret)[:length])
    key.check_length()
    if check and not hmac.compare_digest(key.check_value(), check):
        raise KeyBlockError(Fault.CHECK_VALUE, f"check value of the key at byte {at} is wrong")
    return key, end + 1 + len(check)
