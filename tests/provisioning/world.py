"""Actors of one world in this process, with keys made for it; every test makes its own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from hil.provisioning.door import PeerDoor
from hil.provisioning.eum import EuiccMaker
from hil.provisioning.links import LocalEum, MnoLink, PacketReceiver, SeveralEums
from hil.provisioning.mno import Mno
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.orders import Route, RoutingInformation
from hil.provisioning.profile_making import STANDARD_TEMPLATES, Template, TemplateBook
from hil.provisioning.sm_dp import SmDp
from hil.provisioning.sm_sr.administration import Administration, AdministrationSettings
from hil.provisioning.sm_sr.carrier import Carrier
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.store import Store
from hil.provisioning.support_server.device_sessions import DevicePolicy
from hil.provisioning.support_server.devices import DeviceRecord, Life
from hil.provisioning.support_server.server import SupportServer
from hil.provisioning.trust import Peer, PeerKeySet, Principal, Role
from hil.wire.device_auth import DeviceKeySet
from hil.wire.identifiers import eid_check_digits
from hil.wire.image import SigningKey

MSISDN = "882100000001"
OPERATOR = Principal("operator", Role.OPERATOR)


def eid_of(number: int) -> str:
    """Return the EID of test eUICC ``number``."""
    body = f"8904903200000000{number:014d}"
    return body + eid_check_digits(body)


def factory_of(eid: str, **over: object) -> dict[str, Any]:
    """Return factory data with fresh keys."""

    def key() -> str:
        return secrets.token_hex(16)

    made: dict[str, Any] = {
        "eid": eid,
        "isd_r": {
            "scp80": [{"kvn": 1, "kic": key(), "kid": key(), "dek": key(), "counter": 0}],
            "scp03": [
                {"kvn": 0x30, "enc": key(), "mac": key(), "dek": key(), "counter": 0},
                {"kvn": 0x31, "enc": key(), "mac": key(), "dek": key(), "counter": 0},
            ],
        },
        "isd_p_base": {"kvn": 0x30, "enc": key(), "mac": key(), "dek": key()},
        "memory": 500_000,
        "protocol": "T=0",
        "bootstrap_profile": None,
    }
    return made | over


def peer_keys() -> PeerKeySet:
    """Return a fresh key set for two peers."""
    return PeerKeySet(1, *(secrets.token_bytes(16) for _ in range(3)))


def device_keys() -> DeviceKeySet:
    """Return a fresh key set for a device."""
    return DeviceKeySet(1, secrets.token_bytes(16), secrets.token_bytes(16))


def small_templates() -> TemplateBook:
    """Return the standard templates; all packages are generated."""
    return TemplateBook(STANDARD_TEMPLATES)


@dataclass
class World:
    """One MNO, one eUICC maker, one SM-DP, one support server, one SM-SR."""

    folder: Path
    route: Route = Route.SUPPORT_SERVER
    policy: DevicePolicy = field(default_factory=DevicePolicy)
    carrier: Carrier | None = None
    patience: Patience | None = None
    templates: tuple[Template, ...] = STANDARD_TEMPLATES
    eids: tuple[str, ...] = field(default_factory=lambda: (eid_of(1),))
    stores: list[Store] = field(default_factory=list)
    sinks: Mapping[str, Any] | None = None
    administration: AdministrationSettings | None = None
    running_administration: Administration | None = None

    def __post_init__(self) -> None:
        self.factories = {eid: factory_of(eid) for eid in self.eids}
        self.eum_key = ec.generate_private_key(ec.SECP256R1())
        self.signers = {
            "development": SigningKey.generate("development"),
            "commercial": SigningKey.generate("commercial"),
        }
        self.keys = {name: peer_keys() for name in ("dp-support", "dp-sr")}
        self.device_keys = {eid: device_keys() for eid in self.eids}
        self.open()

    def open(self) -> None:
        """Build the actors over the stores in the folder; again after :meth:`close`."""
        plan = NumberPlan("8900101", "00101", "88210")
        self.maker = EuiccMaker(
            "eum-1",
            self.store("eum"),
            self.eum_key,
            plan=NumberPlan("8900102", "0010109"),
            sm_sr="sm-sr-1",
        )
        for factory in self.factories.values():
            self.maker.produce(factory, msisdn=MSISDN)
        store = self.store("sm-sr")
        if self.administration is not None:
            self.running_administration = Administration(self.administration, store)
        self.sm_sr = SmSr(
            PeerDoor("sm-sr-1", [Peer("sm-dp-1", Role.SM_DP, self.keys["dp-sr"])]),
            store,
            LocalEum(self.maker, Principal("sm-sr-1", Role.SM_SR)),
            {"eum-1": self.eum_key.public_key()},
            carrier=self.carrier,
            patience=self.patience,
            administration=self.running_administration,
        )
        self.support = SupportServer(
            PeerDoor("support-1", [Peer("sm-dp-1", Role.SM_DP, self.keys["dp-support"])]),
            self.store("support"),
            LocalEum(self.maker, Principal("support-1", Role.SUPPORT_SERVER)),
            self.signers,
            policy=self.policy,
            links={"main": "network", "dedicated": "dedicated-line"},
            sm_srs=self.sinks if self.sinks is not None else {"sm-sr-1": self.sm_sr},
        )
        receiver = "support-1" if self.route is Route.SUPPORT_SERVER else "sm-sr-1"
        self.mno = Mno(
            "mno-1",
            self.store("mno"),
            routing=RoutingInformation(self.route, receiver),
            sm_sr="sm-sr-1",
            plan=plan,
        )
        self.sm_dp = self.new_sm_dp("sm-dp-1", {"mno-1": self.mno})
        self.mno._sm_dps = {"sm-dp-1": self.sm_dp}
        self.support._sm_dps = {"sm-dp-1": self.sm_dp}

    def new_sm_dp(
        self,
        name: str,
        mnos: Mapping[str, MnoLink],
        *,
        receivers: Mapping[str, PacketReceiver] | None = None,
        keys: Mapping[str, PeerKeySet] | None = None,
    ) -> SmDp:
        """Return an SM-DP of this world."""
        everybody: dict[str, PacketReceiver] = {
            "support-1": self.support.first_interface(),
            "sm-sr-1": self.sm_sr.first_interface(),
        }
        return SmDp(
            name,
            self.store(name),
            mnos=mnos,
            eum=SeveralEums((LocalEum(self.maker, Principal(name, Role.SM_DP)),)),
            receivers=receivers if receivers is not None else everybody,
            keys=keys
            if keys is not None
            else {"support-1": self.keys["dp-support"], "sm-sr-1": self.keys["dp-sr"]},
            templates=TemplateBook(self.templates),
        )

    def store(self, name: str) -> Store:
        """Open the store of an actor."""
        store = Store(f"sqlite:///{self.folder / name}.db")
        self.stores.append(store)
        return store

    def close(self) -> None:
        """Close all stores."""
        if self.running_administration is not None:
            self.running_administration.close()
            self.running_administration = None
        for store in self.stores:
            store.close()
        self.stores.clear()

    def register_device(self, eid: str | None = None, *, life: Life = "commercial") -> DeviceRecord:
        """Make the device with this eSIM known to the support server."""
        chosen = eid or self.eids[0]
        record = DeviceRecord(f"DUT-{chosen[-6:]}", chosen, life, self.device_keys[chosen])
        self.support.register_device(record)
        return record

    def register_euicc(self, eid: str | None = None) -> None:
        """Bring the EIS to the SM-SR."""
        chosen = eid or self.eids[0]
        self.sm_sr.register_eis(Principal("eum-1", Role.EUM), self.maker.eis(chosen))
