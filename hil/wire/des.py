"""The DES calls that older smart-card protocols are made of: 3DES with 2 or 3 keys, single DES.

Kept for key sets that are of this kind; nothing new should use them. Keys have 8, 16 or 24 bytes,
parity bits are not looked at.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

from hil.errors import CodecError

BLOCK: Final = 8
ZERO_BLOCK: Final = bytes(BLOCK)


def check_key(key: bytes, *, what: str) -> bytes:
    """Return a DES key of 8, 16 or 24 bytes; :class:`CodecError` otherwise."""
    if len(key) not in (8, 16, 24):
        raise CodecError(f"{what} is {len(key)} bytes long; a DES key has 8, 16 or 24")
    return bytes(key)


def _triple(key: bytes) -> TripleDES:
    """Return the cipher: single DES is 3DES with one key three times."""
    return TripleDES({8: key * 3, 16: key + key[:8], 24: key}[len(key)])


class Ecb:
    """DES block by block, on whole blocks of 8."""

    __slots__ = ("_cipher",)

    block_size = BLOCK

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(_triple(check_key(key, what="key")), ECB())  # noqa: S305

    def encrypt(self, plain: bytes) -> bytes:
        """Encipher; the length must be a multiple of 8."""
        return self._cipher.encryptor().update(_whole(plain))

    def decrypt(self, enciphered: bytes) -> bytes:
        """Decipher; :class:`CodecError` for a part of a block."""
        return self._cipher.decryptor().update(_whole(enciphered))


class Cbc:
    """DES in CBC mode with one key, on whole blocks of 8."""

    __slots__ = ("_algorithm",)

    block_size = BLOCK

    def __init__(self, key: bytes) -> None:
        self._algorithm = _triple(check_key(key, what="key"))

    def encrypt(self, plain: bytes, iv: bytes = ZERO_BLOCK) -> bytes:
        """Encipher; the length must be a multiple of 8."""
        return Cipher(self._algorithm, CBC(iv)).encryptor().update(_whole(plain))

    def decrypt(self, enciphered: bytes, iv: bytes = ZERO_BLOCK) -> bytes:
        """Decipher; :class:`CodecError` for a part of a block."""
        return Cipher(self._algorithm, CBC(iv)).decryptor().update(_whole(enciphered))


class CbcMac:
    """Last block of DES-CBC over the message filled with zeros (ISO/IEC 9797-1, 1, padding 1)."""

    __slots__ = ("_cbc",)

    def __init__(self, key: bytes) -> None:
        self._cbc = Cbc(key)

    def of(self, message: bytes) -> bytes:
        """Return the 8 bytes of the MAC."""
        return self._cbc.encrypt(message + bytes(-len(message) % BLOCK))[-BLOCK:]


def retail_mac(key: bytes, message: bytes, icv: bytes = ZERO_BLOCK) -> bytes:
    """Return single DES-CBC with a final 3DES block (ISO/IEC 9797-1, algorithm 3, padding 2)."""
    padded = pad(message)
    first = Cbc(key[:8])
    chained = first.encrypt(padded[:-BLOCK], icv)[-BLOCK:] if len(padded) > BLOCK else icv
    return Cbc(key).encrypt(padded[-BLOCK:], chained)


def pad(plain: bytes) -> bytes:
    """Append 80 and zeros up to a whole block, always at least one byte."""
    return plain + b"\x80" + bytes(-(len(plain) + 1) % BLOCK)


def unpad(padded: bytes) -> bytes:
    """Take 80 and zeros off the end; :class:`CodecError` when they are not there."""
    plain = padded.rstrip(b"\x00")
    if len(padded) - len(plain) >= BLOCK or plain[-1:] != b"\x80":
        raise CodecError("deciphered data does not end in 80 00…: wrong key or wrong ICV")
    return plain[:-1]


def kcv(key: bytes) -> bytes:
    """Return the 3-byte check value of a DES key: ECB of eight zeros (GlobalPlatform, B.6)."""
    return Ecb(key).encrypt(ZERO_BLOCK)[:3]


def _whole(data: bytes) -> bytes:
    if len(data) % BLOCK:
        raise CodecError(f"{len(data)} bytes are not whole blocks of {BLOCK}")
    return data
