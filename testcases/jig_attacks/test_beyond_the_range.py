"""Attack 6: voltages that no jig has, and no voltage at all.

A supply cannot pull its output below 0 V, and shorting the pin needs a relay: neither is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.authentication.watching import for_longer_than, until_accepted, until_not_accepted
from testcases.jig_attacks.playing import needed_s

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30", refusal=True),
    pytest.mark.severity("critical"),
]


@pytest.mark.units(times="of the nominal voltage")
@pytest.mark.parametrize("times", [0.5, 1.5, 2.0, None], ids=["half", "1.5x", "2x", "most"])
def test_another_voltage_is_refused(jig: Jig, times: float | None) -> None:
    """Half, one and a half, twice the nominal voltage, and the most that the cable may carry."""
    highest = jig.section.max_voltage
    volts = highest if times is None else min(times * jig.nominal_volts, highest)
    jig.attach(volts)
    for_longer_than(
        2 * needed_s(jig), lambda: not jig.sense().accepted, f"{volts:g} V was accepted"
    )


def test_an_open_pin_is_refused(jig: Jig) -> None:
    """A pin that nobody drives is no jig."""
    for_longer_than(3 * needed_s(jig), lambda: not jig.sense().accepted, "an open pin was accepted")


def test_too_much_voltage_revokes(device: Device, jig: Jig) -> None:
    """An accepted jig whose voltage jumps to the most the cable may carry is one no more."""
    jig.attach()
    until_accepted(device, jig)
    with step("The voltage jumps"):
        jig.channel.apply(jig.section.max_voltage, jig.nominal_amps)
    until_not_accepted(device, jig)
