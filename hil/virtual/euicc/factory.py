"""What the eUICC maker puts into the card: identity, key sets, memory, bootstrap profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hil.errors import CodecError, ConfigError
from hil.virtual.euicc import atr
from hil.virtual.euicc.admin_settings import Scp81, read_scp81
from hil.virtual.euicc.atr import Protocol
from hil.virtual.euicc.factory_fields import hex_bytes, mapping, number, rows
from hil.virtual.euicc.factory_options import (
    EcasdData,
    LocalGroups,
    NotificationRules,
    read_ecasd,
    read_fallback,
    read_local_groups,
    read_notifications,
)
from hil.wire.identifiers import is_valid_eid
from hil.wire.scp03 import KeySet
from hil.wire.scp03_channel import check_option
from hil.wire.scp03_keys import SGP02_OPTION

_KNOWN: Final = frozenset(
    {
        "eid",
        "isd_r",
        "isd_p_base",
        "memory",
        "atr",
        "protocol",
        "bootstrap_profile",
        "counter_moves",
        "es6",
        "ecasd",
        "notifications",
        "fallback_after_s",
        "authentication_attempts",
        "local_groups",
    }
)
DEFAULT_MEMORY: Final = 500_000


class CounterMoves(StrEnum):
    """When the sequence counter of an SCP03 key set moves; the standard leaves it to memory."""

    AT_AUTHENTICATION = "external-authenticate"
    AT_INITIALISATION = "initialize-update"


@dataclass(frozen=True, slots=True)
class Scp80Keys:
    """One SCP80 key set as personalised: ``counter`` is the last value used."""

    kvn: int
    kic: bytes = field(repr=False)
    kid: bytes = field(repr=False)
    dek: bytes = field(repr=False)
    counter: int = 0


@dataclass(frozen=True, slots=True)
class Scp03Keys:
    """One SCP03 key set as personalised: ``counter`` is the last value used."""

    keys: KeySet
    counter: int = 0


@dataclass(frozen=True, slots=True)
class Es6:
    """Tags of ES6 functions at the MNO-SD (SGP.02, 4.1.2): recollected, so the maker may say."""

    policy_dgi: int = 0x3A06
    policy_tag: int = 0x81
    connectivity_dgi: int = 0x3A07


@dataclass(frozen=True, slots=True)
class Factory:
    """One card as the maker ships it; ``memory`` in bytes for profiles.

    ``fallback_after_s``: how long the terminal must report no service before the fall-back profile
    takes over, ``None`` for never. ``authentication_attempts``: failures in a row after which
    attempts with a key set are held up, 0 for never.
    """

    eid: str
    scp80: tuple[Scp80Keys, ...]
    scp03: tuple[Scp03Keys, ...]
    isd_p_base: KeySet | None
    memory: int
    atr: bytes
    bootstrap_profile: bytes | None = field(repr=False)
    counter_moves: CounterMoves = CounterMoves.AT_AUTHENTICATION
    ecasd: EcasdData | None = None
    scp81: Scp81 | None = None
    es6: Es6 = field(default_factory=Es6)
    notifications: NotificationRules = field(default_factory=NotificationRules)
    fallback_after_s: float | None = None
    authentication_attempts: int = 10
    local_groups: LocalGroups = field(default_factory=LocalGroups)

    @property
    def protocol(self) -> Protocol:
        """The transmission protocol, which the ATR alone decides."""
        return atr.protocol_of(self.atr)


def read_factory(raw: Mapping[str, object]) -> Factory:
    """Read a factory file; :class:`ConfigError` names the field that is wrong."""
    unknown = sorted(set(raw) - _KNOWN)
    if unknown:
        raise ConfigError(
            f"factory file: unknown field {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}"
        )
    eid = raw.get("eid")
    if not isinstance(eid, str) or not is_valid_eid(eid):
        raise ConfigError(f"factory file, eid: {eid!r} is not 32 digits with right check digits")
    isd_r = mapping(raw.get("isd_r", {}), "isd_r")
    base = raw.get("isd_p_base")
    bootstrap = raw.get("bootstrap_profile")
    try:
        protocol = Protocol(str(raw.get("protocol", Protocol.T0)))
        counter_moves = CounterMoves(str(raw.get("counter_moves", CounterMoves.AT_AUTHENTICATION)))
    except ValueError as err:
        raise ConfigError(f"factory file: {err}") from err
    given_atr = raw.get("atr")
    return Factory(
        eid=eid,
        scp80=tuple(_scp80(row) for row in rows(isd_r, "scp80")),
        scp03=tuple(_scp03(row) for row in rows(isd_r, "scp03")),
        isd_p_base=None if base is None else _key_set(mapping(base, "isd_p_base"), "isd_p_base"),
        memory=number(raw, "memory", "factory file", default=DEFAULT_MEMORY),
        atr=atr.build(protocol) if given_atr is None else hex_bytes(raw, "atr", "factory file"),
        bootstrap_profile=(
            None if bootstrap is None else hex_bytes(raw, "bootstrap_profile", "factory file")
        ),
        counter_moves=counter_moves,
        scp81=read_scp81(isd_r.get("scp81")),
        es6=_es6(mapping(raw.get("es6", {}), "es6")),
        ecasd=read_ecasd(raw),
        notifications=read_notifications(raw),
        fallback_after_s=read_fallback(raw),
        authentication_attempts=number(raw, "authentication_attempts", "factory file", default=10),
        local_groups=read_local_groups(raw),
    )


def _es6(row: Mapping[str, object]) -> Es6:
    default = Es6()
    return Es6(
        policy_dgi=number(row, "policy_dgi", "es6", default=default.policy_dgi),
        policy_tag=number(row, "policy_tag", "es6", default=default.policy_tag),
        connectivity_dgi=number(row, "connectivity_dgi", "es6", default=default.connectivity_dgi),
    )


def _scp80(row: Mapping[str, object]) -> Scp80Keys:
    where = "isd_r.scp80"
    kvn = number(row, "kvn", where)
    if not 1 <= kvn <= 0x0F:
        raise ConfigError(f"factory file, {where}: kvn {kvn} is outside 1 to 15")
    kic, kid, dek = (hex_bytes(row, name, where) for name in ("kic", "kid", "dek"))
    try:
        KeySet(kvn, kic, kid, dek)
    except CodecError as err:
        raise ConfigError(f"factory file, {where}: {err}") from err
    return Scp80Keys(kvn, kic, kid, dek, number(row, "counter", where, default=0))


def _scp03(row: Mapping[str, object]) -> Scp03Keys:
    where = "isd_r.scp03"
    return Scp03Keys(_key_set(row, where), number(row, "counter", where, default=0))


def _key_set(row: Mapping[str, object], where: str) -> KeySet:
    kvn = number(row, "kvn", where)
    if not 0x30 <= kvn <= 0x3F:
        raise ConfigError(f"factory file, {where}: kvn {kvn} is outside 48 to 63 (30 to 3F)")
    enc, mac, dek = (hex_bytes(row, name, where) for name in ("enc", "mac", "dek"))
    option = number(row, "i", where, default=SGP02_OPTION)
    try:
        check_option(option)
        return KeySet(kvn, enc, mac, dek, option)
    except CodecError as err:
        raise ConfigError(f"factory file, {where}: {err}") from err
