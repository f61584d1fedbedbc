"""Small conversions from the configuration to what actors are made of."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hil.errors import CodecError, ConfigError
from hil.provisioning import serve_config as c
from hil.provisioning.certificates import Identity
from hil.provisioning.credentials import Credentials
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.profile_making import STANDARD_TEMPLATES, Template, TemplateBook
from hil.provisioning.sm_sr.admin_way import AdminLimits
from hil.provisioning.sm_sr.administration import Administration, AdministrationSettings
from hil.provisioning.store import Store
from hil.provisioning.support_server.devices import DeviceRecord
from hil.provisioning.trust import Role
from hil.wire.device_auth import DeviceKeySet
from hil.wire.ecc import PrivateKey, PublicKey
from hil.wire.gp_certificate import Certificate
from hil.wire.image import SigningKey


def private_key(scalar: bytes, what: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of a scalar; ConfigError when there is none."""
    try:
        return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    except ValueError:
        raise ConfigError(f"{what} is no P-256 scalar (1 to n - 1, 32 bytes)") from None


def credentials(
    config: c.ServeConfig, row: c.IdentitySection | None, owner: str
) -> Credentials | None:
    """Return what an SM-DP or SM-SR needs to establish keys; None where it has no certificate."""
    if row is None:
        return None
    if config.euicc_certificates is None:
        raise ConfigError(f"{owner} has an identity, but 'euicc_certificates' is missing")
    try:
        certificate = Certificate.decode(row.certificate)
        key = PrivateKey(certificate.public_key.curve, row.key)
        return Credentials(
            Identity(certificate, key),
            PublicKey.decode(config.euicc_certificates.ci_key),
            dict(config.euicc_certificates.makers),
        )
    except CodecError as err:
        raise ConfigError(f"identity of {owner}: {err}") from err


def number_plan(row: c.Numbers | None) -> NumberPlan | None:
    """Return the number plan of an issuer."""
    if row is None:
        return None
    return NumberPlan(row.iccid_prefix, row.imsi_prefix, row.msisdn_prefix)


def templates(rows: tuple[c.TemplateRow, ...]) -> TemplateBook:
    """Return the templates of an SM-DP; those not named stay as they are by default."""
    book = {template.profile_type: template for template in STANDARD_TEMPLATES}
    for row in rows:
        package = None
        if row.package_file is not None:
            try:
                package = row.package_file.read_bytes()
            except OSError as err:
                raise ConfigError(
                    f"profile package {row.package_file} cannot be read: {err.strerror}"
                ) from err
        book[row.profile_type] = Template(
            row.profile_type, row.profile_class, package, row.memory, row.block
        )
    return TemplateBook(tuple(book.values()))


def signers(row: c.SigningKeys) -> dict[str, SigningKey]:
    """Return the image signing keys by kind."""
    found: dict[str, SigningKey] = {}
    if row.development is not None:
        key = private_key(row.development, "development signing key")
        found["development"] = SigningKey("development", key)
    if row.commercial is not None:
        key = private_key(row.commercial, "commercial signing key")
        found["commercial"] = SigningKey("commercial", key)
    return found


def administration(row: c.AdministrationSection, store: Store) -> Administration:
    """Return the administration server of an SM-SR, listening."""
    settings = AdministrationSettings(
        row.address,
        row.port,
        row.public_address,
        row.public_port,
        row.host,
        row.uri,
        row.idle_s,
        AdminLimits(row.commands, row.messages, row.automatic),
    )
    return Administration(settings, store)


def device(row: c.DeviceRow) -> DeviceRecord:
    """Return a device to register."""
    keys = None
    if row.kvn is not None and row.auth is not None and row.enc is not None:
        keys = DeviceKeySet(row.kvn, row.auth, row.enc)
    return DeviceRecord(row.device_id, row.eid, row.life, keys)


def factory(row: c.EuiccRow) -> dict[str, Any]:
    """Return the factory data of an eUICC."""
    if (row.factory is None) == (row.factory_file is None):
        raise ConfigError("an eUICC has either 'factory' or 'factory_file'")
    if row.factory is not None:
        return row.factory
    assert row.factory_file is not None  # noqa: S101 - one of both, see above
    try:
        found = json.loads(row.factory_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"factory file {row.factory_file} cannot be read") from err
    if not isinstance(found, dict):
        raise ConfigError(f"factory file {row.factory_file} is not a JSON object")
    return found


def trusted_eums(config: c.ServeConfig) -> dict[str, ec.EllipticCurvePublicKey]:
    """Return the public keys of all eUICC makers, here and elsewhere."""
    found = {
        actor.id: private_key(actor.signing_key, f"signing key of {actor.id}").public_key()
        for actor in config.actors
        if isinstance(actor, c.EumSection)
    }
    for peer in config.peers:
        if peer.role is Role.EUM and peer.public_key_pem is not None:
            try:
                key = serialization.load_pem_public_key(peer.public_key_pem.encode())
            except ValueError:
                raise ConfigError(f"public key of {peer.id} is no PEM public key") from None
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise ConfigError(f"public key of {peer.id} is not on an elliptic curve")
            found[peer.id] = key
    return found
