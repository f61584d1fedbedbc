"""Attack 1: the right voltage, held by anybody who has a bench supply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal
from hil.evidence import step
from hil.wire.device_auth import Manner
from testcases.authentication.watching import until_accepted

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.jig import Jig
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device.keys", "power_supply.jig", "jig"),
    pytest.mark.requirement("R-24", "R-25", refusal=True),
    pytest.mark.severity("blocker"),
]


def test_the_voltage_alone_is_not_enough_where_both_are_asked_for(
    owner: DeviceOwner, device: Device, jig: Jig
) -> None:
    """A spoof without the key set gets nowhere; the genuine server with the same jig does.

    The manner ``jig`` alone stands or falls with this attack: it is a weak factor by itself.
    """
    owner.command_manner(Manner.BOTH)
    jig.attach()
    until_accepted(device, jig)
    with step("The spoof answers the challenge with a proof it cannot make"):
        owner.hello()
        with refusal(DeviceRefusal):
            device.authenticate(bytes(16))
        assert device.status().server_auth != "passed"
    with step("The holder of the key set is taken"):
        owner.wait_unlocked()
        assert owner.authenticate() == "passed"
