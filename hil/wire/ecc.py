"""Elliptic-curve keys as cards write them: uncompressed points, curve references, plain signatures.

GlobalPlatform Card Specification 11.1.8 and Amendment E; a plain signature is r ‖ s (BSI TR-03111).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

from hil.errors import CodecError
from hil.wire import tlv

POINT: Final = 0xB0
CURVE_REFERENCE: Final = 0xF0
PUBLIC_KEY: Final = 0x7F49
SIGNATURE: Final = 0x5F37


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve by its reference in ``F0``; ``size``: bytes of a coordinate and of a scalar.

    ``random``: bytes of the derivation random that goes with it (Amendment E, table 4-22).
    """

    reference: int
    name: str
    size: int
    random: int
    curve: ec.EllipticCurve = field(repr=False)
    digest: HashAlgorithm = field(repr=False)


P256: Final = Curve(0x00, "P-256", 32, 16, ec.SECP256R1(), SHA256())
P384: Final = Curve(0x01, "P-384", 48, 24, ec.SECP384R1(), SHA384())
BRAINPOOL_P256R1: Final = Curve(0x03, "brainpoolP256r1", 32, 16, ec.BrainpoolP256R1(), SHA256())
BRAINPOOL_P384R1: Final = Curve(0x05, "brainpoolP384r1", 48, 24, ec.BrainpoolP384R1(), SHA384())
CURVES: Final = {one.reference: one for one in (P256, P384, BRAINPOOL_P256R1, BRAINPOOL_P384R1)}


def curve_of(reference: bytes) -> Curve:
    """Return the curve that ``F0`` names; :class:`CodecError` for one that is not known here."""
    found = CURVES.get(reference[0]) if len(reference) == 1 else None
    if found is None:
        known = ", ".join(f"{one.reference:02X} {one.name}" for one in CURVES.values())
        raise CodecError(f"curve reference {reference.hex().upper()} is not known; {known} are")
    return found


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point on a curve: 04 ‖ X ‖ Y."""

    curve: Curve
    point: bytes

    def __post_init__(self) -> None:
        self._key()

    def encode(self) -> bytes:
        """Return the value of ``7F49``: the point, then the reference of its curve."""
        reference = tlv.encode(CURVE_REFERENCE, bytes((self.curve.reference,)))
        return tlv.encode(POINT, self.point) + reference

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the value of ``7F49``; :class:`CodecError` also for a point off its curve."""
        objects = tlv.decode_all(value, limit=8)
        reference = tlv.require(objects, CURVE_REFERENCE, where="public key 7F49")
        return cls(curve_of(reference), tlv.require(objects, POINT, where="public key 7F49"))

    @classmethod
    def from_encoded(cls, curve: Curve, raw: bytes) -> Self:
        """Read a point, compressed or not (SEC 1, 2.3); :class:`CodecError` if it is none."""
        try:
            numbers = ec.EllipticCurvePublicKey.from_encoded_point(curve.curve, raw)
        except ValueError as err:
            raise CodecError(f"the point is not on {curve.name}") from err
        x, y = (one.to_bytes(curve.size, "big") for one in _coordinates(numbers))
        return cls(curve, b"\x04" + x + y)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` (r ‖ s, twice the size of the curve) was made over ``message``."""
        size = self.curve.size
        if len(signature) != 2 * size:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        try:
            self._key().verify(encode_dss_signature(r, s), message, ec.ECDSA(self.curve.digest))
        except InvalidSignature:
            return False
        return True

    def _key(self) -> ec.EllipticCurvePublicKey:
        size = self.curve.size
        if len(self.point) != 1 + 2 * size or self.point[0] != 0x04:
            raise CodecError(f"a point on {self.curve.name} is 04 and {2 * size} bytes")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self.curve.curve, self.point)
        except ValueError as err:
            raise CodecError(f"the point is not on {self.curve.name}") from err


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A scalar on a curve, as many bytes as the curve has."""

    curve: Curve
    scalar: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.scalar) != self.curve.size:
            raise CodecError(f"a private key on {self.curve.name} has {self.curve.size} bytes")
        self._key()

    @classmethod
    def generate(cls, curve: Curve = P256) -> Self:
        """Make a new key."""
        made = ec.generate_private_key(curve.curve).private_numbers().private_value
        return cls(curve, made.to_bytes(curve.size, "big"))

    @property
    def public(self) -> PublicKey:
        """The public half."""
        x, y = (
            one.to_bytes(self.curve.size, "big") for one in _coordinates(self._key().public_key())
        )
        return PublicKey(self.curve, b"\x04" + x + y)

    def sign(self, message: bytes) -> bytes:
        """Return r ‖ s over ``message``, the same each time (RFC 6979)."""
        algorithm = ec.ECDSA(self.curve.digest, deterministic_signing=True)
        r, s = decode_dss_signature(self._key().sign(message, algorithm))
        size = self.curve.size
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def agree(self, other: PublicKey) -> bytes:
        """Return ZAB: the x coordinate of the point shared with ``other``."""
        if other.curve != self.curve:
            raise CodecError(f"keys on {self.curve.name} and {other.curve.name} do not agree")
        return self._key().exchange(ec.ECDH(), other._key())

    def _key(self) -> ec.EllipticCurvePrivateKey:
        number = int.from_bytes(self.scalar, "big")
        try:
            return ec.derive_private_key(number, self.curve.curve)
        except ValueError:
            # The error of the library may show the number.
            raise CodecError(f"the scalar is no private key on {self.curve.name}") from None


def _coordinates(key: ec.EllipticCurvePublicKey) -> tuple[int, int]:
    numbers = key.public_numbers()
    return numbers.x, numbers.y
