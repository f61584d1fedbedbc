"""The order: what a profile request says, who answers it, and what comes back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.evidence import counted, step
from hil.known_secrets import announce
from hil.not_applicable import not_applicable
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.clients import MnoClient, ReceiverClient
from hil.provisioning.orders import ProfileRequest, Route, Source, Subscription
from hil.wire.identifiers import luhn_digit

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.provisioning.orders import OrderReceipt

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.support-server"),
    pytest.mark.severity("critical"),
]


def own_subscription(sm_sr: str = "sm-sr-1") -> Subscription:
    """Return a subscription with fresh numbers."""
    body = f"89001088{secrets.randbelow(10**10):010d}"
    made = Subscription(
        iccid=body + luhn_digit(body),
        imsi=f"001018{secrets.randbelow(10**9):09d}",
        sm_sr=sm_sr,
        k=secrets.token_bytes(16),
        opc=secrets.token_bytes(16),
    )
    announce(f"subscription {made.iccid}", made)
    return made


@pytest.mark.requirement("R-01", "R-11", "R-12", "R-13", "R-17", "R-19", "R-20")
@pytest.mark.requires("card.m2m", "device")
@pytest.mark.severity("blocker")
def test_a_request_is_answered_with_packets(desk: Desk, esim: Esim) -> None:
    """The support server orders; packets come back, are stored, and an image is made of them."""
    request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(esim.eid(),))
    receipt = desk.support().request_profiles(request)
    (profile,) = receipt.profiles
    assert (receipt.state, profile.state) == ("delivered", "delivered")
    if desk.servers.section.layout == "inside-sm-sr":
        assert receipt.route is Route.SM_SR
    else:
        assert receipt.route is Route.SUPPORT_SERVER
        assert receipt.receiver == desk.servers.support_server
    assert profile.iccid in desk.support().stored()
    with step("An image is made: at once, or inside an SM-SR when it is asked for"):
        if desk.servers.section.layout == "inside-sm-sr":
            desk.support().build_image(profile.iccid)
        images = [one for one in desk.support().images(esim.eid()) if one.iccid == profile.iccid]
        assert [one.enciphered for one in images] == [True]


@pytest.mark.requirement("R-02")
def test_the_order_may_go_through_the_mno(desk: Desk) -> None:
    """The MNO takes the same order and hands it to the SM-DP."""
    request = ProfileRequest(amount=1, sm_dp="sm-dp-1")
    through_mno = desk.mno("mno-1").request_profiles(request)
    direct = desk.sm_dp("sm-dp-1").place(ProfileRequest(amount=1, mno="mno-1"))
    for receipt in (through_mno, direct):
        assert (receipt.mno, receipt.state, len(receipt.profiles)) == ("mno-1", "waiting", 1)
    assert through_mno.profiles[0].iccid != direct.profiles[0].iccid


@pytest.mark.requirement("R-03")
@pytest.mark.parametrize("field", ["mno", "profile_id", "amount", "sm_dp", "profile_type"])
def test_each_field_alone_is_enough(desk: Desk, field: str) -> None:
    """One of profile id, amount, MNO, SM-DP and type makes a request; the rest is filled in.

    Amount, SM-DP and type say nothing of the MNO, so they come through one.
    """
    mno = desk.mno("mno-1")
    subscription = own_subscription()
    if field == "profile_id":
        mno.add_subscription(subscription)
    request = {
        "mno": ProfileRequest(mno="mno-1"),
        "profile_id": ProfileRequest(profile_id=subscription.iccid),
        "amount": ProfileRequest(amount=2),
        "sm_dp": ProfileRequest(sm_dp="sm-dp-1"),
        "profile_type": ProfileRequest(profile_type="prepaid"),
    }[field]
    by_itself = field in ("mno", "profile_id")
    receipt: OrderReceipt = (
        desk.sm_dp("sm-dp-1").place(request) if by_itself else _through(mno, request)
    )
    assert receipt.mno == "mno-1"
    assert len(receipt.profiles) == (2 if field == "amount" else 1)
    if field == "profile_id":
        assert receipt.profiles[0].iccid == subscription.iccid


def _through(mno: MnoClient, request: ProfileRequest) -> OrderReceipt:
    """Order through an MNO that works with two SM-DPs: one of them is named where it must be."""
    if request.sm_dp is None:
        with refusal(Refusal, match="SM-DP"):
            mno.request_profiles(request)
        return mno.request_profiles(
            ProfileRequest(
                amount=request.amount, profile_type=request.profile_type, sm_dp="sm-dp-2"
            )
        )
    return mno.request_profiles(request)


@pytest.mark.requirement("R-03", refusal=True)
def test_a_request_that_says_nothing_is_refused(desk: Desk) -> None:
    """Without any of the five there is no request, and the refusal says what is missing."""
    with refusal(Refusal, match="at least one of") as refused:
        desk.sm_dp("sm-dp-1").place(ProfileRequest())
    assert refused.value.code is RefusalCode.INCOMPLETE


@pytest.mark.requirement("R-04", "R-16")
@pytest.mark.requirement("R-04", "R-16", refusal=True)
def test_the_profile_type_chooses_the_template(desk: Desk) -> None:
    """Prepaid, deferred, test and provisioning are known; another type is refused."""
    sm_dp = desk.sm_dp("sm-dp-1")
    for known in ("prepaid", "deferred", "test", "provisioning"):
        receipt = sm_dp.place(ProfileRequest(mno="mno-1", profile_type=known))
        assert receipt.profile_type == known
    with refusal(Refusal, match="unknown") as refused:
        sm_dp.place(ProfileRequest(mno="mno-1", profile_type="gold"))
    assert refused.value.code is RefusalCode.INVALID


@pytest.mark.requirement("R-05", "R-14", "R-18", "R-39")
def test_a_bulk_request_of_50_profiles(desk: Desk) -> None:
    """One request brings 50 profiles, each of its own; packets and images of them do not mix."""
    eids = tuple(desk.new_euicc() for _ in range(50))
    with step("One request for 50 eUICCs"):
        receipt = desk.support().request_profiles(
            ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", amount=50, targets=eids)
        )
    assert [one.state for one in receipt.profiles] == ["delivered"] * 50
    iccids = [one.iccid for one in receipt.profiles]
    assert len(set(iccids)) == 50
    assert [one.eid for one in receipt.profiles] == list(eids)
    with step("50 packet sets are stored, and 50 images made, one a profile"):
        assert set(iccids) <= set(desk.support().stored())
        images = [desk.support().build_image(one.iccid) for one in receipt.profiles]
    assert [(one.eid, one.iccid) for one in images] == list(zip(eids, iccids, strict=True))
    assert len({one.image_id for one in images}) == 50
    counted("profiles of one request", 50, "profiles")


@pytest.mark.requirement("R-06", "R-07", refusal=True)
def test_an_order_without_its_information_is_refused(desk: Desk) -> None:
    """A subscription without ICCID, SM-SR or subscriber data makes no profile."""
    whole = own_subscription()
    for changes in (
        {"iccid": "", "imsi": whole.imsi},
        {"iccid": whole.iccid, "imsi": ""},
        {"iccid": whole.iccid, "imsi": whole.imsi, "sm_sr": ""},
    ):
        parts = {"sm_sr": "sm-sr-1"} | changes
        broken = Subscription(k=whole.k, opc=whole.opc, **parts)
        with refusal(Refusal, match="lacks"):
            desk.mno("mno-1").add_subscription(broken)
    with refusal(Refusal):
        desk.sm_dp("sm-dp-1").place(ProfileRequest(profile_id=whole.iccid))


@pytest.mark.requirement("R-06")
@pytest.mark.requires("card.m2m")
def test_a_profile_may_be_made_from_the_makers_information(desk: Desk) -> None:
    """The eUICC maker's own subscriptions make profiles too, of the maker's numbers."""
    request = ProfileRequest(mno="mno-1", amount=1, source=Source.EUM)
    (profile,) = desk.sm_dp("sm-dp-1").place(request).profiles
    prefix = desk.servers.section.actors[desk.servers.of_kind("eum")[0]].iccid_prefix
    assert prefix is not None
    assert profile.iccid.startswith(prefix)


@pytest.mark.requirement("R-08", "R-09", "R-10")
@pytest.mark.requires("servers.sm-sr")
@pytest.mark.severity("blocker")
def test_two_mnos_two_routes_and_never_both(desk: Desk) -> None:
    """By the MNO's information packets go to the support server, or to the one right SM-SR."""
    eids = {mno: desk.new_euicc() for mno in ("mno-1", "mno-2", "mno-3")}
    iccids = {}
    for number, (mno, eid) in enumerate(eids.items()):
        sm_dp = ("sm-dp-1", "sm-dp-2")[number % 2]
        receipt = desk.sm_dp(sm_dp).place(ProfileRequest(mno=mno, targets=(eid,)))
        assert receipt.state == "delivered"
        iccids[mno] = receipt.profiles[0].iccid
    homes = {"mno-1": desk.servers.home_of_support, "mno-2": "sm-sr-1", "mno-3": "sm-sr-2"}
    stored = {name: set(desk.sm_sr(name).stored()) for name in ("sm-sr-1", "sm-sr-2")}
    stored.setdefault(homes["mno-1"], set(desk.support().stored()))
    for mno, iccid in iccids.items():
        assert [name for name, held in stored.items() if iccid in held] == [homes[mno]]


@pytest.mark.requirement("R-11", "R-12", refusal=True)
@pytest.mark.severity("blocker")
def test_a_forged_sm_dp_is_refused(desk: Desk) -> None:
    """Who does not hold the key set of the SM-DP cannot enter, and nothing is stored."""
    name = desk.servers.support_server
    before = desk.support().stored()
    forged = desk.stranger(ReceiverClient, name, me="sm-dp-1")
    with refusal(Refusal) as refused:
        forged.stored()
    assert refused.value.code is RefusalCode.NOT_AUTHENTICATED
    assert desk.support().stored() == before


@pytest.mark.requirement("R-12", "R-69", refusal=True)
def test_an_operator_is_no_sm_dp(desk: Desk) -> None:
    """A role decides what its holder may ask for: secrets of a card go to those who need them."""
    with refusal(Refusal) as refused:
        desk.eum().isd_p_base(desk.new_euicc())
    assert refused.value.code is RefusalCode.NOT_ALLOWED


@pytest.mark.requirement("R-15")
def test_packets_over_a_dedicated_line_use_no_other(desk: Desk) -> None:
    """An SM-DP with a dedicated line uses it alone; another one's packets do not come over it."""
    support = desk.support()
    section = desk.servers.section.actors[desk.servers.support_server]
    if section.dedicated_line_from is None:
        not_applicable("no SM-DP of this bench has a dedicated line (servers.actors)")

    def accepted() -> dict[str, int]:
        return {report.kind: report.accepted for report in support.link_reports()}

    def deliver(sm_dp: str) -> dict[str, int]:
        before = accepted()
        desk.sm_dp(sm_dp).place(ProfileRequest(mno="mno-1", targets=(desk.new_euicc(),)))
        return {kind: count - before[kind] for kind, count in accepted().items()}

    with step("The SM-DP with the line"):
        assert deliver(section.dedicated_line_from) == {"network": 0, "dedicated-line": 1}
    other = next(
        name for name in desk.servers.of_kind("sm-dp") if name != section.dedicated_line_from
    )
    with step("The SM-DP without one"):
        assert deliver(other) == {"network": 1, "dedicated-line": 0}


@pytest.mark.requirement("R-68")
@pytest.mark.requires("servers.sm-sr")
def test_an_sm_sr_works_with_several_sm_dps(desk: Desk) -> None:
    """Packets of two SM-DPs for one eUICC are both taken, and kept apart."""
    eid = desk.new_euicc()
    iccids = [
        desk.sm_dp(name).place(ProfileRequest(mno="mno-2", targets=(eid,))).profiles[0].iccid
        for name in desk.servers.of_kind("sm-dp")
    ]
    assert len(set(iccids)) > 1
    assert set(iccids) <= set(desk.sm_sr("sm-sr-1").stored())
