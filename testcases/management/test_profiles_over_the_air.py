"""The SM-SR manages what is on the card: enable, disable, delete, status, and the refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.provisioning.errors import Refusal
from hil.provisioning.http.clients import ReceiverClient
from hil.provisioning.orders import ProfileRequest
from testcases.installing import ended

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.provisioning.sm_sr.jobs import JobReport

pytestmark = [
    pytest.mark.requires("device", "card.m2m", "network", "servers.sm-sr"),
    pytest.mark.requirement("R-63"),
    pytest.mark.usefixtures("device"),
]

SM_SR = "sm-sr-1"
DISABLE_NOT_ALLOWED, DELETE_NOT_ALLOWED = 1, 2


def done(desk: Desk, job: str) -> JobReport:
    """Wait for a job of the SM-SR and hold it to its success."""
    report = ended(desk.sm_sr(SM_SR), job)
    assert (report.state, report.reason) == ("done", "")
    return report


def downloaded(desk: Desk, esim: Esim, *, enable: bool) -> str:
    """Have a profile installed over the air; return its ICCID."""
    request = ProfileRequest(mno="mno-2", targets=(esim.eid(),))
    (profile,) = desk.sm_dp().place(request).profiles
    done(desk, desk.sm_sr(SM_SR).download(profile.iccid, enable=enable))
    return profile.iccid


@pytest.mark.requirement("R-65")
@pytest.mark.severity("blocker")
def test_enable_disable_delete(desk: Desk, esim: Esim) -> None:
    """Each operation changes the card, and the EIS of the SM-SR agrees with it each time."""
    sm_sr, eid = desk.sm_sr(SM_SR), esim.eid()
    fallback = esim.iccid()
    iccid = downloaded(desk, esim, enable=False)

    def in_eis() -> str | None:
        rows = {row.iccid: row.state for row in sm_sr.euicc(eid).profiles}
        return rows.get(iccid)

    with step("After the download the profile is disabled"):
        assert esim.iccid() == fallback
        assert in_eis() == "disabled"
    with step("Enable"):
        done(desk, sm_sr.enable(eid, iccid))
        assert esim.iccid_after_reset(iccid) == iccid
        assert in_eis() == "enabled"
    with step("Disable: the fall-back profile takes its place"):
        done(desk, sm_sr.disable(eid, iccid))
        assert esim.iccid_after_reset(fallback) == fallback
        assert in_eis() == "disabled"
    with step("Delete"):
        done(desk, sm_sr.delete(eid, iccid))
        assert [one.state for one in esim.profiles()] == [ProfileState.ENABLED]
        assert in_eis() in (None, "deleted")


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.severity("critical")
def test_operations_in_the_wrong_state_are_refused(desk: Desk, esim: Esim) -> None:
    """Deleting an enabled profile, enabling it twice, or disabling it twice is refused."""
    sm_sr, eid = desk.sm_sr(SM_SR), esim.eid()
    fallback = esim.iccid()
    with step("Disable what has the fall-back attribute"), refusal(Refusal):
        sm_sr.disable(eid, fallback)
    iccid = downloaded(desk, esim, enable=True)
    assert esim.iccid_after_reset(iccid) == iccid
    state = esim.state()
    with step("Delete what has the fall-back attribute"), refusal(Refusal):
        sm_sr.delete(eid, fallback)
    with step("Delete while enabled"), refusal(Refusal, match="enabled"):
        sm_sr.delete(eid, iccid)
    with step("Enable while enabled"), refusal(Refusal):
        sm_sr.enable(eid, iccid)
    assert esim.state().differences(state) == []
    done(desk, sm_sr.disable(eid, iccid))
    with step("Disable while disabled"), refusal(Refusal):
        sm_sr.disable(eid, iccid)
    with step("A profile that nobody knows"), refusal(Refusal):
        sm_sr.enable(eid, "8900109999999999995")


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.severity("normal")
def test_a_policy_rule_holds_against_the_sm_sr(desk: Desk, esim: Esim) -> None:
    """POL2 forbids disabling: the SM-SR refuses before anything is sent."""
    sm_sr, eid = desk.sm_sr(SM_SR), esim.eid()
    iccid = downloaded(desk, esim, enable=True)
    sm_sr.set_policy(eid, iccid, DISABLE_NOT_ALLOWED)
    with refusal(Refusal, match="POL2"):
        sm_sr.disable(eid, iccid)
    assert esim.iccid_after_reset(iccid) == iccid
    sm_sr.set_policy(eid, iccid, 0)
    done(desk, sm_sr.disable(eid, iccid))


@pytest.mark.severity("normal")
def test_an_audit_shows_what_is_on_the_card(desk: Desk, esim: Esim) -> None:
    """GetStatus over the air finds the profiles that the card has."""
    iccid = downloaded(desk, esim, enable=False)
    done(desk, desk.sm_sr(SM_SR).audit(esim.eid()))
    rows = {row.iccid: row.state for row in desk.sm_sr(SM_SR).euicc(esim.eid()).profiles}
    assert rows[iccid] == "disabled"
    assert len(esim.profiles()) == 2


@pytest.mark.requirement("R-10", "R-64", "R-68", refusal=True)
@pytest.mark.severity("normal")
def test_an_sm_sr_sends_nothing_that_it_does_not_hold(desk: Desk, esim: Esim) -> None:
    """Packets that lie at one SM-SR are not sent by the other, and unknown ones by neither."""
    request = ProfileRequest(mno="mno-2", targets=(esim.eid(),))
    (profile,) = desk.sm_dp().place(request).profiles
    state = esim.state()
    with step("The other SM-SR"), refusal(Refusal):
        desk.sm_sr("sm-sr-2").download(profile.iccid)
    with step("A profile that nobody made"), refusal(Refusal):
        desk.sm_sr(SM_SR).download("8900109999999999995")
    assert esim.state().differences(state) == []


@pytest.mark.requires("card.keys")
@pytest.mark.requirement("R-45", "R-64", "R-65", refusal=True)
@pytest.mark.severity("critical")
def test_packets_that_the_card_does_not_take_make_no_profile(
    desk: Desk, esim: Esim, profile_maker: ProfileMaker
) -> None:
    """The ISD-P answers otherwise than the packets say: the job fails, and the EIS has no profile.

    What is left of the ISD-P can be deleted.
    """
    sm_sr, eid = desk.sm_sr(SM_SR), esim.eid()
    before = esim.iccid()
    made = profile_maker.profile(sm_dp="sm-dp-1", counter=7).packets
    packets = replace(made, mno="mno-2")
    with desk.servers.client(ReceiverClient, SM_SR, me="sm-dp-1") as sender:
        raw = packets.encode(desk.servers.key_set(SM_SR, "sm-dp-1").mac)
        sender.deliver(sender.session(), raw)
    report = ended(sm_sr, sm_sr.download(packets.iccid, enable=True))
    assert report.state == "failed"
    assert report.reason
    assert esim.iccid() == before
    states = {row.iccid: row.state for row in sm_sr.euicc(eid).profiles}
    assert states.get(packets.iccid) in (None, "created")
    if packets.iccid in states:
        with step("What is left is deleted"):
            done(desk, sm_sr.delete(eid, packets.iccid))
    assert esim.profile(packets.isdp_aid) is None
