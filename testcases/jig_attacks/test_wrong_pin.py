"""Attack 15: the right voltage on the pin beside the jig pin, on both, and on neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testcases.authentication.watching import for_longer_than, until_accepted, until_not_accepted
from testcases.jig_attacks.playing import needed_s

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "power_supply.neighbour", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30", refusal=True),
    pytest.mark.severity("critical"),
]


def test_the_wrong_pin_is_refused(jig: Jig, neighbour: Jig) -> None:
    """The two pins swapped: the jig's voltage on the neighbour, nothing on the jig pin."""
    neighbour.attach()
    for_longer_than(
        2 * needed_s(jig), lambda: not jig.sense().accepted, "the wrong pin was accepted"
    )


def test_both_pins_are_refused(jig: Jig, neighbour: Jig) -> None:
    """A source that drives every pin it can reach is no jig."""
    neighbour.attach()
    jig.attach()
    for_longer_than(2 * needed_s(jig), lambda: not jig.sense().accepted, "both pins were accepted")


def test_a_neighbour_that_comes_up_later_revokes(device: Device, jig: Jig, neighbour: Jig) -> None:
    """What would have been refused at first is not tolerated afterwards."""
    jig.attach()
    until_accepted(device, jig)
    neighbour.attach()
    until_not_accepted(device, jig)
