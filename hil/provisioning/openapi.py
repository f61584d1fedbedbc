"""The OpenAPI descriptions of the servers, one a kind, without starting any."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from hil.provisioning.assembly import Assembly, endpoints
from hil.provisioning.serve_config import parse_config


def descriptions() -> dict[str, dict[str, Any]]:
    """Return the description of each kind: mno, eum, sm-dp, support-server, sm-sr."""
    config = parse_config(json.dumps({"actors": _actors()}), "openapi")
    names = {actor.id: actor.kind for actor in config.actors}
    assembly = Assembly(config, dict.fromkeys(endpoints(config), "https://127.0.0.1"))
    try:
        return {kind: assembly.faces[name].openapi() for name, kind in names.items()}
    finally:
        assembly.close()


def _actors() -> list[dict[str, Any]]:
    """Return one actor of each kind; nothing of it shows in what it describes but its id."""
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    routing = {"route": "support-server", "receiver": "support-1"}
    return [
        {"kind": "mno", "id": "mno-1", "sm_sr": "sm-sr-1", "routing": routing},
        {"kind": "eum", "id": "eum-1", "signing_key": f"{key:064x}"},
        {"kind": "sm-dp", "id": "sm-dp-1"},
        {"kind": "support-server", "id": "support-1", "signing_keys": {}},
        {"kind": "sm-sr", "id": "sm-sr-1"},
    ]
