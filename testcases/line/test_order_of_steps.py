"""Steps in sequence, repeated, left out or out of their order: only what safety needs is held."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from testcases.line.paper_device import paper_devices

if TYPE_CHECKING:
    from hil.bench.desk import Desk

pytestmark = [
    pytest.mark.requires("servers.support-server", "servers.sm-dp", "servers.eum"),
    pytest.mark.requirement("R-74"),
    pytest.mark.severity("normal"),
]


def request_for(*eids: str) -> ProfileRequest:
    """Return an order of one profile for each eUICC."""
    return ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", amount=len(eids), targets=eids)


def test_steps_may_be_repeated_and_left_out(desk: Desk) -> None:
    """Authentication twice, image made early or not at all, report twice: the end is the same."""
    first, second = paper_devices(desk, 2)
    receipt = desk.support().request_profiles(request_for(first.eid, second.eid))
    iccids = {str(one.eid): one.iccid for one in receipt.profiles}
    with step("The image is ordered early, and again"):
        one = desk.support().build_image(iccids[first.eid])
        two = desk.support().build_image(iccids[first.eid])
        assert one.image_id != two.image_id
    for device in (first, second):
        station = LineStation(desk.station(), device)
        with step("Authenticated twice, once for nothing"):
            station.authenticate()
            assert station.provision().iccid == iccids[device.eid]
        with step("Reported twice, counted once"):
            assert station.report() is None
            assert station.report() is None
    states = {row.iccid: row.state for row in desk.support().images(first.eid)}
    assert states[iccids[first.eid]] == "installed"


def test_steps_may_run_in_parallel(desk: Desk) -> None:
    """Devices authenticate while the next order is under way; neither waits for the other."""
    ready, later = paper_devices(desk, 2)
    desk.support().request_profiles(request_for(ready.eid))
    support = desk.support()
    with ThreadPoolExecutor(1) as pool:
        order = pool.submit(support.request_profiles, request_for(later.eid))
        LineStation(desk.station(), ready).provision()
        assert order.result(timeout=60).state == "delivered"
    assert LineStation(desk.station(), later).provision().eid == later.eid


@pytest.mark.requirement("R-74", "R-22", refusal=True)
@pytest.mark.severity("critical")
def test_what_safety_needs_keeps_its_order(desk: Desk) -> None:
    """No image before the authentication, and a session is judged once."""
    (device,) = paper_devices(desk, 1)
    desk.support().request_profiles(request_for(device.eid))
    station = desk.station()
    offer = station.open_session()
    with step("The image before the authentication"), refusal(Refusal) as early:
        station.fetch_image(offer.session)
    assert early.value.code is RefusalCode.NOT_AUTHENTICATED
    hello = device.hello(offer.server_nonce)
    station.present(offer.session, hello)
    with step("The same presentation again"), refusal(Refusal) as again:
        station.present(offer.session, hello)
    assert again.value.code is RefusalCode.WRONG_STATE
    with step("In its order it goes on"):
        assert station.fetch_image(offer.session).raw
