"""The configuration of ``python -m hil.provisioning.serve``: which actors, and what they share.

JSON, read strictly; keys are hex. See ``docs/servers.md``.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hil.errors import ConfigError
from hil.provisioning.batches import BATCH, MAX_BATCH
from hil.provisioning.http.device_messages import PolicyMessage
from hil.provisioning.http.messages import HexBytes
from hil.provisioning.support_server.workshop import CounterMoves
from hil.provisioning.trust import Role

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
Secret = Annotated[HexBytes, Field(repr=False)]
AnySecret = Annotated[HexBytes | None, Field(repr=False)]


class Section(BaseModel):
    """One object of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Numbers(Section):
    """Prefixes of the numbers that an issuer gives out."""

    iccid_prefix: str
    imsi_prefix: str
    msisdn_prefix: str | None = None


class SubscriptionRow(Section):
    """A subscription that an MNO has from the start."""

    iccid: str
    imsi: str
    sm_sr: str
    k: Secret
    opc: Secret
    msisdn: str | None = None


class RoutingRow(Section):
    """Where an MNO wants its packets."""

    route: Literal["support-server", "sm-sr"]
    receiver: Name


class Actor(Section):
    """What every actor has. ``store``: an SQLAlchemy URL instead of a file in the state folder."""

    id: Name
    port: Port = 0
    store: str | None = None


class MnoSection(Actor):
    """An MNO; ``sm_sr`` manages the profiles of the subscriptions it makes on demand."""

    kind: Literal["mno"]
    routing: RoutingRow
    sm_sr: Name
    numbers: Numbers | None = None
    subscriptions: tuple[SubscriptionRow, ...] = ()


class EuiccRow(Section):
    """An eUICC: factory data, or the file that has them; ``sm_sr`` gets the EIS at the start."""

    factory: dict[str, Any] | None = Field(default=None, repr=False)
    factory_file: Path | None = None
    msisdn: str | None = None
    sm_sr: Name | None = None


class EumSection(Actor):
    """An eUICC maker; ``signing_key`` is a P-256 scalar of 32 bytes."""

    kind: Literal["eum"]
    signing_key: Secret
    numbers: Numbers | None = None
    sm_sr: Name | None = None
    euiccs: tuple[EuiccRow, ...] = ()


class TemplateRow(Section):
    """How profiles of one type are made; ``package_file`` is a DER file to personalise."""

    profile_type: str
    profile_class: Literal["operational", "provisioning", "test"]
    package_file: Path | None = None
    memory: int = Field(default=0, ge=0)
    block: int = Field(default=1024, ge=64, le=65535)


class IdentitySection(Section):
    """The certificate of an SM-DP or SM-SR (7F21), and the key that goes with it."""

    key: Secret
    certificate: HexBytes


class CertificatesSection(Section):
    """PK.CI (the value of 7F49), and the certificates of eUICC makers (7F21) by their id."""

    ci_key: HexBytes
    makers: dict[Name, HexBytes] = {}


class SmDpSection(Actor):
    """An SM-DP. ``links`` says for a receiver on which of its links packets go (else ``main``).

    ``cores``: how many make packets side by side. ``batch``: profiles of a large order that go the
    whole way together. With an ``identity`` it can establish keys with eUICCs and download profiles
    through an SM-SR; ``card_timeout_s`` bounds each thing that a card is to do for it.
    """

    kind: Literal["sm-dp"]
    cores: int = Field(default=1, ge=1, le=256)
    batch: int = Field(default=BATCH, ge=1, le=MAX_BATCH)
    identity: IdentitySection | None = None
    card_timeout_s: float = Field(default=3600.0, gt=0)
    templates: tuple[TemplateRow, ...] = ()
    links: dict[Name, Name] = {}


class DeviceRow(Section):
    """A device of the device maker."""

    device_id: Name
    eid: str
    life: Literal["development", "commercial"] = "commercial"
    kvn: int | None = None
    auth: AnySecret = None
    enc: AnySecret = None


class SigningKeys(Section):
    """Image signing keys, P-256 scalars of 32 bytes."""

    development: AnySecret = None
    commercial: AnySecret = None


class SupportFunctions(Section):
    """The functions of a support server, alone or inside an SM-SR.

    ``cores``: how many make images side by side; None: all of the machine.
    """

    cores: int | None = Field(default=None, ge=1, le=256)
    signing_keys: SigningKeys
    policy: PolicyMessage = PolicyMessage()
    attempt_limit: int = Field(default=5, ge=1)
    enable: bool = True
    counter_moves: CounterMoves = "external-authenticate"
    devices: tuple[DeviceRow, ...] = ()


class SupportSection(Actor, SupportFunctions):
    """A support server. ``links``: name → kind; packets come on these only.

    ``host``: an SM-SR whose process, port and store it shares (one server with it). ``managing``:
    MNO → SM-SR, where several SM-SRs are notified.
    """

    kind: Literal["support-server"]
    links: dict[Name, str] = {"main": "network"}
    host: Name | None = None
    managing: dict[Name, Name] = {}


class CarrierSection(Section):
    """The SMS centre of an SM-SR.

    ``delivery_reports``: the centre brings what cards say in delivery reports, when asked for it.
    """

    address: str
    system_id: str
    password: str = Field(repr=False)
    number: str
    timeout_s: float = Field(default=10.0, gt=0)
    delivery_reports: bool = False


class SizeSection(Section):
    """Octets of one short message, and how many messages a packet may have."""

    octets: int = 140
    parts: int = 20


class PatienceSection(Section):
    """How long an SM-SR waits for proofs of receipt."""

    answer_s: float = Field(default=10.0, gt=0)
    back_off: float = Field(default=2.0, ge=1)
    longest_s: float = Field(default=300.0, gt=0)
    overtake_s: float = Field(default=1.0, ge=0)
    attempts: int = Field(default=6, ge=1)


class AdministrationSection(Section):
    """HTTPS administration sessions (SCP81) of an SM-SR: where it listens, and when they are used.

    Jobs of more than ``commands`` commands or ``messages`` short messages go in sessions where the
    eUICC has SCP81; without ``automatic`` only those for which the caller asks for it.
    """

    address: str = "127.0.0.1"
    port: Port = 0
    public_address: str | None = None
    public_port: Port | None = None
    host: str = Field(default="", pattern=r"^[\x21-\x7e]*$")
    uri: str = Field(default="/admin", pattern=r"^/[\x21-\x3e\x40-\x7e]*$")
    idle_s: float = Field(default=30.0, gt=0)
    automatic: bool = True
    commands: int = Field(default=5, ge=0)
    messages: int = Field(default=20, ge=0)


class SmSrSection(Actor):
    """An SM-SR; with ``support`` it offers the functions of a support server itself.

    ``authorised``: SM-DP → MNOs on whose behalf it may manage profiles that it did not make. With
    an ``identity`` it can take over eUICCs from other SM-SRs.
    """

    kind: Literal["sm-sr"]
    carrier: CarrierSection | None = None
    size: SizeSection = SizeSection()
    patience: PatienceSection = PatienceSection()
    administration: AdministrationSection | None = None
    auto_download: bool = False
    links: dict[Name, str] = {"main": "network"}
    support: SupportFunctions | None = None
    authorised: dict[Name, tuple[Name, ...]] = {}
    identity: IdentitySection | None = None


class KeyRow(Section):
    """The key set that two peers share."""

    between: tuple[Name, Name]
    kvn: int = 1
    auth: Secret
    mac: Secret
    wrap: Secret


class PeerRow(Section):
    """A party outside this process: a line station, an operator, or a server (then with ``url``).

    The eUICC maker's public key is needed where an SM-SR here gets its EIS. ``server_name`` is what
    the server's certificate must name, if not the host of ``url``; ``subject`` the whole subject
    (RFC 4514) of a certificate that does not have the id as CN and the role as OU.
    """

    id: Name
    role: Role
    url: str | None = None
    server_name: str | None = None
    subject: str | None = None
    public_key_pem: str | None = None


AnyActor = Annotated[
    MnoSection | EumSection | SmDpSection | SupportSection | SmSrSection,
    Field(discriminator="kind"),
]


class ServeConfig(Section):
    """The whole file. ``state``: a folder for the stores, or None to keep everything in memory.

    ``certificates``: a folder as in :mod:`hil.provisioning.http.tls`. Without it the servers speak
    plain HTTP, and listen on loopback only.
    """

    state: Path | None = None
    host: str = "127.0.0.1"
    certificates: Path | None = None
    timeout_s: float = Field(default=30.0, gt=0)
    actors: tuple[AnyActor, ...] = Field(min_length=1)
    keys: tuple[KeyRow, ...] = ()
    peers: tuple[PeerRow, ...] = ()
    euicc_certificates: CertificatesSection | None = None


def read_config(path: Path) -> ServeConfig:
    """Read the file; ConfigError says where it is wrong, and never what a key is."""
    try:
        text = path.read_bytes()
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read: {err.strerror}") from err
    return parse_config(text, str(path))


def parse_config(text: bytes | str, name: str) -> ServeConfig:
    """Parse a configuration called ``name`` in errors."""
    try:
        config = ServeConfig.model_validate_json(text)
    except ValidationError as err:
        rows = [f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in err.errors()[:8]]
        raise ConfigError(f"{name}: " + "; ".join(rows)) from None
    if config.certificates is None and not is_loopback(config.host):
        raise ConfigError(
            f"{name}: host {config.host} is not loopback: without 'certificates' it would be "
            "plain HTTP for everybody"
        )
    ids = [actor.id for actor in config.actors] + [peer.id for peer in config.peers]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ConfigError(f"{name}: the id {twice[0]!r} stands there twice")
    for row in config.keys:
        for one in row.between:
            if one not in ids:
                raise ConfigError(f"{name}: keys between {' and '.join(row.between)}: no {one!r}")
    return config


def is_loopback(host: str) -> bool:
    """Whether ``host`` is an address that only this computer reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
