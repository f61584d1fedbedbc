"""What the line has done is told to the SM-SR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.authentication.watching import until
from testcases.provisioning_flow import order_for, provision

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.equipment.device.device import Device
    from hil.provisioning.line_station import LineStation


@pytest.mark.requires("device", "card.m2m", "servers.support-server", "servers.sm-sr")
@pytest.mark.requirement("R-65")
@pytest.mark.severity("critical")
def test_the_eis_follows_an_installation_by_image(
    desk: Desk, line_station: LineStation, device: Device, esim: Esim
) -> None:
    """The support server notifies the managing SM-SR; its EIS shows the profile enabled."""
    (ordered,) = order_for(desk, esim, profile_type="deferred").profiles
    assert provision(line_station, device, ordered.iccid).install.result == "installed"
    assert esim.iccid() == ordered.iccid

    def state() -> str | None:
        rows = desk.sm_sr("sm-sr-1").euicc(esim.eid()).profiles
        return next((row.state for row in rows if row.iccid == ordered.iccid), None)

    with step("The notification arrives"):
        until(lambda: state() == "enabled", timeout_s=10.0, otherwise="EIS not updated")
        assert desk.support().outbox_waiting() == 0
