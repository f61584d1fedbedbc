"""A configuration of the server process, and clients of what it serves."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.clients import EumClient, MnoClient, SmDpClient
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.http.support_client import SupportServerClient
from hil.provisioning.http.tls import client_context
from hil.provisioning.lab_ca import LabCa
from hil.provisioning.trust import PeerKeySet
from hil.wire.device_auth import DeviceKeySet
from hil.wire.image import PublicKey, SigningKind
from tests.provisioning.world import MSISDN, eid_of, factory_of

_Client = TypeVar("_Client", bound=PeerClient)

IDS = {
    "mno-1": "mno",
    "eum-1": "eum",
    "sm-dp-1": "sm-dp",
    "support-1": "support-server",
    "sm-sr-1": "sm-sr",
    "station-1": "line-station",
    "operator-1": "operator",
}


def scalar() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_numbers()
        .private_value.to_bytes(32, "big")
        .hex()
    )


def public(key: str) -> ec.EllipticCurvePublicKey:
    return ec.derive_private_key(int(key, 16), ec.SECP256R1()).public_key()


@dataclass
class Bench:
    """One configuration with fresh keys. ``layout`` is separate, inside-sm-sr or one-server."""

    state: Path | None
    layout: str = "separate"
    carrier: dict[str, Any] | None = None
    support: dict[str, Any] = field(default_factory=dict)
    sm_dp: dict[str, Any] = field(default_factory=dict)
    eid: str = eid_of(1)
    certificates: Path | None = None
    more_euiccs: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.factory = factory_of(self.eid)
        self.signing = {"development": scalar(), "commercial": scalar()}
        self.device_keys = DeviceKeySet(1, secrets.token_bytes(16), secrets.token_bytes(16))
        self.eum_key = scalar()
        self.links = {
            frozenset(pair): {name: secrets.token_hex(16) for name in ("auth", "mac", "wrap")}
            for pair in combinations(self.ids, 2)
        }

    @property
    def ids(self) -> dict[str, str]:
        without = {"support-1"} if self.layout == "inside-sm-sr" else set()
        return {name: kind for name, kind in IDS.items() if name not in without}

    @property
    def receiver(self) -> str:
        return "sm-sr-1" if self.layout == "inside-sm-sr" else "support-1"

    @property
    def trusted(self) -> dict[SigningKind, PublicKey]:
        return {
            "development": public(self.signing["development"]),
            "commercial": public(self.signing["commercial"]),
        }

    def config(self) -> dict[str, Any]:
        functions: dict[str, Any] = {
            "signing_keys": self.signing,
            "devices": [
                {
                    "device_id": "DUT-1",
                    "eid": self.eid,
                    "kvn": 1,
                    "auth": self.device_keys.auth.hex(),
                    "enc": self.device_keys.enc.hex(),
                }
            ],
        } | self.support
        sm_sr: dict[str, Any] = {"kind": "sm-sr", "id": "sm-sr-1", "carrier": self.carrier}
        actors: list[dict[str, Any]] = [
            {
                "kind": "mno",
                "id": "mno-1",
                "routing": {
                    "route": self.ids[self.receiver],
                    "receiver": self.receiver,
                },
                "sm_sr": "sm-sr-1",
                "numbers": {"iccid_prefix": "8900101", "imsi_prefix": "00101"},
            },
            {
                "kind": "eum",
                "id": "eum-1",
                "signing_key": self.eum_key,
                "numbers": {"iccid_prefix": "8900102", "imsi_prefix": "0010109"},
                "sm_sr": "sm-sr-1",
                "euiccs": [
                    {"factory": self.factory, "msisdn": MSISDN, "sm_sr": "sm-sr-1"},
                    *self.more_euiccs,
                ],
            },
            {"kind": "sm-dp", "id": "sm-dp-1", **self.sm_dp},
        ]
        if self.layout == "inside-sm-sr":
            actors.append(sm_sr | {"support": functions})
        else:
            host = "sm-sr-1" if self.layout == "one-server" else None
            actors.append(sm_sr)
            actors.append({"kind": "support-server", "id": "support-1", "host": host} | functions)
        return {
            "state": str(self.state) if self.state else None,
            "certificates": str(self.certificates) if self.certificates else None,
            "actors": actors,
            "keys": [{"between": sorted(pair), **keys} for pair, keys in self.links.items()],
            "peers": [
                {"id": "station-1", "role": "line-station"},
                {"id": "operator-1", "role": "operator"},
            ],
        }

    def secured(self, folder: Path) -> Self:
        """Give everybody a certificate of a CA of this bench; its servers then speak HTTPS."""
        self.authority = LabCa(folder)
        for name, role in self.ids.items():
            hosted = ["support-1"] if name == "sm-sr-1" and self.layout == "one-server" else []
            self.authority.issue(name, role, names=hosted)
        self.certificates = folder
        return self

    def text(self) -> str:
        return json.dumps(self.config())

    def keys(self, one: str, other: str) -> PeerKeySet:
        row = self.links[frozenset((one, other))]
        return PeerKeySet(1, *(bytes.fromhex(row[name]) for name in ("auth", "mac", "wrap")))


@dataclass
class Clients:
    """Clients of a bench's servers, closed together."""

    bench: Bench
    actors: dict[str, str]
    _made: list[PeerClient] = field(default_factory=list)

    def of(self, kind: type[_Client], actor: str, me: str = "operator-1") -> _Client:
        folder = self.bench.certificates
        client = kind(
            self.actors[actor],
            actor,
            me,
            self.bench.keys(me, actor),
            tls=client_context(folder, me) if folder else None,
            server_name=actor if folder else None,
        )
        self._made.append(client)
        return client

    def mno(self, me: str = "operator-1") -> MnoClient:
        return self.of(MnoClient, "mno-1", me)

    def eum(self, me: str = "operator-1") -> EumClient:
        return self.of(EumClient, "eum-1", me)

    def sm_dp(self, me: str = "operator-1") -> SmDpClient:
        return self.of(SmDpClient, "sm-dp-1", me)

    def support(self, me: str = "operator-1") -> SupportServerClient:
        return self.of(SupportServerClient, self.bench.receiver, me)

    def sm_sr(self, me: str = "operator-1") -> SmSrClient:
        return self.of(SmSrClient, "sm-sr-1", me)

    def close(self) -> None:
        for client in self._made:
            client.close()
