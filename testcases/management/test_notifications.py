"""What the line has done is told to the SM-SR."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.support_server.outbox import StatusNotification
from hil.wire.identifiers import isd_p_aid
from testcases.authentication.watching import until
from testcases.line.paper_device import paper_devices
from testcases.provisioning_flow import order_for, provision

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.equipment.device.device import Device


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


@pytest.mark.requires("servers.support-server", "servers.sm-sr", "servers.eum")
@pytest.mark.requirement("R-65")
@pytest.mark.severity("critical")
def test_a_lost_notification_is_repeated_until_it_arrives(desk: Desk) -> None:
    """The SM-SR does not know the eUICC yet: the notification waits, and comes with the EIS."""
    if desk.servers.section.layout == "inside-sm-sr":
        not_applicable("support server and SM-SR are one: nothing travels between them")
    (device,) = paper_devices(desk, 1, sm_sr="sm-sr-2")
    request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(device.eid,))
    (ordered,) = desk.support().request_profiles(request).profiles
    station = LineStation(desk.station(), device)
    station.provision(ordered.iccid)
    assert station.report() is None
    with step("It waits, however often it is sent"):
        assert desk.support().outbox_waiting() > 0
        assert desk.support().flush_outbox() > 0
    with step("The EIS arrives, and with it what happened"):
        desk.eum().deliver_eis(device.eid, "sm-sr-1")
        assert desk.support().flush_outbox() == 0
        rows = desk.sm_sr("sm-sr-1").euicc(device.eid).profiles
        assert {row.iccid: row.state for row in rows}[ordered.iccid] == "enabled"


@pytest.mark.requires("servers.support-server", "servers.sm-sr", "servers.eum")
@pytest.mark.requirement("R-65", "R-68", refusal=True)
@pytest.mark.severity("critical")
def test_nobody_else_tells_the_sm_sr_what_a_card_holds(desk: Desk) -> None:
    """A stranger, and a peer of another role: refused, and the EIS stays as it was."""
    eid = desk.new_euicc(sm_sr="sm-sr-1")
    told = StatusNotification(
        notification_id=secrets.token_hex(16),
        eid=eid,
        iccid="8900109999999999995",
        isdp_aid=isd_p_aid(0x11).hex(),
        mno="mno-1",
        sm_dp="sm-dp-1",
        event="enabled",
        at=0.0,
    )
    before = desk.sm_sr("sm-sr-1").euicc(eid)
    with step("A stranger"), refusal(Refusal) as refused:
        desk.stranger(SmSrClient, "sm-sr-1", me="sm-dp-1").notify(told)
    assert refused.value.code is RefusalCode.NOT_AUTHENTICATED
    with (
        step("An SM-DP"),
        desk.servers.client(SmSrClient, "sm-sr-1", me="sm-dp-1") as peer,
        refusal(Refusal) as forbidden,
    ):
        peer.notify(told)
    assert forbidden.value.code is RefusalCode.NOT_ALLOWED
    assert desk.sm_sr("sm-sr-1").euicc(eid) == before
