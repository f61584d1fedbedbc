"""Certificates that cards can check: data object ``7F21`` (GlobalPlatform Amendment E, SGP.02).

Those of SM-DP and SM-SR are signed by the certificate issuer (CI), that of an ECASD by its eUICC
maker. Optional objects that are not named here are kept for the signature and otherwise ignored.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum, IntEnum
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.ecc import PUBLIC_KEY, SIGNATURE, PrivateKey, PublicKey

CERTIFICATE: Final = 0x7F21
SERIAL: Final = 0x93
ISSUER: Final = 0x42
SUBJECT: Final = 0x5F20
KEY_USAGE: Final = 0x95
EFFECTIVE: Final = 0x5F25
EXPIRY: Final = 0x5F24
DISCRETIONARY: Final = 0x73
ROLE: Final = 0xC8
AUTHORITY_KEY: Final = 0xC9

SIGNING: Final = bytes.fromhex("88")
"""Key usage of SM-DP and SM-SR certificates as an open SM-DP writes it."""
SIGNING_USAGES: Final = frozenset({SIGNING, bytes.fromhex("82")})
"""Key usages under which a key may sign; 82 is GlobalPlatform's own (Amendment E, table 3-5)."""
KEY_AGREEMENT: Final = bytes.fromhex("0080")
"""Key usage of CERT.ECASD.ECKA."""

_LONGEST: Final = 1024
_MOST_OBJECTS: Final = 32


class Role(IntEnum):
    """Whom a certificate is for: ``C8`` in its discretionary data."""

    SM_DP = 0x01
    SM_SR = 0x02


class Fault(Enum):
    """Why a certificate is not accepted."""

    ISSUER = "issuer"
    SIGNATURE = "signature"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ROLE = "role"
    KEY_USAGE = "key usage"


class CertificateError(CodecError):
    """A certificate that can be read is not accepted; ``fault`` says why."""

    def __init__(self, fault: Fault, what: str) -> None:
        super().__init__(f"certificate not accepted ({fault.value}): {what}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Draft:
    """What an issuer signs.

    ``effective``: the first day, ``None`` for any; ``expiry``: the last day. ``discretionary``:
    objects in ``73``.
    """

    serial: bytes
    issuer: bytes
    subject: bytes
    key_usage: bytes
    expiry: date
    public_key: PublicKey
    effective: date | None = None
    discretionary: tuple[tlv.Tlv, ...] = ()

    def sign(self, key: PrivateKey) -> Certificate:
        """Return the certificate, signed with the issuer's key."""
        body = tlv.encode(SERIAL, self.serial) + tlv.encode(ISSUER, self.issuer)
        body += tlv.encode(SUBJECT, self.subject) + tlv.encode(KEY_USAGE, self.key_usage)
        if self.effective is not None:
            body += tlv.encode(EFFECTIVE, _encode_date(self.effective))
        body += tlv.encode(EXPIRY, _encode_date(self.expiry))
        body += tlv.encode(DISCRETIONARY, b"".join(one.encode() for one in self.discretionary))
        body += tlv.encode(PUBLIC_KEY, self.public_key.encode())
        return Certificate(self, body, key.sign(body))


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as read or made; ``signed``: the bytes under the signature, as they came."""

    content: Draft
    signed: bytes
    signature: bytes

    @property
    def public_key(self) -> PublicKey:
        """The subject's key."""
        return self.content.public_key

    @property
    def role(self) -> int | None:
        """The role byte, by name in :class:`Role`; ``None`` if there is none."""
        value = tlv.find(self.content.discretionary, ROLE)
        return value[0] if value is not None and len(value) == 1 else None

    def encode(self) -> bytes:
        """Return the whole data object ``7F21``."""
        return tlv.encode(CERTIFICATE, self.signed + tlv.encode(SIGNATURE, self.signature))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read one whole data object ``7F21``; nothing may stand behind its signature."""
        if len(raw) > _LONGEST:
            raise CodecError(f"certificate of {len(raw)} bytes; at most {_LONGEST}")
        whole, rest = tlv.decode_one(raw)
        if whole.tag != CERTIFICATE or rest:
            raise CodecError("a certificate is one data object 7F21")
        objects = tlv.decode_all(whole.value, limit=_MOST_OBJECTS)
        if not objects or objects[-1].tag != SIGNATURE:
            raise CodecError("a certificate ends in its signature 5F37")
        tags = [one.tag for one in objects]
        if len(set(tags)) != len(tags):
            raise CodecError("a certificate holds each data object once")
        signature = objects[-1].value
        signed = whole.value[: -len(tlv.encode(SIGNATURE, signature))]
        if signed + tlv.encode(SIGNATURE, signature) != whole.value:
            raise CodecError("the signature 5F37 has a length that is not its shortest")
        return cls(_content(objects), signed, signature)


def accept(
    certificate: Certificate,
    issuer_key: PublicKey,
    *,
    issuer: bytes | None = None,
    role: int | None = None,
    usages: Collection[bytes] | None = None,
    today: date | None = None,
    revoked: Collection[bytes] = (),
) -> None:
    """Raise :class:`CertificateError` unless the certificate holds.

    The signature is always checked; issuer id, role and key usages if given; the validity only
    where ``today`` is known. ``revoked``: serial numbers taken back by the issuer.
    """
    content = certificate.content
    serial = content.serial.hex().upper()
    if issuer is not None and content.issuer != issuer:
        raise CertificateError(Fault.ISSUER, f"{serial} is of {content.issuer.hex().upper()}")
    if not issuer_key.verifies(certificate.signature, certificate.signed):
        raise CertificateError(Fault.SIGNATURE, f"{serial} is not signed by this issuer")
    if role is not None and certificate.role != role:
        raise CertificateError(Fault.ROLE, f"{serial} has role {certificate.role}, not {role}")
    if usages is not None and content.key_usage not in usages:
        raise CertificateError(
            Fault.KEY_USAGE, f"{serial} has key usage {content.key_usage.hex().upper()}"
        )
    if content.serial in revoked:
        raise CertificateError(Fault.REVOKED, f"{serial} was revoked")
    if today is not None:
        if content.effective is not None and today < content.effective:
            raise CertificateError(
                Fault.NOT_YET_VALID, f"{serial} is good from {content.effective}"
            )
        if today > content.expiry:
            raise CertificateError(Fault.EXPIRED, f"{serial} was good until {content.expiry}")


def role_data(role: Role, authority_key: bytes = b"") -> tuple[tlv.Tlv, ...]:
    """Return the discretionary data of an SM-DP or SM-SR certificate."""
    objects = (tlv.Tlv(ROLE, bytes((role,))),)
    return (*objects, tlv.Tlv(AUTHORITY_KEY, authority_key)) if authority_key else objects


def _content(objects: tuple[tlv.Tlv, ...]) -> Draft:
    where = "certificate"
    effective = tlv.find(objects, EFFECTIVE)
    return Draft(
        serial=tlv.require(objects, SERIAL, where=where),
        issuer=tlv.require(objects, ISSUER, where=where),
        subject=tlv.require(objects, SUBJECT, where=where),
        key_usage=tlv.require(objects, KEY_USAGE, where=where),
        expiry=_decode_date(tlv.require(objects, EXPIRY, where=where)),
        public_key=PublicKey.decode(tlv.require(objects, PUBLIC_KEY, where=where)),
        effective=None if effective is None else _decode_date(effective),
        discretionary=tlv.decode_all(tlv.find(objects, DISCRETIONARY) or b"", limit=_MOST_OBJECTS),
    )


def _encode_date(day: date) -> bytes:
    return bytes.fromhex(day.strftime("%Y%m%d").zfill(8))


def _decode_date(raw: bytes) -> date:
    text = raw.hex()
    if len(text) != 8 or not text.isdigit():
        raise CodecError(f"a date in a certificate is YYYYMMDD in BCD, not {text.upper()}")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError as err:
        raise CodecError(f"{text} is no date") from err
