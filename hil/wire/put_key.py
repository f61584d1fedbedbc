"""PUT KEY for AES keys: GlobalPlatform Card Specification 11.8 with Amendment D, section 7.2."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from hil.errors import CodecError
from hil.wire.aes import BLOCK, Cbc, check_key, kcv
from hil.wire.apdu import CommandApdu

if TYPE_CHECKING:
    from collections.abc import Sequence

INS_PUT_KEY: Final = 0xD8
KEY_TYPE_AES: Final = 0x88
_KCV: Final = 3


@dataclass(frozen=True, slots=True)
class PutKey:
    """New AES keys under the key version number ``kvn``, key ids counting from the first one."""

    kvn: int
    keys: tuple[bytes, ...] = field(repr=False)

    def encode(self, dek: bytes) -> bytes:
        """Return the data of PUT KEY: KVN, then for each key type, lengths, ciphertext and KCV.

        Keys go under AES-CBC with a zero IV by ``dek``. One of 24 bytes is filled up with zeros;
        the inner length tells where it ends.
        """
        cipher = Cbc(check_key(dek, what="DEK"))
        body = bytes((self.kvn,))
        for key in self.keys:
            check_key(key, what="new key")
            secret = cipher.encrypt(key + bytes(-len(key) % BLOCK))
            body += bytes((KEY_TYPE_AES, len(secret) + 1, len(key)))
            body += secret + bytes((_KCV,)) + kcv(key)
        return body

    @classmethod
    def decode(cls, raw: bytes, dek: bytes) -> Self:
        """Read the data of PUT KEY; :class:`CodecError` also for a wrong check value."""
        cipher = Cbc(check_key(dek, what="DEK"))
        if not raw:
            raise CodecError("PUT KEY has no data")
        keys: list[bytes] = []
        at = 1
        while at < len(raw):
            key, at = _read_key(raw, at, cipher)
            keys.append(key)
        return cls(raw[0], tuple(keys))

    def answer(self) -> bytes:
        """Return what the card answers: KVN and the check value of each key."""
        return bytes((self.kvn,)) + b"".join(kcv(key) for key in self.keys)


def put_key(
    kvn: int, keys: Sequence[bytes], dek: bytes, *, replaces: int = 0, first_id: int = 1
) -> CommandApdu:
    """Return PUT KEY, still to be wrapped: adds keys, or replaces those of KVN ``replaces``."""
    several = 0x80 if len(keys) > 1 else 0
    body = PutKey(kvn, tuple(keys)).encode(dek)
    return CommandApdu(0x80, INS_PUT_KEY, replaces, several | first_id, body, 256)


def _read_key(raw: bytes, at: int, cipher: Cbc) -> tuple[bytes, int]:
    if at + 3 > len(raw):
        raise CodecError(f"key block at byte {at} of PUT KEY is cut off")
    kind, outer, length = raw[at], raw[at + 1], raw[at + 2]
    if kind != KEY_TYPE_AES:
        raise CodecError(f"key type {kind:02X} at byte {at} of PUT KEY; only AES (88) is known")
    end = at + 2 + outer
    check_end = end + 1 + _KCV
    if check_end > len(raw) or raw[end] != _KCV:
        raise CodecError(f"key block at byte {at} of PUT KEY has no 3-byte check value")
    secret = raw[at + 3 : end]
    if length not in (16, 24, 32) or len(secret) != length + -length % BLOCK:
        raise CodecError(f"key block at byte {at} of PUT KEY has wrong lengths")
    key = cipher.decrypt(secret)[:length]
    if not hmac.compare_digest(kcv(key), raw[end + 1 : check_end]):
        raise CodecError(f"check value of the key at byte {at} of PUT KEY is wrong: other DEK?")
    return key, check_end
