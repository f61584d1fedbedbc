"""The AES calls that smart-card protocols are made of, with keyed contexts kept for speed."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from hil.errors import CodecError

BLOCK: Final = 16
ZERO_BLOCK: Final = bytes(BLOCK)
_PADDING: Final = tuple(b"\x80" + bytes(BLOCK - 1 - used) for used in range(BLOCK))


def check_key(key: bytes, *, what: str) -> bytes:
    """Return an AES key of 16, 24 or 32 bytes; :class:`CodecError` otherwise."""
    if len(key) not in (16, 24, 32):
        raise CodecError(f"{what} is {len(key)} bytes long; an AES key has 16, 24 or 32")
    return bytes(key)


class Mac:
    """AES-CMAC (NIST SP 800-38B) with one key; the key schedule is made once."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = CMAC(AES(key))

    def of(self, message: bytes) -> bytes:
        """Return all 16 bytes of the MAC."""
        mac = self._keyed.copy()
        mac.update(message)
        return mac.finalize()


class Cbc:
    """AES in CBC mode with one key, on whole blocks."""

    __slots__ = ("_algorithm", "_from_zero")

    block_size = BLOCK

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)
        # Most messages start from a zero IV: their set-up is made once.
        self._from_zero = Cipher(self._algorithm, CBC(ZERO_BLOCK))

    def encrypt(self, plain: bytes, iv: bytes = ZERO_BLOCK) -> bytes:
        """Encipher; the length must be a multiple of 16."""
        return self._started(iv).encryptor().update(plain)

    def decrypt(self, enciphered: bytes, iv: bytes = ZERO_BLOCK) -> bytes:
        """Decipher; :class:`CodecError` for a part of a block."""
        if len(enciphered) % BLOCK:
            raise CodecError(f"{len(enciphered)} enciphered bytes are not whole blocks of {BLOCK}")
        return self._started(iv).decryptor().update(enciphered)

    def _started(self, iv: bytes) -> Cipher[CBC]:
        return self._from_zero if iv is ZERO_BLOCK else Cipher(self._algorithm, CBC(iv))


class BlockCipher(Cbc):
    """The same, and single blocks."""

    __slots__ = ("_ecb",)

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        # ECB keeps nothing between blocks, so one context serves every single block.
        self._ecb = Cipher(self._algorithm, ECB()).encryptor()  # noqa: S305

    def block(self, block: bytes) -> bytes:
        """Encipher one block of 16 bytes."""
        return self._ecb.update(block)


def pad(plain: bytes) -> bytes:
    """Append 80 and zeros up to a whole block, always at least one byte (ISO/IEC 9797-1, 2)."""
    return plain + _PADDING[len(plain) % BLOCK]


def unpad(padded: bytes) -> bytes:
    """Take 80 and zeros off the end; :class:`CodecError` when they are not there."""
    plain = padded.rstrip(b"\x00")
    if len(padded) - len(plain) >= BLOCK or plain[-1:] != b"\x80":
        raise CodecError(
            "deciphered data does not end in 80 00…: wrong key (all is garbage) or wrong counter "
            "(only the first block is)"
        )
    return plain[:-1]


def kcv(key: bytes) -> bytes:
    """Return the 3-byte check value of an AES key: AES-ECB of sixteen 01 (Amendment D, 4.1.4)."""
    return BlockCipher(check_key(key, what="key")).block(b"\x01" * BLOCK)[:3]
