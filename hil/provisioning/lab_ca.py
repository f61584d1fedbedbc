"""A certificate authority of a bench: it lives as long as its maker, and signs for one run.

A party's certificate says who it is and what: common name its id, organizational unit its role. Its
alternative names are the ids that it answers for, and the loopback address.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE: Final = datetime.timedelta(days=30)
_EARLIER: Final = datetime.timedelta(hours=1)
"""Clocks of two computers differ: certificates begin a little before they are made."""


class LabCa:
    """Signs certificates of servers and clients into ``folder``; its own key is never written."""

    def __init__(self, folder: Path, *, name: str = "hil lab CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._revoked: list[int] = []
        folder.mkdir(parents=True, exist_ok=True)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        certificate = (
            self._begun(self._name, self._key.public_key(), LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(key_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._key_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
        _write(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        party: str,
        role: str,
        *,
        names: Iterable[str] = (),
        life: datetime.timedelta = LIFE,
    ) -> x509.Certificate:
        """Write ``<party>.pem`` and ``<party>.key``; ``names`` are further ids it answers for."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
                x509.NameAttribute(NameOID.COMMON_NAME, party),
            ]
        )
        alternatives: list[x509.GeneralName] = [x509.DNSName(one) for one in (party, *names)]
        alternatives.append(x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")))
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._begun(subject, key.public_key(), life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(self._key_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        _write(self._folder / f"{party}.pem", certificate.public_bytes(serialization.Encoding.PEM))
        _write(
            self._folder / f"{party}.key",
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        return certificate

    def revoke(self, *certificates: x509.Certificate) -> None:
        """Write ``crl.pem``, the list of all that were revoked so far."""
        self._revoked += [one.serial_number for one in certificates]
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - _EARLIER)
            .next_update(now + LIFE)
            .add_extension(self._key_id, critical=False)
        )
        for serial in self._revoked:
            row = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
            made = made.add_revoked_certificate(row.build())
        signed = made.sign(self._key, hashes.SHA256())
        _write(self._folder / "crl.pem", signed.public_bytes(serialization.Encoding.PEM))

    def _begun(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + life) - _EARLIER)
            .not_valid_after(now + life)
        )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - with a mode
        file.write(content)
