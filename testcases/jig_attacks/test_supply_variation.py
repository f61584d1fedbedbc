"""Attack 13: the device's own supply at its ends.

Temperature needs a chamber: it is not tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.authentication.watching import for_longer_than, until_accepted, until_not_accepted
from testcases.jig_attacks.playing import needed_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.jig import Jig, Rail
    from hil.bench.meter import Meter
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "power_supply.rail.range", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30"),
    pytest.mark.severity("normal"),
]


@pytest.fixture(params=["lowest", "highest"])
def rail_at_an_end(rail: Rail, request: pytest.FixtureRequest) -> Iterator[Rail]:
    """The rail at the lowest or the highest voltage that it may have; nominal again after."""
    section = rail.section
    assert section.minimum is not None
    volts = section.minimum if request.param == "lowest" else section.max_voltage
    rail.channel.apply(volts, section.current_limit)
    rail.channel.settle()
    yield rail
    rail.channel.apply(section.nominal, section.current_limit)
    rail.channel.settle()


@pytest.mark.usefixtures("rail_at_an_end")
def test_the_window_holds_at_the_ends_of_the_rail(device: Device, jig: Jig, meter: Meter) -> None:
    """The jig is taken, and what lies beyond the window is refused, as at the nominal rail."""
    with step("The genuine voltage is taken"):
        jig.attach()
        until_accepted(device, jig)
        jig.remove()
        until_not_accepted(device, jig)
    for side in (-1, 1):
        edge = jig.nominal_volts * (1 + side * jig.spec.window)
        with step(f"Beyond the {'upper' if side > 0 else 'lower'} edge nothing is taken"):
            jig.attach(edge + side * meter.set_point_uncertainty(edge))
            for_longer_than(
                1.5 * needed_s(jig), lambda: not jig.sense().accepted, "it was accepted"
            )
            jig.remove()
