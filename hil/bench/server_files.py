"""The configuration of the provisioning servers, made from the bench file and its key sets."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from hil.bench.part_files import euicc_factory
from hil.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.bench.jig_file import JigFile
    from hil.bench.lab import Lab
    from hil.bench.servers_section import ActorSection, ServersSection

DEFAULT_PASSWORD: Final = "hil-test"  # noqa: S105 - of the virtual SMS centre
DEDICATED_LINK: Final = "line"
_OVERTAKE_S: Final = 1.0
NUMBER: Final = "1555019{:04d}"
"""Numbers of the SM-SRs at the SMS centre; cards answer to them."""
_MEET: Final = frozenset(
    frozenset(pair)
    for pair in (
        ("mno", "sm-dp"),
        ("mno", "sm-sr"),
        ("mno", "support-server"),
        ("eum", "sm-dp"),
        ("eum", "sm-sr"),
        ("eum", "support-server"),
        ("mno", "sm-sr"),
        ("sm-dp", "sm-sr"),
        ("sm-sr", "sm-sr"),
        ("sm-dp", "support-server"),
        ("sm-sr", "support-server"),
        ("line-station", "support-server"),
        ("line-station", "sm-sr"),
        *(("operator", kind) for kind in ("mno", "eum", "sm-dp", "sm-sr", "support-server")),
    )
)
"""Which roles share a key set: nobody holds keys towards those it never meets."""


def servers_config(
    lab: Lab,
    state: Path,
    *,
    smpp: str | None,
    certificates: Path | None = None,
    ports: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the configuration; ``smpp`` is the address of the SMS centre, if there is one.

    ``certificates``: the folder of :func:`certificates`, None for plain HTTP. ``ports``: where
    actors are to listen, if not where the bench file says.
    """
    section = lab.file.servers
    if section is None or lab.server_keys is None:
        raise ConfigError(f"bench '{lab.name}' has no servers with a key set (key_sets.servers)")
    folded = _folded(section)
    roles = {name: actor.kind for name, actor in section.actors.items() if name not in folded}
    peers = [
        {"id": section.line_station, "role": "line-station"},
        {"id": section.operator, "role": "operator"},
        # An SM-SR with a support server inside works with others too: who speaks as one of
        # them does so under the id that the folded one does not need.
        *({"id": name, "role": "support-server"} for name in folded),
    ]
    everybody = roles | {peer["id"]: peer["role"] for peer in peers}
    made = _Making(lab, section, smpp, folded, ports)
    return {
        "state": str(state) if section.store == "file" else None,
        "certificates": str(certificates) if certificates is not None else None,
        "actors": [made.actor(name) for name in roles],
        "keys": [_key_row(lab, one, other) for one, other in _pairs(everybody)],
        "peers": peers,
        "euicc_certificates": _certificates(lab, section),
    }


def certificates(lab: Lab, folder: Path) -> Path | None:
    """Return the folder with the certificates of all parties, made now where the lab has none.

    None where the servers speak plain HTTP.
    """
    section = lab.file.servers
    if section is None or section.transport == "http":
        return None
    if lab.certificates is not None:
        return lab.certificates
    from hil.provisioning.lab_ca import LabCa  # noqa: PLC0415 - cryptography, where it is used

    authority = LabCa(folder)
    for name, actor in section.actors.items():
        names = []
        if actor.kind == "sm-sr" and section.layout == "one-server":
            # The support server behind the same port answers under its own id.
            names = [
                one
                for one in section.of_kind("support-server")
                if section.actors[one].sm_sr == name
            ]
        authority.issue(name, actor.kind, names=names)
    authority.issue(section.line_station, "line-station")
    authority.issue(section.operator, "operator")
    return folder


def accounts(lab: Lab) -> dict[str, str]:
    """Return the accounts at the virtual SMS centre: system id → password, one an SM-SR."""
    section = lab.file.servers
    if section is None or lab.server_keys is None:
        return {"sm-sr": DEFAULT_PASSWORD}
    password = lab.server_keys.smpp_password or DEFAULT_PASSWORD
    return {section.system_id(name): password for name in section.of_kind("sm-sr")}


def _certificates(lab: Lab, section: ServersSection) -> dict[str, Any] | None:
    """Return PK.CI and the certificate of each eUICC maker, where the key file has them."""
    pki = lab.server_keys.pki if lab.server_keys is not None else None
    if pki is None:
        return None
    maker = pki.eum_certificate.hex()
    makers: dict[str, str] = dict.fromkeys(section.of_kind("eum"), maker)
    return {"ci_key": pki.ci_key.hex(), "makers": makers}


def _folded(section: ServersSection) -> dict[str, str]:
    """Return the support servers that become functions of an SM-SR: id → SM-SR."""
    if section.layout != "inside-sm-sr":
        return {}
    return {name: str(section.actors[name].sm_sr) for name in section.of_kind("support-server")}


def _pairs(roles: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (one, other)
        for one, other in combinations(roles, 2)
        if frozenset((roles[one], roles[other])) in _MEET
    ]


def _key_row(lab: Lab, one: str, other: str) -> dict[str, Any]:
    assert lab.server_keys is not None  # noqa: S101 - the caller looked
    kvn, auth, mac, wrap = lab.server_keys.link(one, other)
    return {
        "between": [one, other],
        "kvn": kvn,
        "auth": auth.hex(),
        "mac": mac.hex(),
        "wrap": wrap.hex(),
    }


class _Making:
    """Makes the rows of the actors."""

    def __init__(
        self,
        lab: Lab,
        section: ServersSection,
        smpp: str | None,
        folded: dict[str, str],
        ports: Mapping[str, int],
    ) -> None:
        self._lab = lab
        self._section = section
        self._smpp = smpp
        self._folded = folded
        self._ports = ports

    def actor(self, name: str) -> dict[str, Any]:
        actor = self._section.actors[name]
        port = self._ports.get(name, actor.port)
        row = {"id": name, "kind": actor.kind, "port": port, "store": actor.store}
        if actor.kind == "mno":
            return row | self._mno(actor)
        if actor.kind == "eum":
            return row | self._eum(actor)
        if actor.kind == "sm-dp":
            made = {"templates": self._templates(), "links": self._dedicated(name)}
            return row | made | self._identity(name, "sm-dp")
        if actor.kind == "support-server":
            host = actor.sm_sr if self._section.layout == "one-server" else None
            links = {"main": "network"}
            if actor.dedicated_line_from is not None:
                links[DEDICATED_LINK] = "dedicated-line"
            more = {"host": host, "managing": self._managing(), "links": links}
            return row | self._support() | more
        return row | self._sm_sr(name, actor)

    def _mno(self, actor: ActorSection) -> dict[str, Any]:
        receiver = self._folded.get(str(actor.packets_to), str(actor.packets_to))
        kind = self._section.actors[receiver].kind
        return {
            "routing": {"route": kind, "receiver": receiver},
            "sm_sr": actor.sm_sr,
            "numbers": _numbers(actor),
        }

    def _eum(self, actor: ActorSection) -> dict[str, Any]:
        keys = self._lab.server_keys
        device = self._lab.file.device
        euiccs: list[dict[str, Any]] = []
        if self._lab.euicc_keys is not None:
            msisdn = device.virtual.msisdn if device and device.virtual else None
            row = {"factory": euicc_factory(self._lab), "msisdn": msisdn, "sm_sr": actor.sm_sr}
            euiccs.append(row)
        return {
            "signing_key": keys.eum_signing.hex() if keys else "",
            "numbers": _numbers(actor),
            "sm_sr": actor.sm_sr,
            "euiccs": euiccs,
        }

    def _identity(self, name: str, kind: str) -> dict[str, Any]:
        """Return certificate and key of an SM-DP or SM-SR, where the key file has them."""
        keys = self._lab.server_keys
        found = keys.pki.identity(name, kind) if keys is not None and keys.pki is not None else None
        if found is None:
            return {}
        return {
            "identity": {"key": found.key.hex(), "certificate": found.certificate.hex()},
        }

    def _templates(self) -> list[dict[str, Any]]:
        """Profiles of a real package: by the name of its file, and the first one as ``ts48``."""
        rows = []
        for number, path in enumerate(self._lab.profiles):
            for name in ("ts48", path.stem) if number == 0 else (path.stem,):
                row = {"profile_type": name, "profile_class": "test", "package_file": str(path)}
                rows.append(row)
        return rows

    def _support(self) -> dict[str, Any]:
        keys = self._lab.server_keys
        assert keys is not None  # noqa: S101 - the caller looked
        signing = keys.signing
        return {
            "signing_keys": {
                "development": signing.development.hex(),
                "commercial": signing.commercial.hex(),
            },
            "policy": self._policy(),
            "devices": self._devices(),
        }

    def _dedicated(self, sm_dp: str) -> dict[str, str]:
        """Return to whom an SM-DP has a dedicated line, and that link's name."""
        return {
            name: DEDICATED_LINK
            for name in self._section.of_kind("support-server")
            if name not in self._folded and self._section.actors[name].dedicated_line_from == sm_dp
        }

    def _managing(self) -> dict[str, str]:
        """Return which SM-SR is told of the profiles of which MNO."""
        mnos = {name: self._section.actors[name] for name in self._section.of_kind("mno")}
        return {name: str(actor.sm_sr) for name, actor in mnos.items()}

    def _policy(self) -> dict[str, Any]:
        device = self._lab.file.device
        manner = self._section.manner or (device.manner if device else "key-set")
        policy: dict[str, Any] = {"manner": manner, "subject": self._section.subject}
        if self._lab.jig is not None:
            policy["jig"] = _jig_policy(self._lab.jig)
        return policy

    def _devices(self) -> list[dict[str, Any]]:
        device, keys, euicc = (
            self._lab.file.device,
            self._lab.device_keys,
            self._lab.euicc_keys,
        )
        if device is None or keys is None or euicc is None:
            return []
        return [
            {
                "device_id": keys.device_id,
                "eid": euicc.eid,
                "life": device.life,
                "kvn": keys.kvn,
                "auth": keys.auth.hex(),
                "enc": keys.enc.hex(),
            }
        ]

    def _sm_sr(self, name: str, actor: ActorSection) -> dict[str, Any]:
        row: dict[str, Any] = {"auto_download": bool(actor.auto_download)}
        if actor.administration_port is not None:
            # The suite counts short messages: a session is opened where a test asks for one.
            row["administration"] = {"port": actor.administration_port, "automatic": False}
        patience: dict[str, float] = {}
        if actor.answer_time is not None:
            patience["answer_s"] = actor.answer_time
            patience["overtake_s"] = min(_OVERTAKE_S, actor.answer_time)
        if actor.attempts is not None:
            patience["attempts"] = actor.attempts
        if patience:
            row["patience"] = patience
        if self._smpp is not None:
            number = NUMBER.format(self._section.of_kind("sm-sr").index(name) + 1)
            row["carrier"] = {
                "address": self._smpp,
                "system_id": self._section.system_id(name),
                "password": accounts(self._lab)[self._section.system_id(name)],
                "number": number,
                "delivery_reports": True,
            }
        if name in self._folded.values():
            row["support"] = self._support()
        return row | self._identity(name, "sm-sr")


def _numbers(actor: ActorSection) -> dict[str, str] | None:
    if actor.iccid_prefix is None or actor.imsi_prefix is None:
        return None
    return {"iccid_prefix": actor.iccid_prefix, "imsi_prefix": actor.imsi_prefix}


def _jig_policy(jig: JigFile) -> dict[str, Any]:
    """Return what the supply must read while the jig is at the pin."""

    def window(nominal: float) -> dict[str, float]:
        return {"low": nominal * (1 - jig.window), "high": nominal * (1 + jig.window)}

    policy: dict[str, Any] = {"dwell_s": jig.dwell}
    if jig.nominal_voltage is not None:
        policy["volts"] = window(jig.nominal_voltage)
    else:
        policy["volts"] = {"low": 0.0, "high": jig.compliance_voltage or 0.0}
    if jig.nominal_current is not None:
        policy["amps"] = window(jig.nominal_current)
    return policy
