"""From the order to the enabled profile: SM-DP, support server, line station, device, eSIM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from testcases.provisioning_flow import order_for, provision

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.equipment.device.device import Device
    from hil.provisioning.line_station import LineStation

GSMA_TEST_PROFILE = pytest.param("ts48", marks=pytest.mark.requires("profiles.ts48"))

pytestmark = pytest.mark.requires("device", "card.m2m", "servers.support-server", "servers.sm-dp")


@pytest.mark.requirement(
    "R-01", "R-13", "R-16", "R-17", "R-22", "R-27", "R-36", "R-41", "R-44", "R-66"
)
@pytest.mark.severity("blocker")
@pytest.mark.parametrize(
    "profile_type", ["test", "provisioning", "prepaid", "deferred", GSMA_TEST_PROFILE]
)
def test_a_profile_goes_from_the_order_to_the_card(
    desk: Desk, line_station: LineStation, device: Device, esim: Esim, profile_type: str
) -> None:
    """Order, packets, image, authentication, transfer, boot, installation, report."""
    receipt = order_for(desk, esim, profile_type=profile_type)
    (ordered,) = receipt.profiles
    assert ordered.state == "delivered"
    done = provision(line_station, device, ordered.iccid)
    assert (done.install.result, done.install.iccid) == ("installed", ordered.iccid)
    assert done.line.server_said == "passed"
    assert done.line.device_said == "passed"
    with step("The card shows the ordered profile, enabled"):
        enabled = esim.enabled()
        assert enabled is not None
        assert enabled.state is ProfileState.ENABLED
        assert esim.iccid() == ordered.iccid
