"""Parts of the factory file around SGP.02 functions; what is not in print has a default here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from hil.errors import CodecError, ConfigError
from hil.virtual.euicc.factory_fields import (
    closed,
    hex_bytes,
    hex_list,
    mapping,
    number,
    seconds,
    switch,
)
from hil.wire.ecc import PrivateKey, PublicKey, curve_of
from hil.wire.gp_certificate import SIGNING_USAGES, Certificate
from hil.wire.isdr_commands import DGI_ADDRESSING, DGI_EMERGENCY
from hil.wire.key_establishment_messages import CHALLENGES
from hil.wire.sms_address import INTERNATIONAL, Address

_ECASD: Final = frozenset(
    {
        "ci_key",
        "ecka",
        "curve",
        "certificate",
        "challenge_size",
        "usages",
        "revoked",
        "today",
        "sin",
    }
)
_NOTIFICATIONS: Final = frozenset(
    {"number", "enabled", "attempts", "confirmation_s", "retry_s", "imei"}
)


@dataclass(frozen=True, slots=True)
class EcasdData:
    """What the ECASD holds, and how it judges certificates.

    PK.CI.ECDSA, SK.ECASD.ECKA and its certificate (``7F21``); the length of RC; key usages under
    which a certificate's key may sign; serial numbers that are revoked; the day, where the card
    knows one; the issuer identification number (42) that enters a key agreement with identifiers.
    """

    ci_key: PublicKey
    ecka: PrivateKey
    certificate: bytes
    challenge_size: int = 16
    usages: frozenset[bytes] = SIGNING_USAGES
    revoked: frozenset[bytes] = frozenset()
    today: date | None = None
    sin: bytes = b""


@dataclass(frozen=True, slots=True)
class NotificationRules:
    """How the card writes to its SM-SR.

    ``number``: where to, ``None`` until it is known. ``enabled``: ``None`` for as soon as it is.
    A notification is sent ``attempts`` times, again after ``retry_s`` if the terminal could not
    send it and after ``confirmation_s`` if it was not confirmed. ``imei``: the terminal is asked
    for its IMEI first, which then goes with it.
    """

    number: Address | None = None
    enabled: bool | None = None
    attempts: int = 3
    confirmation_s: float = 120.0
    retry_s: float = 20.0
    imei: bool = False


@dataclass(frozen=True, slots=True)
class LocalGroups:
    """Data groupings that are not in print: local functions (ESx), attribute, addressing."""

    enable_test: int = 0x3A0A
    disable_test: int = 0x3A0B
    enable_emergency: int = 0x3A0C
    disable_emergency: int = 0x3A0D
    set_emergency: int = DGI_EMERGENCY
    addressing: int = DGI_ADDRESSING

    @property
    def local(self) -> tuple[int, ...]:
        """Those that come without a secure channel."""
        return (
            self.enable_test,
            self.disable_test,
            self.enable_emergency,
            self.disable_emergency,
        )


def read_ecasd(raw: Mapping[str, object]) -> EcasdData | None:
    """Read ``ecasd``, ``None`` if it is missing."""
    if raw.get("ecasd") is None:
        return None
    where = "ecasd"
    row = mapping(raw["ecasd"], where)
    closed(row, _ECASD, where)
    try:
        curve = curve_of(bytes((number(row, "curve", where, default=0) & 0xFF,)))
        key = PrivateKey(curve, hex_bytes(row, "ecka", where))
        ci_key = PublicKey.decode(hex_bytes(row, "ci_key", where))
        certificate = Certificate.decode(hex_bytes(row, "certificate", where))
    except CodecError as err:
        raise ConfigError(f"factory file, ecasd: {err}") from err
    if certificate.public_key != key.public:
        raise ConfigError("factory file, ecasd: certificate is not that of ecka")
    size = number(row, "challenge_size", where, default=16)
    if size not in CHALLENGES:
        raise ConfigError(f"factory file, ecasd: challenge_size {size} is neither 16 nor 32")
    return EcasdData(
        ci_key,
        key,
        certificate.encode(),
        challenge_size=size,
        usages=frozenset(hex_list(row, "usages", where)) or SIGNING_USAGES,
        revoked=frozenset(hex_list(row, "revoked", where)),
        today=_day(row.get("today")),
        sin=hex_bytes(row, "sin", where) if "sin" in row else b"",
    )


def read_notifications(raw: Mapping[str, object]) -> NotificationRules:
    """Read ``notifications``."""
    if raw.get("notifications") is None:
        return NotificationRules()
    where = "notifications"
    row = mapping(raw["notifications"], where)
    closed(row, _NOTIFICATIONS, where)
    given = row.get("number")
    try:
        destination = None if given is None else Address(str(given), INTERNATIONAL)
    except CodecError as err:
        raise ConfigError(f"factory file, notifications: number: {err}") from err
    attempts = number(row, "attempts", where, default=3)
    if not attempts:
        raise ConfigError("factory file, notifications: attempts must be a number from 1")
    return NotificationRules(
        destination,
        switch(row, "enabled", where),
        attempts,
        seconds(row, "confirmation_s", where, default=120.0),
        seconds(row, "retry_s", where, default=20.0),
        imei=switch(row, "imei", where) or False,
    )


def read_fallback(raw: Mapping[str, object]) -> float | None:
    """Read ``fallback_after_s``."""
    if raw.get("fallback_after_s") is None:
        return None
    return seconds(raw, "fallback_after_s", "fallback", default=0.0)


def read_local_groups(raw: Mapping[str, object]) -> LocalGroups:
    """Read ``local_groups``: names of :class:`LocalGroups`, DGIs of four hex digits."""
    if raw.get("local_groups") is None:
        return LocalGroups()
    where = "local_groups"
    row = mapping(raw["local_groups"], where)
    closed(row, frozenset(LocalGroups.__dataclass_fields__), where)
    values = {name: int.from_bytes(hex_bytes(row, name, where), "big") for name in row}
    if any(not 0x0100 <= one <= 0xFFFF for one in values.values()):
        raise ConfigError("factory file, local_groups: a DGI has four hex digits")
    made = LocalGroups(**values)
    if len({*made.local, made.set_emergency, made.addressing}) != len(made.local) + 2:
        raise ConfigError("factory file, local_groups: two functions share one DGI")
    return made


def _day(value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as err:
        raise ConfigError("factory file, ecasd: today must be YYYY-MM-DD") from err
