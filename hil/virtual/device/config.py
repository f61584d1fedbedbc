"""What is fixed in a virtual device when it leaves the factory, and what its maker configured."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from hil.errors import ConfigError
from hil.virtual.device.jig_config import JigConfig, read_jig
from hil.virtual.device.strict_json import Section
from hil.wire.device_auth import DeviceKeySet, Manner, Mode

_IMEI: Final = "004999010640000"
_IMEI_DIGITS: Final = 15


class Life(StrEnum):
    """Life state of a device; it decides which signing key is trusted (FIG. 4 (430))."""

    DEVELOPMENT = "development"
    COMMERCIAL = "commercial"


class InputEvent(StrEnum):
    """What may put a device into first mode (claims 16 to 19); the later, the stronger."""

    NONE = "none"
    DATA_TYPE = "data-type"
    AUTHENTICATION = "authentication"
    USER_INPUT = "user-input"
    SERVER_COMMAND = "server-command"


class SkipPlace(StrEnum):
    """Where authentication may be skipped (FIG. 4 (420))."""

    DEVELOPMENT = "development"
    TEST_MODE = "test-mode"


class MannerChange(StrEnum):
    """How one manner of authentication may be replaced by another."""

    AUTHORIZED = "authorized"
    FREE = "free"
    NEVER = "never"


class Installation(StrEnum):
    """What the device does with an image (operation 570)."""

    BOTH = "both"
    STORE_ONLY = "store-only"
    INSTALL_ONLY = "install-only"


class InstallAt(StrEnum):
    """When a stored image is installed."""

    BOOT = "boot"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class RailConfig:
    """The supply rail: on from ``power_good_v``, off below ``brown_out_v``, load while on."""

    power_good_v: float = 3.1
    brown_out_v: float = 2.9
    power_good_s: float = 0.01
    load_ohms: float = 33.0


LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """Channels that the eSIM may open: how many, bytes of each buffer, and where to.

    ``connect_s`` bounds connecting and each sending; a link that is silent for ``idle_s`` drops.
    """

    allow: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = LOOPBACK
    channels: int = 2
    buffer: int = 1500
    connect_s: float = 10.0
    idle_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """Everything about one device that its state folder does not hold."""

    device_id: str
    life: Life
    signing_keys: Mapping[str, bytes]
    key_set: DeviceKeySet | None
    jig: JigConfig
    rail: RailConfig
    channels: ChannelConfig = ChannelConfig()
    eid: str = ""
    manufacturer: str = "HIL"
    model: str = "Virtual Device"
    firmware: str = "1.0.0"
    imei: str = _IMEI
    msisdn: str = "491700000001"
    smsc: str = "491700000000"
    manner: Manner = Manner.KEY_SET
    manner_in_test_mode: Manner | None = None
    manner_change: MannerChange = MannerChange.AUTHORIZED
    skip_allowed: frozenset[SkipPlace] = frozenset(SkipPlace)
    mode: Mode = Mode.SECOND
    input_events: frozenset[InputEvent] = frozenset(InputEvent)
    user_keys: Mapping[str, str] = field(default_factory=dict)
    installation: Installation = Installation.BOTH
    install_at: InstallAt = InstallAt.BOOT
    wait_for_user: bool = False
    attempts: int = 5
    lockout_s: float = 1.0
    authentication_s: float = 600.0
    boot_s: float = 0.05
    max_image: int = 1 << 20
    max_images: int = 8
    window: int = 8
    transfer_idle_s: float = 3.0
    apdu_timeout_s: float = 10.0
    poll_s: float = 30.0

    def trusted(self) -> dict[str, bytes]:
        """Return the one public signing key that the life state trusts."""
        kind = self.life.value
        return {kind: self.signing_keys[kind]} if kind in self.signing_keys else {}


USER_KEYS: Final = {"*1#": "first", "*2#": "second", "*3#": "install"}
"""What the keys of the device's input interface mean, unless configured otherwise."""


def load_config(path: Path) -> DeviceConfig:
    """Read a configuration file.

    Raises:
        ConfigError: absent, not JSON, an unknown key, a value of a wrong type or out of limits.

    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"device configuration {path}: cannot be read ({err})") from err
    return parse_config(raw, where=path.name)


def parse_config(raw: object, *, where: str = "device") -> DeviceConfig:
    """Read a configuration that is JSON already; errors as :func:`load_config`."""
    top = Section(where, raw)
    signing = top.section("signing_keys")
    keys = {kind.value: signing.text(kind.value).encode() for kind in Life if signing.has(kind)}
    signing.end()
    config = DeviceConfig(
        device_id=top.text("device_id"),
        life=top.member("life", Life.DEVELOPMENT),
        signing_keys=keys,
        key_set=_key_set(top.section("key_set")) if top.has("key_set") else None,
        jig=read_jig(top.section("jig")),
        rail=_rail(top.section("rail")),
        channels=_channels(top.section("channels")),
        eid=top.text("eid") if top.has("eid") else "",
        manufacturer=top.text("manufacturer", "HIL"),
        model=top.text("model", "Virtual Device"),
        firmware=top.text("firmware", "1.0.0"),
        imei=_imei(top),
        msisdn=top.text("msisdn", "491700000001"),
        smsc=top.text("smsc", "491700000000"),
        manner=top.member("manner", Manner.KEY_SET),
        manner_in_test_mode=(
            top.member("manner_in_test_mode", Manner.KEY_SET)
            if top.has("manner_in_test_mode")
            else None
        ),
        manner_change=top.member("manner_change", MannerChange.AUTHORIZED),
        skip_allowed=top.members("skip_allowed", SkipPlace),
        mode=top.member("mode", Mode.SECOND),
        input_events=top.members("input_events", InputEvent),
        user_keys=top.texts("user_keys", USER_KEYS),
        installation=top.member("installation", Installation.BOTH),
        install_at=top.member("install_at", InstallAt.BOOT),
        wait_for_user=top.flag("wait_for_user", default=False),
        attempts=top.whole("attempts", 5, low=1, high=100),
        lockout_s=top.number("lockout_s", 1.0),
        authentication_s=top.number("authentication_s", 600.0),
        boot_s=top.number("boot_s", 0.05, high=600.0),
        max_image=top.whole("max_image", 1 << 20, low=1),
        max_images=top.whole("max_images", 8, low=1, high=100),
        window=top.whole("window", 8, low=1, high=32),
        transfer_idle_s=top.number("transfer_idle_s", 3.0, low=0.05),
        poll_s=top.number("poll_s", 30.0, low=0.05),
        apdu_timeout_s=top.number("apdu_timeout_s", 10.0, low=0.05),
    )
    top.end()
    return config


def _key_set(section: Section) -> DeviceKeySet:
    keys = DeviceKeySet(
        section.whole("kvn", 1, high=255), section.octets("auth", 16), section.octets("enc", 16, 32)
    )
    section.end()
    return keys


def _channels(section: Section) -> ChannelConfig:
    plain = ChannelConfig()
    default = " ".join(map(str, plain.allow))
    try:
        allow = tuple(map(ipaddress.ip_network, section.text("allow", default).split()))
    except ValueError as err:
        raise ConfigError(f"device.channels.allow: {err}") from err
    channels = ChannelConfig(
        allow=allow,
        channels=section.whole("channels", plain.channels, low=1, high=7),
        buffer=section.whole("buffer", plain.buffer, low=64, high=65_535),
        connect_s=section.number("connect_s", plain.connect_s, low=0.05),
        idle_s=section.number("idle_s", plain.idle_s, low=0.05),
    )
    section.end()
    return channels


def _rail(section: Section) -> RailConfig:
    plain = RailConfig()
    rail = RailConfig(
        power_good_v=section.number("power_good_v", plain.power_good_v),
        brown_out_v=section.number("brown_out_v", plain.brown_out_v),
        power_good_s=section.number("power_good_s", plain.power_good_s),
        load_ohms=section.number("load_ohms", plain.load_ohms, low=0.1),
    )
    section.end()
    if rail.brown_out_v > rail.power_good_v:
        raise ConfigError("device.rail: brown_out_v lies above power_good_v")
    return rail


def _imei(top: Section) -> str:
    """Return the IMEI; empty for a device that has not got one yet."""
    imei = top.text("imei", _IMEI)
    if imei and not (len(imei) == _IMEI_DIGITS and imei.isascii() and imei.isdigit()):
        raise ConfigError(f"imei: {imei!r} is not {_IMEI_DIGITS} digits, or none at all")
    return imei
