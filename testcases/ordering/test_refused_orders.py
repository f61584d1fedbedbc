"""Orders that cannot be: refused with a reason, and nothing of them is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.clients import SmDpClient
from hil.provisioning.orders import ProfileRequest
from testcases.ordering.test_profile_request import own_subscription

if TYPE_CHECKING:
    from hil.bench.desk import Desk

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.support-server"),
    pytest.mark.severity("critical"),
]

UNKNOWN_EID = "89049032123451234512345678901235"


@pytest.mark.requirement("R-01", refusal=True)
def test_the_support_server_asks_no_stranger(desk: Desk) -> None:
    """A request to an SM-DP that is none of its own, or of an MNO nobody knows, is refused."""
    support = desk.support()
    eid = desk.new_euicc()
    before = support.stored()
    for request in (
        ProfileRequest(mno="mno-1", sm_dp="sm-dp-9", targets=(eid,)),
        ProfileRequest(mno="mno-9", sm_dp="sm-dp-1", targets=(eid,)),
    ):
        with refusal(Refusal) as refused:
            support.request_profiles(request)
        assert refused.value.code is RefusalCode.NO_ROUTE
    assert support.stored() == before


@pytest.mark.requirement("R-02", "R-08", refusal=True)
def test_an_mno_orders_for_itself_and_at_its_own_sm_dps(desk: Desk) -> None:
    """An order in another MNO's name, or at an SM-DP it does not work with, goes nowhere."""
    mno = desk.mno("mno-1")
    with step("In the name of another"), refusal(Refusal) as forbidden:
        mno.request_profiles(ProfileRequest(amount=1, sm_dp="sm-dp-1", mno="mno-2"))
    assert forbidden.value.code is RefusalCode.NOT_ALLOWED
    with step("At an unknown SM-DP"), refusal(Refusal) as unknown:
        mno.request_profiles(ProfileRequest(amount=1, sm_dp="sm-dp-9"))
    assert unknown.value.code is RefusalCode.NO_ROUTE


@pytest.mark.requirement("R-05", "R-14", refusal=True)
def test_an_amount_that_cannot_be_is_refused(desk: Desk) -> None:
    """More eUICCs than profiles, or one eUICC twice: refused, and no packets come."""
    support = desk.support()
    eids = (desk.new_euicc(), desk.new_euicc())
    before = support.stored()
    for request in (
        ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", amount=1, targets=eids),
        ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", amount=2, targets=(eids[0], eids[0])),
    ):
        with refusal(Refusal):
            support.request_profiles(request)
    assert support.stored() == before


@pytest.mark.requirement("R-07", "R-10")
@pytest.mark.requires("servers.sm-sr")
def test_what_the_mno_gives_is_what_comes(desk: Desk) -> None:
    """The ICCID that the MNO entered becomes the profile, at the SM-SR that the MNO named for it.

    Other profiles of this MNO go to another SM-SR.
    """
    subscription = own_subscription(sm_sr="sm-sr-2")
    desk.mno("mno-2").add_subscription(subscription)
    eid = desk.new_euicc(sm_sr="sm-sr-2")
    request = ProfileRequest(profile_id=subscription.iccid, mno="mno-2", targets=(eid,))
    receipt = desk.sm_dp("sm-dp-1").place(request)
    assert [one.iccid for one in receipt.profiles] == [subscription.iccid]
    assert subscription.iccid in desk.sm_sr("sm-sr-2").stored()
    assert subscription.iccid not in desk.sm_sr("sm-sr-1").stored()


@pytest.mark.requirement("R-09", "R-10", refusal=True)
@pytest.mark.requires("servers.sm-sr")
def test_an_order_for_an_euicc_that_nobody_made_reaches_no_receiver(desk: Desk) -> None:
    """Whatever the route would be: the eUICC maker does not know the EID, and nothing is sent."""
    names = desk.servers.of_kind("sm-sr")
    before = {name: desk.sm_sr(name).stored() for name in names}, desk.support().stored()
    for mno in ("mno-1", "mno-2", "mno-3"):
        with step(f"An order of {mno}"), refusal(Refusal) as refused:
            desk.sm_dp("sm-dp-1").place(ProfileRequest(mno=mno, targets=(UNKNOWN_EID,)))
        assert refused.value.code is RefusalCode.UNKNOWN
    assert ({name: desk.sm_sr(name).stored() for name in names}, desk.support().stored()) == before


@pytest.mark.requirement("R-11", refusal=True)
def test_a_stranger_orders_nothing_at_an_sm_dp(desk: Desk) -> None:
    """The SM-DP answers nobody that does not hold the key set of a peer."""
    stranger = desk.stranger(SmDpClient, "sm-dp-1", me=desk.servers.support_server)
    with refusal(Refusal) as refused:
        stranger.place(ProfileRequest(mno="mno-1"))
    assert refused.value.code is RefusalCode.NOT_AUTHENTICATED


@pytest.mark.requirement("R-16", refusal=True)
def test_a_kind_that_no_sm_dp_makes_is_refused_on_every_way(desk: Desk) -> None:
    """Through the support server, through the MNO and at the SM-DP itself."""
    request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", amount=1, profile_type="roaming")
    for place in (
        desk.sm_dp("sm-dp-1").place,
        desk.mno("mno-1").request_profiles,
        desk.support().request_profiles,
    ):
        with refusal(Refusal):
            place(request)
