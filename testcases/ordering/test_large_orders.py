"""Large orders: begun with one call, watched, listed in pages, gone on with where they stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import counted, step
from hil.provisioning.orders import ProfileRequest

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.provisioning.orders import OrderedProfile

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.support-server"),
    pytest.mark.severity("critical"),
]

SM_DP: Final = "sm-dp-1"
AMOUNT: Final = 12
ORDER_TIMEOUT_S: Final = 60.0


def request(eids: tuple[str, ...]) -> ProfileRequest:
    """Ask for one profile for each eUICC."""
    return ProfileRequest(mno="mno-1", sm_dp=SM_DP, amount=len(eids), targets=eids)


@pytest.mark.requirement("R-05", "R-14", "R-18", "R-39")
@pytest.mark.severity("blocker")
def test_n_profiles_give_n_packet_sets_and_n_images(desk: Desk) -> None:
    """Each of n eUICCs gets one packet set and one image of its own, none of another's."""
    eids = tuple(desk.new_euicc() for _ in range(AMOUNT))
    kept = set(desk.support().stored())
    sm_dp = desk.sm_dp(SM_DP)
    with step(f"An order of {AMOUNT} profiles is begun and watched to its end"):
        order_id = desk.support().begin(request(eids)).order_id
        done = sm_dp.wait_bulk(order_id, timeout_s=ORDER_TIMEOUT_S)
    assert (done.state, done.reason) == ("delivered", "")
    assert (done.numbered, done.made, done.delivered) == (AMOUNT,) * 3
    profiles = listed(desk, order_id)
    assert [one.eid for one in profiles] == list(eids)
    with step("The packets of just these profiles came"):
        iccids = [one.iccid for one in profiles]
        assert len(set(iccids)) == AMOUNT
        assert sorted(set(desk.support().stored()) - kept) == sorted(iccids)
    with step("An image is made of each"):
        images = [desk.support().build_image(iccid) for iccid in iccids]
    assert [(one.eid, one.iccid) for one in images] == list(zip(eids, iccids, strict=True))
    assert len({one.image_id for one in images}) == AMOUNT
    counted("profiles of one order", AMOUNT, "profiles")


@pytest.mark.requirement("R-05", "R-14")
def test_an_order_that_stopped_goes_on_with_the_same_profiles(desk: Desk) -> None:
    """An order for an eUICC that its maker does not know fails; once known, it is gone on with.

    Nothing is lost and nothing doubled: the same numbers, each profile delivered once.
    """
    late = desk.new_eid()
    eids = (*(desk.new_euicc() for _ in range(AMOUNT // 2)), late)
    kept = set(desk.support().stored())
    sm_dp = desk.sm_dp(SM_DP)
    with step("The order stops at the eUICC that nobody knows, and says so"):
        order_id = sm_dp.begin(request(eids)).order_id
        stopped = sm_dp.wait_bulk(order_id, timeout_s=ORDER_TIMEOUT_S)
        assert (stopped.state, stopped.numbered) == ("failed", len(eids))
        assert late in stopped.reason
        before = listed(desk, order_id)
    with step("The maker makes it, and the order goes on"):
        desk.new_euicc(eid=late)
        sm_dp.resume_bulk(order_id)
        done = sm_dp.wait_bulk(order_id, timeout_s=ORDER_TIMEOUT_S)
    assert (done.state, done.delivered, done.reason) == ("delivered", len(eids), "")
    after = listed(desk, order_id)
    assert [one.iccid for one in after] == [one.iccid for one in before]
    assert [(one.eid, one.state) for one in after] == [(eid, "delivered") for eid in eids]
    assert set(desk.support().stored()) - kept == {one.iccid for one in after}


def listed(desk: Desk, order_id: str) -> list[OrderedProfile]:
    """Return the profiles of an order, which the SM-DP lists in small pages without gap."""
    sm_dp = desk.sm_dp(SM_DP)
    found: list[OrderedProfile] = []
    after: int | None = 0
    while after is not None:
        page = sm_dp.page(order_id, after=after, limit=5)
        found += page.profiles
        after = page.following
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    return found
