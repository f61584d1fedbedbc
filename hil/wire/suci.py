"""SUCI: who a subscriber is, concealed for all but the home network.

3GPP TS 33.501, 6.12.2 and annex C (schemes); TS 24.501, 9.11.3.4 (bytes); TS 31.102, 4.4.11.8
(what the card holds for it).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from hil.errors import CodecError
from hil.wire import bcd, tlv
from hil.wire.ecc import P256, PrivateKey, PublicKey

_SCHEMES, _KEYS, _KEY_IDENTIFIER, _KEY = 0xA0, 0xA1, 0x80, 0x81
_SUCI_OF_IMSI: Final = 0x01
_KEY_BYTES: Final = 32
_BLOCK: Final = 16
_TAG: Final = 8


class Scheme(IntEnum):
    """Protection scheme: none, ECIES on Curve25519, ECIES on P-256."""

    NULL = 0
    PROFILE_A = 1
    PROFILE_B = 2


@dataclass(frozen=True, slots=True)
class HomeKey:
    """A public key of the home network and the number it is known by.

    Profile A: 32 bytes (RFC 7748). Profile B: a point, compressed or not.
    """

    identifier: int
    value: bytes


@dataclass(frozen=True, slots=True)
class CalculationInfo:
    """EF.SUCI_Calc_Info: schemes with their keys, the preferred first; no key for none."""

    choices: tuple[tuple[int, HomeKey | None], ...]

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the file; :class:`CodecError` for one that cannot be read."""
        objects = tlv.decode_all(raw.rstrip(b"\xff"), limit=4)
        schemes = tlv.require(objects, _SCHEMES, where="EF.SUCI_Calc_Info")
        if len(schemes) % 2:
            raise CodecError("EF.SUCI_Calc_Info: a scheme has an identifier and a key index")
        parts = tlv.decode_all(tlv.find(objects, _KEYS) or b"")
        if [one.tag for one in parts] != [_KEY_IDENTIFIER, _KEY] * (len(parts) // 2):
            raise CodecError("EF.SUCI_Calc_Info: keys are pairs of identifier and value")
        keys = []
        for number, key in zip(parts[::2], parts[1::2], strict=True):
            if len(number.value) != 1:
                raise CodecError("EF.SUCI_Calc_Info: a key identifier has one byte")
            keys.append(HomeKey(number.value[0], key.value))
        choices: list[tuple[int, HomeKey | None]] = []
        for scheme, index in zip(schemes[::2], schemes[1::2], strict=True):
            if index > len(keys):
                raise CodecError(f"EF.SUCI_Calc_Info: scheme {scheme} has no key {index}")
            choices.append((scheme, keys[index - 1] if index else None))
        return cls(tuple(choices))


def conceal(
    imsi: str,
    mnc_digits: int,
    routing: bytes,
    *,
    scheme: Scheme = Scheme.NULL,
    key: HomeKey | None = None,
    ephemeral: bytes | None = None,
) -> bytes:
    """Return the SUCI of an IMSI as in a 5GS mobile identity, from its type on.

    ``mnc_digits``: 2 or 3. ``routing``: the two bytes of the routing indicator. ``ephemeral``:
    private key of 32 bytes, a new one if not given. :class:`CodecError` for a key that the scheme
    cannot use.
    """
    if mnc_digits not in (2, 3) or len(routing) != 2 or len(imsi) <= 3 + mnc_digits:
        raise CodecError("a SUCI needs an MNC of 2 or 3 digits, an MSIN and a routing indicator")
    msin = imsi[3 + mnc_digits :]
    plain = bcd.encode_swapped(msin, size=(len(msin) + 1) // 2, what="MSIN")
    mcc, mnc = imsi[:3], imsi[3 : 3 + mnc_digits].ljust(3, "F")
    network = bytes.fromhex(mcc[1] + mcc[0] + mnc[2] + mcc[2] + mnc[1] + mnc[0])
    output = plain
    if scheme is not Scheme.NULL:
        if key is None:
            raise CodecError(f"scheme {scheme} needs a key of the home network")
        output = encipher(plain, scheme, key.value, ephemeral)
    number = 0 if scheme is Scheme.NULL or key is None else key.identifier
    return bytes((_SUCI_OF_IMSI,)) + network + routing + bytes((scheme, number)) + output


def encipher(plain: bytes, scheme: Scheme, key: bytes, ephemeral: bytes | None = None) -> bytes:
    """Return ephemeral public key, ciphertext and tag of ECIES (TS 33.501, C.3.2 and C.3.4)."""
    public, shared = (_agree_a if scheme is Scheme.PROFILE_A else _agree_b)(key, ephemeral)
    enciphering, counter, signing = _derive(shared, public)
    hidden = Cipher(AES(enciphering), CTR(counter)).encryptor().update(plain)
    return public + hidden + hmac.digest(signing, hidden, "sha256")[:_TAG]


def decipher(output: bytes, scheme: Scheme, private: bytes) -> bytes:
    """Return what a card has concealed, with the home network's private key (C.3.3 and C.3.5).

    :class:`CodecError` for what is too short, has no point of the curve or another tag.
    """
    size = _KEY_BYTES if scheme is Scheme.PROFILE_A else _KEY_BYTES + 1
    public, hidden, tag = output[:size], output[size:-_TAG], output[-_TAG:]
    if len(output) <= size + _TAG:
        raise CodecError(f"a scheme output of {len(output)} bytes conceals nothing")
    if scheme is Scheme.PROFILE_A:
        _, shared = _agree_a(public, private)
    else:
        shared = PrivateKey(P256, private).agree(PublicKey.from_encoded(P256, public))
    enciphering, counter, signing = _derive(shared, public)
    if not hmac.compare_digest(hmac.digest(signing, hidden, "sha256")[:_TAG], tag):
        raise CodecError("the tag of a scheme output is wrong")
    return Cipher(AES(enciphering), CTR(counter)).decryptor().update(hidden)


def _derive(shared: bytes, public: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the keys to encipher, its first counter block, and the key of the tag."""
    derived = b"".join(
        hashlib.sha256(shared + number.to_bytes(4, "big") + public).digest() for number in (1, 2)
    )
    return derived[:_BLOCK], derived[_BLOCK : 2 * _BLOCK], derived[2 * _BLOCK :]


def _agree_a(key: bytes, ephemeral: bytes | None) -> tuple[bytes, bytes]:
    private = X25519PrivateKey.from_private_bytes(ephemeral or os.urandom(_KEY_BYTES))
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError as err:
        raise CodecError("a public key is none of Curve25519") from err
    return private.public_key().public_bytes_raw(), shared


def _agree_b(key: bytes, ephemeral: bytes | None) -> tuple[bytes, bytes]:
    private = PrivateKey.generate(P256) if ephemeral is None else PrivateKey(P256, ephemeral)
    point = private.public.point
    compressed = bytes((0x02 | point[-1] & 1,)) + point[1 : 1 + _KEY_BYTES]
    return compressed, private.agree(PublicKey.from_encoded(P256, key))
