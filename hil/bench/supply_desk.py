"""The power supply of a bench by itself, for whoever looks at it or switches it off by hand.

Only the supply is reached, or started where it is virtual; nothing else of the bench is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hil.bench.cables import accuracy_of, limits_of, serial_line_of
from hil.bench.launcher import Launcher
from hil.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from hil.bench.config import PowerSupplySection
    from hil.bench.lab import Lab
    from hil.equipment.power_supply import OffReport, PowerSupply

OFF_S = 5.0


def section_of(lab: Lab) -> PowerSupplySection:
    """Return what the bench file says of its supply; UsageError if there is none."""
    if lab.file.power_supply is None:
        raise UsageError(f"bench '{lab.name}' has no power_supply")
    return lab.file.power_supply


@contextmanager
def looked_at(lab: Lab, folder: Path) -> Iterator[PowerSupply]:
    """Give the supply to look at: its outputs, panel and errors stay as they are."""
    from hil.equipment.power_supply import PowerSupply  # noqa: PLC0415

    section = section_of(lab)
    launcher = Launcher(lab, folder)
    try:
        with PowerSupply.look(
            launcher.power_supply(),
            model=section.model,
            limits=limits_of(section),
            expected_serial=section.serial,
            timeout_s=section.timeout,
            serial_line=serial_line_of(section),
            accuracy=accuracy_of(section),
        ) as supply:
            yield supply
    finally:
        launcher.close()


def switch_supply_off(lab: Lab, folder: Path) -> OffReport:
    """Switch all outputs off and prove it, whoever drives the supply: off is always allowed."""
    from hil.equipment.power_supply import switch_off  # noqa: PLC0415

    section = section_of(lab)
    launcher = Launcher(lab, folder)
    try:
        return switch_off(
            launcher.power_supply(),
            section.model,
            OFF_S,
            expected_serial=section.serial,
            serial_line=serial_line_of(section),
        )
    finally:
        launcher.close()


def chosen_channels(section: PowerSupplySection, word: str | None) -> dict[str, int]:
    """Return the channels that ``word`` means, by name: all without it, else by name or number."""
    named = {name: one.channel for name, one in section.channels.by_name.items()}
    if word is None:
        return named
    chosen = {name: n for name, n in named.items() if word in (name, str(n))}
    if not chosen:
        there = ", ".join(f"{name} ({number})" for name, number in named.items())
        raise UsageError(f"no cable hangs on a channel '{word}'; there are: {there or 'none'}")
    return chosen
