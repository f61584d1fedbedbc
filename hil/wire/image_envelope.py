"""The COSE envelope of an image file: COSE_Sign1 (ES256) over the bytes or a COSE_Encrypt0.

The signature is the outer layer, so a device refuses a stranger's file before it deciphers
anything. Structure and headers are checked here, strictly, before the library sees them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cwt import COSE, COSEKey, CWTError

from hil.errors import CodecError
from hil.wire import strict_cbor

SigningKind = Literal["development", "commercial"]
SIGNING_KINDS: Final[tuple[SigningKind, ...]] = ("development", "commercial")

PublicKey = bytes | ec.EllipticCurvePublicKey
"""A P-256 public key: PEM (SubjectPublicKeyInfo) or cryptography's object."""

_SIGN1_TAG: Final = 18
_ENCRYPT0_TAG: Final = 16
_ALG, _KID, _IV = 1, 4, 5
_ES256: Final = -7
_GCM: Final = {16: 1, 32: 3}
"""COSE algorithm A128GCM or A256GCM by key length in bytes."""

_GCM_NAMES: Final = {1: "A128GCM", 3: "A256GCM"}
_NONCE_LENGTH: Final = 12


class ImageFormatError(CodecError):
    """An image file is not made as docs/image-file.md says."""


class ImageSignatureError(CodecError):
    """An image file is not signed by a key that is trusted here."""


class ImageDecryptionError(CodecError):
    """An image file is enciphered for another key than the one at hand."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A P-256 private key and what it is for; the key never shows in ``repr``."""

    kind: SigningKind
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls, kind: SigningKind) -> SigningKey:
        """Make a new key."""
        return cls(kind, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, kind: SigningKind, pem: bytes) -> SigningKey:
        """Read an unencrypted PKCS#8 PEM; raise CodecError if it is no P-256 key."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as err:
            raise CodecError(f"{kind} signing key is not an unencrypted PEM private key") from err
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise CodecError(f"{kind} signing key is not on the curve P-256")
        return cls(kind, key)

    def public_pem(self) -> bytes:
        """Return the public half as PEM, to be put into devices."""
        return _public_pem(self.private.public_key())

    def private_pem(self) -> bytes:
        """Return the private half as unencrypted PKCS#8 PEM."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def _public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def sign_and_encrypt(
    payload: bytes, signer: SigningKey, device_key: bytes | None, *, nonce: bytes | None = None
) -> bytes:
    """Return COSE_Sign1 over ``payload``, or over its COSE_Encrypt0 if there is a device key."""
    cose = COSE.new(deterministic_header=True)
    if device_key is not None:
        algorithm = _GCM.get(len(device_key))
        if algorithm is None:
            raise ImageDecryptionError("a device key for images has 16 or 32 bytes")
        payload = cast(
            bytes,
            cose.encode_and_encrypt(
                payload,
                COSEKey.from_symmetric_key(device_key, alg=_GCM_NAMES[algorithm]),
                protected={_ALG: algorithm},
                unprotected={_IV: nonce or secrets.token_bytes(_NONCE_LENGTH)},
            ),
        )
    key = COSEKey.from_pem(signer.private_pem(), alg="ES256", kid=signer.kind)
    return cast(
        bytes,
        cose.encode_and_sign(
            payload, key, protected={_ALG: _ES256, _KID: signer.kind.encode()}, unprotected={}
        ),
    )


def _layer(
    raw: bytes, tag: int, members: int, what: str
) -> tuple[dict[object, object], list[object]]:
    """Return the decoded protected header and the members of one COSE structure."""
    try:
        strict_cbor.scan(raw, tags=frozenset((tag,)))
        value = cbor2.loads(raw)
    except (CodecError, cbor2.CBORError, ValueError, TypeError) as err:
        raise ImageFormatError(f"image file is not CBOR of a {what}: {err}") from err
    if not isinstance(value, cbor2.CBORTag) or value.tag != tag:
        raise ImageFormatError(f"image file has no {what} where one must be")
    parts = value.value
    if not isinstance(parts, (list, tuple)) or len(parts) != members:
        raise ImageFormatError(f"{what} of the image file has not {members} members")
    protected, unprotected, content = parts[0], parts[1], parts[2]
    if not isinstance(protected, bytes) or not isinstance(content, bytes):
        raise ImageFormatError(f"{what} of the image file has no protected header or no content")
    if not isinstance(unprotected, dict):
        raise ImageFormatError(f"{what} of the image file has no header map")
    try:
        header = strict_cbor.decode(protected)
    except CodecError as err:
        raise ImageFormatError(f"protected header of the {what} cannot be read: {err}") from err
    if not isinstance(header, dict):
        raise ImageFormatError(f"protected header of the {what} is not a map")
    return header, list(parts)


def _public_key(kind: SigningKind, key: PublicKey) -> COSEKey:
    pem = key if isinstance(key, bytes) else _public_pem(key)
    try:
        return cast(COSEKey, COSEKey.from_pem(pem, alg="ES256", kid=kind))
    except (ValueError, CWTError) as err:
        raise ImageSignatureError(f"trusted {kind} key is not a P-256 public key in PEM") from err


def signing_kind(raw: bytes) -> SigningKind:
    """Return which signing key an image file claims; nothing is verified."""
    header, parts = _layer(raw, _SIGN1_TAG, 4, "COSE_Sign1")
    kid = header.get(_KID)
    if header.keys() != {_ALG, _KID} or header[_ALG] != _ES256 or parts[1]:
        raise ImageFormatError("COSE_Sign1 of the image file must have just ES256 and a kid")
    for kind in SIGNING_KINDS:
        if kid == kind.encode():
            return kind
    raise ImageSignatureError("image file is signed by a key that is of no known kind")


def verify_and_decrypt(
    raw: bytes, *, trusted: Mapping[SigningKind, PublicKey], device_key: bytes | None
) -> bytes:
    """Return what was signed, deciphered if it was enciphered; errors as in ``open_image``."""
    kind = signing_kind(raw)
    if kind not in trusted:
        raise ImageSignatureError(
            f"image file is signed with the {kind} key, which is not accepted here: "
            f"accepted are {', '.join(trusted) or 'none'}"
        )
    key = _public_key(kind, trusted[kind])
    try:
        payload = bytes(COSE.new().decode(raw, key))
    except (CWTError, ValueError, TypeError) as err:
        raise ImageSignatureError(f"signature with the {kind} key does not fit") from err
    if not payload or payload[0] >> 5 != 6:
        return payload
    return _decrypt(payload, device_key)


def _decrypt(raw: bytes, device_key: bytes | None) -> bytes:
    header, parts = _layer(raw, _ENCRYPT0_TAG, 3, "COSE_Encrypt0")
    unprotected = cast(dict[object, object], parts[1])
    algorithm, nonce = header.get(_ALG), unprotected.get(_IV)
    if len(header) != 1 or unprotected.keys() != {_IV} or algorithm not in (1, 3):
        raise ImageFormatError("COSE_Encrypt0 of the image file must have just AES-GCM and an IV")
    if not isinstance(nonce, bytes) or len(nonce) != _NONCE_LENGTH:
        raise ImageFormatError(f"IV of the image file is not {_NONCE_LENGTH} bytes long")
    if device_key is None:
        raise ImageDecryptionError("image file is enciphered and there is no device key")
    if _GCM.get(len(device_key)) != algorithm:
        raise ImageDecryptionError("image file is enciphered with a key of another length")
    key = COSEKey.from_symmetric_key(device_key, alg=_GCM_NAMES[algorithm])
    try:
        return bytes(COSE.new().decode(raw, key))
    except (CWTError, ValueError, TypeError, InvalidTag) as err:
        raise ImageDecryptionError("image file is enciphered for another device") from err
