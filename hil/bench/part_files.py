"""What the virtual parts are told: the eUICC's factory file and the device's configuration.

Both are written from the key sets of the bench, into files that only their owner can read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hil.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from hil.bench.jig_file import JigFile
    from hil.bench.lab import Lab


def write_private(path: Path, content: object) -> Path:
    """Write JSON into a file of mode 0600, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    return path


def euicc_factory(lab: Lab) -> dict[str, Any]:
    """Return the factory file of the virtual eUICC, as its maker personalises it."""
    keys, card = lab.euicc_keys, lab.file.card
    if keys is None or card is None:
        raise ConfigError(f"bench '{lab.name}' has no card with a key set (key_sets.euicc)")
    factory = keys.factory()
    virtual = card.virtual
    if virtual is not None:
        factory |= {"memory": virtual.memory, "protocol": virtual.protocol}
    factory["bootstrap_profile"] = _bootstrap(lab)
    return factory


def _bootstrap(lab: Lab) -> str | None:
    given = lab.euicc_keys.bootstrap if lab.euicc_keys else None
    if given is None:
        return None
    from hil.wire.profile_package.generate import ProfileData, generate  # noqa: PLC0415

    data = ProfileData(iccid=given.iccid, imsi=given.imsi, k=given.k, opc=given.opc)
    return generate(data, profile_class="provisioning", m2m=True).hex()


def device_config(lab: Lab) -> dict[str, Any]:
    """Return the configuration of the virtual device."""
    section, keys = lab.file.device, lab.device_keys
    if section is None or section.virtual is None or keys is None:
        raise ConfigError(f"bench '{lab.name}' has no virtual device with a key set")
    config: dict[str, Any] = {
        **section.virtual.config,
        "device_id": keys.device_id,
        "life": section.life,
        "imei": section.virtual.imei,
        "msisdn": section.virtual.msisdn,
        "manner": section.manner,
        "key_set": {"kvn": keys.kvn, "auth": keys.auth.hex(), "enc": keys.enc.hex()},
        "signing_keys": public_signing_keys(lab),
    }
    if lab.jig is not None:
        rail = lab.file.power_supply.channels.rail if lab.file.power_supply else None
        pin = jig_pin(lab.jig) | {"seed": section.virtual.seed}
        pin |= {"rail_nominal_v": rail.nominal} if rail else {}
        defect = section.virtual.jig_defect
        config["jig"] = pin | ({"defect": defect} if defect is not None else {})
    return config


def jig_pin(jig: JigFile) -> dict[str, Any]:
    """Return the jig pin of the virtual device: what the jig file says, in its own words."""
    pin: dict[str, Any] = {
        "window": jig.window,
        "hysteresis": jig.hysteresis,
        "debounce_s": jig.debounce,
        "dwell_s": jig.dwell,
        "revoke_s": jig.revoke,
        "max_misses": jig.attempts,
        "lockout_s": jig.lockout,
    }
    if jig.test_load is not None:
        pin |= {"test_load_ohms": jig.test_load, "test_load_s": jig.test_load_time}
    if jig.nominal_voltage is not None:
        pin["nominal_v"] = jig.nominal_voltage
    if jig.nominal_current is not None:
        volts = jig.compliance_voltage or 0.0
        # A known current: the pin's resistance draws it at the volts that the supply allows.
        pin |= {
            "nominal_a": jig.nominal_current,
            "window_a": jig.window,
            "nominal_v": volts,
            "input_ohms": volts / jig.nominal_current,
        }
    return pin


def public_signing_keys(lab: Lab) -> dict[str, str]:
    """Return the public halves (PEM) of the image signing keys, by kind."""
    if lab.server_keys is None:
        return {}
    signing = lab.server_keys.signing
    return {
        "development": _public_pem(signing.development),
        "commercial": _public_pem(signing.commercial),
    }


def private_pem(scalar: bytes) -> str:
    """Return a P-256 private key as PEM (PKCS #8, not encrypted) from its 32-byte scalar."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    return (
        _key(scalar)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _public_pem(scalar: bytes) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    public = _key(scalar).public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec as curves  # noqa: PLC0415

    try:
        return curves.derive_private_key(int.from_bytes(scalar, "big"), curves.SECP256R1())
    except ValueError:
        raise ConfigError(
            "a signing key of the servers' key set is no P-256 scalar (1 to n - 1)"
        ) from None
