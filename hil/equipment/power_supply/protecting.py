"""OVP and OCP of one output as its cable wants them, as far as the model has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import Dialect, Protection, Setting
from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.readings import ChannelStatus
from hil.errors import ConfigError, SafetyError, UsageError


@dataclass(frozen=True, slots=True)
class _Guard:
    """One protection: the set point that it guards, its level, the waiver in the level's place."""

    name: str
    key: str
    protection: Protection | None
    setting: Setting
    highest: float
    level: float | None
    waiver: str
    delay_s: float | None


def _guards(dialect: Dialect, limits: CableLimits) -> Iterator[_Guard]:
    yield _Guard(
        "OVP", "ovp", dialect.ovp, dialect.volts,
        limits.max_volts, limits.ovp_volts, limits.without_ovp, None,
    )  # fmt: skip
    yield _Guard(
        "OCP", "ocp", dialect.ocp, dialect.amps,
        limits.max_amps, limits.ocp_amps, limits.without_ocp, limits.ocp_delay_s,
    )  # fmt: skip


def check_limits(dialect: Dialect, number: int, limits: CableLimits) -> None:
    """Refuse cable limits that the model cannot give or keep: :class:`ConfigError`.

    A protection that the model lacks must be waived, one that it has must not be; only an OCP that
    trips when the current limit is entered may be, for a channel that is ruled by its current.
    """
    if number not in dialect.channels:
        raise UsageError(f"a {dialect.model} has channels {list(dialect.channels)}, not {number}")
    top = dialect.channels[number]
    if top.negative:
        raise ConfigError(
            f"channel {number} of a {dialect.model} is a negative output; choose a positive one"
        )
    for what, value, highest in (
        ("max_volts", limits.max_volts, top.max_volts),
        ("max_amps", limits.max_amps, top.max_amps),
        ("ovp_volts", limits.ovp_volts, top.max_ovp_volts),
        ("ocp_amps", limits.ocp_amps, top.max_ocp_amps),
    ):
        if value is not None and highest is not None and value > highest:
            raise UsageError(
                f"{what} of channel {number} is {value:g}, a {dialect.model} goes up to "
                f"{highest:g}; mend the bench file"
            )
    if limits.ovp_volts is not None and limits.ovp_volts < top.min_ovp_volts:
        raise UsageError(
            f"ovp_volts of channel {number} is {limits.ovp_volts:g}, the OVP of a {dialect.model} "
            f"begins at {top.min_ovp_volts:g}; mend the bench file"
        )
    for guard in _guards(dialect, limits):
        _check_waiver(dialect, number, guard)


def check_together(dialect: Dialect, numbers: Collection[int]) -> None:
    """Refuse more than one channel of a model whose outputs all go on and off together."""
    if dialect.output.together and len(numbers) > 1:
        raise ConfigError(
            f"all outputs of a {dialect.model} go on and off together; use one channel of it, not "
            f"{sorted(numbers)}"
        )


def _check_waiver(dialect: Dialect, number: int, guard: _Guard) -> None:
    protection, key = guard.protection, guard.key
    if protection is None and not guard.waiver:
        raise ConfigError(
            f"channel {number}: a {dialect.model} has no {guard.name} that a program can set. Use "
            f"another supply, or write without_{key}: 'why that is safe here' in the place of {key}"
        )
    if protection is not None and guard.waiver and (protection.level or protection.switch is None):
        raise ConfigError(
            f"channel {number}: a {dialect.model} has {guard.name}; write its level as {key} "
            f"instead of without_{key}"
        )
    if guard.delay_s is not None and (protection is None or protection.delay is None):
        raise ConfigError(f"channel {number}: the {guard.name} of a {dialect.model} has no delay")


def protect(console: Console, number: int, limits: CableLimits) -> None:
    """Set levels and delays, switch the protections on, read everything back."""
    for guard in _guards(console.dialect, limits):
        protection = guard.protection
        if protection is None:
            continue
        if protection.level is not None and guard.level is not None:
            if protection.not_below_setting and console.value(guard.setting, number) > guard.level:
                console.put(guard.setting, number, guard.highest)
            console.put(protection.level, number, guard.level)
        if protection.delay is not None and guard.delay_s is not None:
            console.put(protection.delay, number, guard.delay_s)
        wanted = not guard.waiver
        switch = protection.switch
        if switch is not None and console.yes(switch.state, number) is not wanted:
            console.switch(switch, number, wanted)


def require_protected(
    dialect: Dialect, limits: CableLimits, status: ChannelStatus, where: str
) -> None:
    """Raise :class:`SafetyError` unless the protections read back as the cable wants them."""
    found = {"OVP": (status.ovp_on, status.ovp_volts), "OCP": (status.ocp_on, status.ocp_amps)}
    for guard in _guards(dialect, limits):
        if guard.protection is None or guard.waiver:
            continue
        on, level = found[guard.name]
        setting = guard.protection.level
        off_level = (
            setting is not None
            and guard.level is not None
            and (level is None or abs(level - guard.level) > setting.step / 2 + 1e-9)
        )
        if not on or off_level:
            at = "" if level is None else f" at {level:g}"
            wanted = f" at {guard.level:g}" if setting is not None else ""
            raise SafetyError(
                f"{where}: {guard.name} reads back {'on' if on else 'off'}{at} instead of "
                f"on{wanted}; somebody changed it, protect again"
            )


def trips_at_current_limit(dialect: Dialect, limits: CableLimits) -> bool:
    """Whether the OCP would switch the output off as soon as its current limit rules it."""
    ocp = dialect.ocp
    return ocp is not None and ocp.level is None and not limits.without_ocp
