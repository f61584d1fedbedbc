"""Certificates around an eUICC: the issuer (CI), the servers, the eUICC maker and the ECASD.

SGP.02, 2.3.2: the CI signs SM-DP, SM-SR and eUICC maker; the maker signs the ECASD of each eUICC. A
real lab gets its servers' certificates from its CI; :class:`Issuer` makes those of a test CI. The
maker's own certificate has GlobalPlatform form here, like all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from hil.errors import CodecError
from hil.wire.ecc import PrivateKey, PublicKey
from hil.wire.gp_certificate import (
    KEY_AGREEMENT,
    SIGNING,
    SIGNING_USAGES,
    Certificate,
    Draft,
    Role,
    accept,
    role_data,
)
from hil.wire.identifiers import decode_eid, encode_eid

FIRST_DAY: Final = date(2025, 1, 1)
LAST_DAY: Final = date(2049, 12, 31)


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's certificate and the key that goes with it."""

    certificate: Certificate
    key: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if self.certificate.public_key != self.key.public:
            raise CodecError("the private key does not belong to the certificate")


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CI, or an eUICC maker: who signs. ``id``: what stands in ``42`` of its certificates."""

    id: bytes
    key: PrivateKey = field(repr=False)

    def issue(
        self,
        subject: bytes,
        key: PublicKey,
        *,
        role: Role | None = None,
        serial: bytes = b"\x01",
        key_usage: bytes = SIGNING,
        effective: date | None = FIRST_DAY,
        expiry: date = LAST_DAY,
    ) -> Certificate:
        """Return a certificate: with a role for an SM-DP or SM-SR, without for an eUICC maker."""
        return Draft(
            serial=serial,
            issuer=self.id,
            subject=subject,
            key_usage=key_usage,
            expiry=expiry,
            public_key=key,
            effective=effective,
            discretionary=() if role is None else role_data(role),
        ).sign(self.key)


def personalise_ecasd(
    factory: Mapping[str, Any], maker: Issuer, ci_key: PublicKey, ecka: PrivateKey
) -> dict[str, Any]:
    """Return factory data with an ECASD in it: PK.CI, SK.ECASD.ECKA and CERT.ECASD.ECKA.

    The certificate names the EID as its subject and is signed by the eUICC maker.
    """
    certificate = maker.issue(encode_eid(factory["eid"]), ecka.public, key_usage=KEY_AGREEMENT)
    return {
        **factory,
        "ecasd": {
            "ci_key": ci_key.encode().hex(),
            "curve": ecka.curve.reference,
            "ecka": ecka.scalar.hex(),
            "certificate": certificate.encode().hex(),
        },
    }


def ecasd_key(
    certificate: bytes,
    maker_certificate: bytes,
    ci_key: PublicKey,
    *,
    eid: str | None = None,
    today: date | None = None,
) -> PublicKey:
    """Return PK.ECASD.ECKA after the chain CI, eUICC maker, ECASD was checked.

    :class:`~hil.errors.CodecError` if a certificate cannot be read, is not accepted, or is that of
    another eUICC than ``eid``.
    """
    maker = Certificate.decode(maker_certificate)
    accept(maker, ci_key, usages=SIGNING_USAGES, today=today)
    ecasd = Certificate.decode(certificate)
    accept(
        ecasd,
        maker.public_key,
        issuer=maker.content.subject,
        usages={KEY_AGREEMENT},
        today=today,
    )
    if eid is not None and decode_eid(ecasd.content.subject) != eid:
        raise CodecError(f"CERT.ECASD.ECKA is not that of eUICC {eid}")
    return ecasd.public_key
