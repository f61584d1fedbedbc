"""Protection of TLS 1.2 records: AES-128-GCM (RFC 5288) and AES-128-CBC with HMAC-SHA-256.

CBC comes in two orders: MAC then encrypt (RFC 5246, 6.2.3.2), and encrypt then MAC (RFC 7366) where
both ends know it. In the old order padding and MAC are judged together and give one and the same
error; the length of the padding may still show in the time it takes, as in any such implementation,
so peers should prefer GCM or the new order.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hil.wire.tls.alerts import Alert, TlsError
from hil.wire.tls.secrets import DirectionKeys

VERSION: Final = b"\x03\x03"
GCM_EXPLICIT: Final = 8
GCM_TAG: Final = 16
BLOCK: Final = 16
MAC: Final = 32


class Protection(Protocol):
    """One direction of a connection; ``sequence`` counts its records from 0."""

    def seal(self, sequence: int, kind: int, plain: bytes) -> bytes:
        """Return the protected fragment."""

    def open(self, sequence: int, kind: int, fragment: bytes) -> bytes:
        """Return the plain fragment; ``bad_record_mac`` for anything wrong with it."""


class GcmProtection:
    """AEAD with the record's number as explicit nonce."""

    def __init__(self, keys: DirectionKeys) -> None:
        self._aead = AESGCM(keys.key)
        self._salt = keys.salt

    def seal(self, sequence: int, kind: int, plain: bytes) -> bytes:
        """Return explicit nonce, ciphertext and tag."""
        explicit = sequence.to_bytes(GCM_EXPLICIT, "big")
        head = _head(sequence, kind, len(plain))
        return explicit + self._aead.encrypt(self._salt + explicit, plain, head)

    def open(self, sequence: int, kind: int, fragment: bytes) -> bytes:
        """Return the plain fragment."""
        size = len(fragment) - GCM_EXPLICIT - GCM_TAG
        if size < 0:
            raise _bad()
        explicit, sealed = fragment[:GCM_EXPLICIT], fragment[GCM_EXPLICIT:]
        try:
            return self._aead.decrypt(self._salt + explicit, sealed, _head(sequence, kind, size))
        except InvalidTag:
            raise _bad() from None


class CbcProtection:
    """CBC with an explicit random initialisation vector from ``entropy``."""

    def __init__(
        self, keys: DirectionKeys, entropy: Callable[[int], bytes], *, encrypt_then_mac: bool
    ) -> None:
        self._keys = keys
        self._entropy = entropy
        self._encrypt_then_mac = encrypt_then_mac

    def seal(self, sequence: int, kind: int, plain: bytes) -> bytes:
        """Return initialisation vector and ciphertext, with the MAC inside or behind."""
        if not self._encrypt_then_mac:
            return self._encrypt(plain + self._mac(sequence, kind, plain))
        sealed = self._encrypt(plain)
        return sealed + self._mac(sequence, kind, sealed)

    def open(self, sequence: int, kind: int, fragment: bytes) -> bytes:
        """Return the plain fragment."""
        if self._encrypt_then_mac:
            sealed, mac = fragment[:-MAC], fragment[-MAC:]
            if len(sealed) < 2 * BLOCK or len(sealed) % BLOCK:
                raise _bad()
            if not hmac.compare_digest(mac, self._mac(sequence, kind, sealed)):
                raise _bad()
            padded = self._decrypt(sealed)
            size, good = _without_padding(padded, 0)
            if not good:
                raise _bad()
            return padded[:size]
        if len(fragment) < 2 * BLOCK + MAC or len(fragment) % BLOCK:
            raise _bad()
        padded = self._decrypt(fragment)
        size, good = _without_padding(padded, MAC)
        plain, mac = padded[: size - MAC], padded[size - MAC : size]
        # Both are judged before either is told of: no oracle for the padding.
        if not hmac.compare_digest(mac, self._mac(sequence, kind, plain)) or not good:
            raise _bad()
        return plain

    def _mac(self, sequence: int, kind: int, data: bytes) -> bytes:
        return hmac.digest(self._keys.mac, _head(sequence, kind, len(data)) + data, "sha256")

    def _encrypt(self, data: bytes) -> bytes:
        iv = self._entropy(BLOCK)
        padding = BLOCK - 1 - len(data) % BLOCK
        cipher = Cipher(algorithms.AES(self._keys.key), modes.CBC(iv)).encryptor()
        return iv + cipher.update(data + bytes((padding,)) * (padding + 1)) + cipher.finalize()

    def _decrypt(self, fragment: bytes) -> bytes:
        cipher = Cipher(algorithms.AES(self._keys.key), modes.CBC(fragment[:BLOCK])).decryptor()
        return cipher.update(fragment[BLOCK:]) + cipher.finalize()


def _without_padding(padded: bytes, least: int) -> tuple[int, bool]:
    """Return the size without padding, and whether the padding was right; wrong one counts as 0."""
    padding = padded[-1]
    good = padding + 1 + least <= len(padded)
    if good:
        good = hmac.compare_digest(padded[-padding - 1 :], bytes((padding,)) * (padding + 1))
    return len(padded) - 1 - (padding if good else 0), good


def _head(sequence: int, kind: int, size: int) -> bytes:
    return sequence.to_bytes(8, "big") + bytes((kind,)) + VERSION + size.to_bytes(2, "big")


def _bad() -> TlsError:
    return TlsError("a TLS record is not authentic", Alert.BAD_RECORD_MAC)
