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
from hil.provisioning.support_server.devices import DeviceRecord
from testcases.line.paper_device import paper_devices

if TYPE_CHECKING:
    from hil.bench.desk import Desk

pytestmark = [
    pytest.mark.requires("servers.support-server", "servers.sm-dp", "servers.eum"),
    pytest.mark.requirement("R-74"),
    pytest.mark.severity("normal"),
]


NO_DISABLE = 1


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
    with step("Of two images the later one was given out"):
        assert first.image is not None
        assert first.image.image_id == two.image_id
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


@pytest.mark.requirement("R-05", "R-18", "R-74")
def test_profiles_of_one_device_go_in_their_order_or_by_choice(desk: Desk) -> None:
    """Without a choice the one that came first goes first; who names another one gets that."""
    one, other = paper_devices(desk, 2)
    for device in (one, other):
        iccids = []
        for _ in range(2):
            (profile,) = desk.support().request_profiles(request_for(device.eid)).profiles
            iccids.append(profile.iccid)
        first, second = iccids
        station = LineStation(desk.station(), device)
        order = (first, second) if device is one else (second, first)
        with step("As they came" if device is one else "The second one by its name"):
            chosen = None if device is one else second
            assert station.provision(chosen).iccid == order[0]
            assert station.report() is None
            assert station.provision().iccid == order[1]
            assert station.report() is None


@pytest.mark.requirement("R-38", "R-74")
def test_an_image_that_is_fetched_again_is_the_same(desk: Desk) -> None:
    """A transfer that broke off is repeated with the same image, in this session and in the next.

    No counter of the card is used up by it.
    """
    (device,) = paper_devices(desk, 1)
    desk.support().request_profiles(request_for(device.eid))
    station = desk.station()
    found = []
    for _ in range(2):
        offer = station.open_session()
        station.present(offer.session, device.hello(offer.server_nonce))
        found += [station.fetch_image(offer.session) for _ in range(2)]
    assert len({one.image_id for one in found}) == 1
    assert len({one.raw for one in found}) == 1


@pytest.mark.requirement("R-22", "R-47", "R-74", refusal=True)
@pytest.mark.severity("critical")
def test_an_image_does_not_follow_an_esim_into_a_session_of_another_device(desk: Desk) -> None:
    """The eSIM is entered for another device after the first one was let in: that gets nothing."""
    first, second = paper_devices(desk, 2)
    desk.support().request_profiles(request_for(first.eid))
    station = desk.station()
    offer = station.open_session()
    station.present(offer.session, first.hello(offer.server_nonce))
    with step("The two devices have changed their eSIMs"):
        spare = desk.new_euicc()
        for device, eid in ((first, spare), (second, first.eid)):
            record = DeviceRecord(device.device_id, eid, "development", device.keys)
            desk.support().register_device(record)
    with refusal(Refusal) as refused:
        station.fetch_image(offer.session)
    assert refused.value.code is RefusalCode.NOT_ALLOWED


@pytest.mark.requires("servers.sm-sr")
@pytest.mark.requirement("R-63", "R-70")
@pytest.mark.requirement("R-63", "R-70", refusal=True)
@pytest.mark.severity("critical")
def test_an_image_that_policy_rules_forbid_does_not_leave(desk: Desk) -> None:
    """POL2 forbids to disable the enabled profile: the image that would is kept until it allows."""
    (device,) = paper_devices(desk, 1)
    sm_sr = desk.sm_sr("sm-sr-1")
    station = LineStation(desk.station(), device, error_message=lambda _: None)
    with step("The first profile is installed, and pinned by POL2"):
        (pinned,) = desk.support().request_profiles(request_for(device.eid)).profiles
        station.provision(pinned.iccid)
        assert station.report() is None
        assert desk.support().flush_outbox() == 0
        sm_sr.set_policy(device.eid, pinned.iccid, NO_DISABLE)
    (wanted,) = desk.support().request_profiles(request_for(device.eid)).profiles
    with step("The image of the second"), refusal(Refusal, match="POL2") as refused:
        station.provision(wanted.iccid)
    assert refused.value.code is RefusalCode.POLICY
    with step("POL2 allows it"):
        sm_sr.set_policy(device.eid, pinned.iccid, 0)
        assert station.provision(wanted.iccid).iccid == wanted.iccid
