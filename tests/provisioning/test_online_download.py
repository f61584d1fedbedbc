"""An SM-DP downloads profiles to a virtual eUICC through the SM-SR, with keys made on the card."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hil.provisioning import function_calls
from hil.provisioning.credentials import Credentials
from hil.provisioning.errors import Refusal
from hil.provisioning.function_calls import Answer, FunctionCall, Ledger
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.online.calls import CallReport, OnlineCalls, Place
from hil.provisioning.online.link import LocalEs3
from hil.provisioning.orders import ProfileRequest, Route
from hil.provisioning.sm_dp import SmDp
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.tables import DP_CALLS, DP_ISDP_KEYS, PROFILES
from hil.provisioning.trust import Principal
from hil.provisioning.trust import Role as PeerRole
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands, tlv
from hil.wire.gp_certificate import Role
from tests.provisioning.air import CardAir, start
from tests.provisioning.aired import Air
from tests.provisioning.certified import TestCi
from tests.provisioning.pumping import Pumping
from tests.provisioning.world import MSISDN, OPERATOR, World, eid_of

EID = eid_of(1)
PATIENCE = Patience(answer_s=0.2, back_off=1.0, overtake_s=0.02, attempts=4)


class Online:
    """An SM-DP with a certificate, an SM-SR, and one card in the air between them."""

    def __init__(self, world: World, card: VirtualCard, air: CardAir, ci: TestCi) -> None:
        self.world = world
        self.card = card
        self.air = air
        self.ci = ci
        self.credentials = ci.credentials(Role.SM_DP, "sm-dp-1")
        self.build()

    def build(self, credentials: Credentials | None = None) -> None:
        es3 = LocalEs3(self.world.sm_sr, Principal("sm-dp-1", PeerRole.SM_DP))
        self.sm_dp = SmDp(
            "sm-dp-1",
            self.world.store("sm-dp-1"),
            mnos={"mno-1": self.world.mno},
            eum=self.world.sm_dp._eum,
            receivers={},
            keys={},
            es3={"sm-sr-1": es3},
            credentials=credentials or self.credentials,
            card_timeout_s=20,
        )

    @property
    def calls(self) -> OnlineCalls:
        return self.sm_dp.online

    def download(self, **wanted: object) -> CallReport:
        asked: dict[str, object] = {"profile_type": "test"} | wanted
        call = self.calls.download_profile("mno-1", "sm-sr-1", EID, **asked)  # type: ignore[arg-type]
        return self.carried_out(call)

    def carried_out(self, call: str) -> CallReport:
        with Pumping(self.world.sm_sr.jobs.queue):
            return self.calls.carry_out(call)

    def states(self) -> dict[str, str]:
        return {row.iccid: row.state for row in self.world.sm_sr.book.profiles(EID)}

    def audited(self) -> dict[str, str]:
        with Pumping(self.world.sm_sr.jobs.queue):
            job = self.world.sm_sr.audit(OPERATOR, EID)
            assert self.world.sm_sr.jobs.wait(job, timeout_s=10).state == "done"
        return self.states()


@pytest.fixture
def online(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Online]:
    ci = TestCi()
    factory = ci.factory(EID)
    card = open_card(tmp_path / "card", factory)
    air = CardAir(card, MSISDN)
    world = make_world(route=Route.SM_SR, carrier=air, patience=PATIENCE)
    world.maker.produce(factory, msisdn=MSISDN)
    world.register_euicc()
    start(card)
    yield Online(world, card, air, ci)
    card.close()


def test_by_profile_type_with_keys_established_and_enabled(online: Online) -> None:
    report = online.download(enable=True)
    assert (report.state, report.reason) == ("done", "")
    assert online.states() == {report.iccid: "enabled"}
    (row,) = online.world.sm_sr.book.profiles(EID)
    assert (row.mno, row.sm_dp, row.profile_type) == ("mno-1", "sm-dp-1", "test")
    assert row.imsi
    assert online.audited() == {report.iccid: "enabled"}, "the card says so itself"


def test_by_iccid_of_the_mno_and_only_once(online: Online) -> None:
    (given,) = online.world.mno.reserve("sm-dp-1", "beforehand", 1)
    receipt = online.sm_dp.place(ProfileRequest(amount=1, profile_type="test"), "operator")
    iccid = receipt.profiles[0].iccid
    report = online.download(iccid=iccid, profile_type=None)
    assert report.state == "done", report.reason
    sent = online.air.sent
    again = online.download(iccid=iccid, profile_type=None)
    assert again.state == "done"
    assert online.air.sent == sent, "what is complete is not downloaded again"
    with pytest.raises(Refusal, match="no free subscription"):
        online.download(iccid=given.iccid, profile_type=None)
    with pytest.raises(Refusal) as caught:
        online.calls.download_profile("mno-1", "sm-sr-1", eid_of(2), iccid=iccid)
    assert caught.value.details["subject"] == "8.2.1"


def test_a_call_that_a_kill_broke_off_is_noted_once(online: Online) -> None:
    iccid = online.download().iccid
    place = Place("sm-sr-1", EID, iccid)

    def ask() -> str:
        call, asked = FunctionCall("mno-1", "c-1", b""), list[str]()

        def act() -> Answer:
            asked.append(online.calls.delete_profile("mno-1", place))
            return Answer(200, b"")

        function_calls._within(call, act)
        return asked[0]

    first = ask()
    assert ask() == first, "before it is carried out"
    assert online.carried_out(first).state == "done"
    assert ask() == first, "the profile is gone, its call is not"


@pytest.mark.parametrize("waiting", [0, 2])
def test_a_download_by_type_that_a_kill_broke_off_wastes_no_profile(
    online: Online, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    for _ in range(waiting):
        online.sm_dp.place(ProfileRequest(amount=1, profile_type="test"), "operator")
    ledger = Ledger(online.sm_dp._store, "sm-dp-1")
    note, calls = OnlineCalls._note, list[str]()

    def ask() -> Answer:
        call = online.calls.download_profile("mno-1", "sm-sr-1", EID, profile_type="test")
        calls.append(call)
        return Answer(200, call.encode())

    def once() -> None:
        ledger.once(FunctionCall("mno-1", "c-1", b""), ask, spanning=True)

    def die(*_args: object, **_rest: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(OnlineCalls, "_note", die)
    with pytest.raises(RuntimeError, match="killed"):
        once()
    monkeypatch.setattr(OnlineCalls, "_note", note)
    once()
    with online.sm_dp._store.transaction() as connection:
        rows = connection.execute(select(PROFILES.c.iccid, PROFILES.c.state)).all()
    assert sorted(row.state for row in rows) == ["online"] + ["waiting"] * max(0, waiting - 1)
    report = online.carried_out(calls[0])
    assert report.state == "done", report.reason
    assert report.iccid in [row.iccid for row in rows if row.state == "online"]


def test_a_card_of_a_foreign_maker_gets_nothing(online: Online) -> None:
    stranger = TestCi()
    foreign = online.ci.credentials(Role.SM_DP, "sm-dp-1")
    online.build(
        Credentials(
            foreign.identity,
            stranger.ci.key.public,
            stranger.credentials(Role.SM_DP, "x").maker_certificates,
        )
    )
    sent = online.air.sent
    report = online.download()
    assert report.state == "failed"
    assert "certificate not accepted" in report.reason
    assert online.air.sent == sent
    assert online.states() == {}


@pytest.mark.parametrize("role", [Role.SM_SR, None])
def test_a_certificate_that_the_card_does_not_take_leaves_no_isdp(
    online: Online, role: Role | None
) -> None:
    online.build(online.ci.credentials(role, "sm-dp-1"))  # type: ignore[arg-type]
    report = online.download()
    assert report.state == "failed"
    assert "6A80" in report.reason
    assert report.step == "EstablishISDPKeySet"
    assert online.states() == {}, "the ISD-P is deleted after the failure"
    assert online.audited() == {}


def test_a_profile_that_the_card_refuses_leaves_no_isdp_and_can_be_tried_again(
    online: Online,
) -> None:
    spoilt = {"left": 1}

    def spoil(messages: list[bytes]) -> list[bytes]:
        # The package comes in by far the longest packet: the card begins anew before it.
        if len(messages) > 8 and spoilt["left"]:
            spoilt["left"] = 0
            start(online.card)
        return messages

    online.air.down = spoil
    report = online.download()
    assert report.state == "failed"
    assert report.step == "DownloadAndInstallation"
    assert online.states() == {}
    again = online.download()
    assert again.state == "done", again.reason
    assert again.iccid == report.iccid, "the profile was given back to the shelf"


def test_what_an_earlier_attempt_left_is_deleted_first(online: Online) -> None:
    es3 = online.calls._links["sm-sr-1"]
    left = NumberPlan("8900101", "00101").subscription(77, "").iccid
    with Pumping(online.world.sm_sr.jobs.queue):
        made = es3.create_isdp(EID, left, "mno-1", 0)
        assert es3.wait(made.job, timeout_s=10).state == "done"
    assert online.states() == {left: "created"}
    report = online.download()
    assert report.state == "done", report.reason
    assert online.audited() == {report.iccid: "disabled"}


def test_a_server_that_died_goes_on_from_the_begin_and_gives_up_in_the_end(
    online: Online,
) -> None:
    call = online.calls.download_profile("mno-1", "sm-sr-1", EID, profile_type="test")
    es3 = online.calls._links["sm-sr-1"]
    iccid = online.calls.report(call, None).iccid
    with Pumping(online.world.sm_sr.jobs.queue):
        made = es3.create_isdp(EID, iccid, "mno-1", 0)
        assert es3.wait(made.job, timeout_s=10).state == "done"
    online.build()
    assert online.calls.next_call() == (call, EID)
    report = online.carried_out(call)
    assert report.state == "done", report.reason
    second = online.calls.download_profile("mno-1", "sm-sr-1", EID, profile_type="test")
    with online.world.store("sm-dp-1").transaction() as connection:
        connection.execute(update(DP_CALLS).values(attempts=3))
    with online.world.store("sm-dp-1").transaction() as connection:
        connection.execute(update(DP_CALLS).where(DP_CALLS.c.call == second).values(attempts=3))
    assert "given up" in online.carried_out(second).reason


def test_a_job_that_was_not_noted_before_a_kill_is_asked_for_by_the_same_name(
    online: Online, monkeypatch: pytest.MonkeyPatch
) -> None:
    iccid = online.download().iccid
    es3 = online.calls._links["sm-sr-1"]
    start_enable, jobs = es3.enable_profile, dict[str, str]()

    def once_each_name(eid: str, iccid: str) -> str:
        name = function_calls.new_identifier("EnableProfile")
        if name not in jobs:
            jobs[name] = start_enable(eid, iccid)
        return jobs[name]

    monkeypatch.setattr(es3, "enable_profile", once_each_name)
    call = online.calls.enable_profile("mno-1", Place("sm-sr-1", EID, iccid))
    with monkeypatch.context() as patch:
        patch.setattr(online.calls, "_set", _die)
        with pytest.raises(KeyboardInterrupt):
            online.carried_out(call)
    report = online.carried_out(call)
    assert (report.state, report.reason) == ("done", "")
    assert len(jobs) == 1
    assert online.states() == {iccid: "enabled"}


def _die(*_args: object, **_values: object) -> None:
    raise KeyboardInterrupt


def test_the_end_of_the_server_is_no_failure_of_its_calls(online: Online) -> None:
    call = online.calls.download_profile("mno-1", "sm-sr-1", EID, profile_type="test")
    online.calls.stop()
    online.calls._timeout_s = 0.05
    report = online.calls.carry_out(call)
    assert report.state == "running"
    online.build()
    online.world.sm_sr.jobs.queue.pump()
    assert online.carried_out(call).state == "done"


def test_management_by_the_sm_dp_for_its_mno_only(online: Online) -> None:
    iccid = online.download().iccid
    place = Place("sm-sr-1", EID, iccid)
    calls = online.calls
    for mno in ("mno-2", ""):
        with pytest.raises(Refusal) as caught:
            calls.enable_profile(mno, place)
        assert caught.value.details == {"subject": "8.2.1", "reason": "1.2"}
    assert online.carried_out(calls.enable_profile("mno-1", place)).state == "done"
    assert online.states() == {iccid: "enabled"}
    calls.update_policy_rules("mno-1", place, 3)
    calls.update_subscription_address("mno-1", place, SubscriptionAddress("001010000000009", ""))
    (row,) = calls.get_eis("mno-1", "sm-sr-1", EID).profiles
    assert (row.pol2, row.imsi) == (3, "001010000000009")
    assert calls.get_eis("mno-2", "sm-sr-1", EID).profiles == ()
    refused = online.carried_out(calls.disable_profile("mno-1", place))
    assert "POL2" in refused.reason
    calls.update_policy_rules("mno-1", place, 0)
    with pytest.raises(Refusal, match="no call"):
        calls.report("nothing", "mno-1")
    with pytest.raises(Refusal) as caught:
        calls.enable_profile("mno-1", Place("sm-sr-9", EID, iccid))
    assert caught.value.details["subject"] == "8.7"
    with pytest.raises(Refusal) as caught:
        calls.delete_profile("mno-1", Place("sm-sr-1", EID, "8900101000000000000"))
    assert caught.value.details == {"subject": "8.2.1", "reason": "3.9"}


def test_what_names_nothing_or_two_things_is_refused(online: Online) -> None:
    for iccid, profile_type in ((None, None), ("8900101000000000000", "test")):
        with pytest.raises(Refusal, match="ICCID or a profile type"):
            online.calls.download_profile(
                "mno-1", "sm-sr-1", EID, iccid=iccid, profile_type=profile_type
            )
    with pytest.raises(Refusal, match="not an EID"):
        online.calls.download_profile("mno-1", "sm-sr-1", "89", profile_type="test")
    with pytest.raises(Refusal, match="unknown; known"):
        online.download(profile_type="gold")


def test_calls_at_the_same_moment_get_profiles_of_their_own(online: Online) -> None:
    online.sm_dp.place(ProfileRequest(amount=2, profile_type="test", mno="mno-1"), "operator")
    eids = [eid_of(number) for number in range(1, 7)]
    with ThreadPoolExecutor(len(eids)) as pool:
        calls = list(
            pool.map(
                lambda eid: online.calls.download_profile(
                    "mno-1", "sm-sr-1", eid, profile_type="test"
                ),
                eids,
            )
        )
    iccids = {online.calls.report(call, "mno-1").iccid for call in calls}
    assert len(iccids) == len(eids)


PARAMETERS = bytes.fromhex("A1073501034702696E")
"""Bearer description and network access name, as SGP.02 has them for an ISD-P."""


def kept(card: VirtualCard, world: World) -> list[bytes]:
    """Return the connectivity parameters that the card keeps for each ISD-P."""
    aids = [row.isdp_aid.hex() for row in world.sm_sr.book.profiles(EID)]
    found = [card._persistent.nvm.get(f"profile/{aid}/connectivity") for aid in aids]
    return [one for one in found if one is not None]


def test_connectivity_parameters_go_to_the_isd_p_with_the_keys_of_the_download(
    online: Online,
) -> None:
    iccid = online.download().iccid
    place = Place("sm-sr-1", EID, iccid)
    online.build()
    report = online.carried_out(online.calls.update_connectivity("mno-1", place, PARAMETERS))
    assert (report.kind, report.state, report.reason) == ("connectivity", "done", "")
    assert kept(online.card, online.world) == [PARAMETERS]
    again = PARAMETERS[:-1] + b"x"
    assert online.carried_out(online.calls.update_connectivity("mno-1", place, again)).reason == ""
    assert kept(online.card, online.world) == [again]
    for mno, wanted, parameters, subject in (
        ("mno-2", place, PARAMETERS, "8.2.1"),
        ("mno-1", Place("sm-sr-1", EID, "8900101"), PARAMETERS, "8.2.1"),
        ("mno-1", place, b"", "1.6"),
        ("mno-1", place, b"\x35\x09\x01", "1.6"),
        ("mno-1", place, b"\x35\x81\xc8" + bytes(200), "1.6"),
    ):
        with pytest.raises(Refusal) as caught:
            online.calls.update_connectivity(mno, wanted, parameters)
        assert caught.value.details["subject"] == subject


def test_connectivity_parameters_under_other_keys_are_refused(online: Online) -> None:
    iccid = online.download().iccid
    before = kept(online.card, online.world)
    with online.sm_dp._store.transaction() as connection:
        connection.execute(update(DP_ISDP_KEYS).values(enc=bytes(16), mac=bytes(16)))
    place = Place("sm-sr-1", EID, iccid)
    report = online.carried_out(online.calls.update_connectivity("mno-1", place, PARAMETERS))
    assert report.state == "failed"
    assert "connectivity parameters" in report.reason
    assert kept(online.card, online.world) == before


def test_the_sm_sr_alone_changes_nothing_in_an_isd_p(online: Online) -> None:
    iccid = online.download().iccid
    before = kept(online.card, online.world)
    plain = tlv.encode(0x22, isdr_commands.update_connectivity(PARAMETERS).encode())
    sm_dp = Principal("sm-dp-1", PeerRole.SM_DP)
    with Pumping(online.world.sm_sr.jobs.queue):
        job = online.world.sm_sr.downloads.update_connectivity(sm_dp, EID, iccid, plain)
        report = online.world.sm_sr.jobs.wait(job, timeout_s=20)
    assert (report.state, "6985" in report.reason) == ("failed", True), report.reason
    assert kept(online.card, online.world) == before


def test_connectivity_parameters_of_a_profile_whose_keys_are_derived(air: Air) -> None:
    iccid = air.installed()
    es3 = LocalEs3(air.world.sm_sr, Principal("sm-dp-1", PeerRole.SM_DP))
    air.world.sm_dp.online._links["sm-sr-1"] = es3
    calls = air.world.sm_dp.online
    with Pumping(air.world.sm_sr.jobs.queue):
        call = calls.update_connectivity("mno-1", Place("sm-sr-1", EID, iccid), PARAMETERS)
        report = calls.carry_out(call)
    assert (report.state, report.reason) == ("done", "")
    assert kept(air.card, air.world) == [PARAMETERS]


def asked_until(online: Online, until: float) -> str:
    """Ask for a download by a function call with a validity period."""
    call, calls = FunctionCall("mno-1", "c-1", b"", until=until), list[str]()

    def act() -> Answer:
        calls.append(
            online.calls.download_profile("mno-1", "sm-sr-1", EID, profile_type="test", enable=True)
        )
        return Answer(200, b"")

    function_calls._within(call, act)
    return calls[0]


def test_a_call_is_not_begun_after_its_validity_period(online: Online) -> None:
    now = time.time()
    call = asked_until(online, now + 60)
    online.build()
    online.calls._clock = lambda: now + 61
    report = online.carried_out(call)
    assert (report.state, report.step, online.air.sent) == ("failed", "", 0)
    assert "validity period of the function call ended before it was begun" in report.reason
    assert online.download().state == "done", "its profile is free for another call"


def test_a_call_ends_with_its_validity_period_and_leaves_no_isdp(online: Online) -> None:
    queue = online.world.sm_sr.jobs.queue
    queue._patience = Patience(answer_s=0.2, back_off=1.0, overtake_s=0.02, attempts=1000)
    until = time.time() + 3
    call = asked_until(online, until)

    def until_then(messages: list[bytes]) -> list[bytes]:
        gone = "EstablishISDPKeySet" in online.calls.report(call, None).step
        return [] if gone and time.time() < until else messages

    online.air.down = until_then
    report = online.carried_out(call)
    assert report.state == "failed"
    assert "validity period" in report.reason
    assert time.time() >= until
    assert online.states() == {}
    assert online.audited() == {}


def test_within_its_validity_period_a_call_is_carried_out(online: Online) -> None:
    report = online.carried_out(asked_until(online, time.time() + 60))
    assert (report.state, report.reason) == ("done", "")
    assert online.states() == {report.iccid: "enabled"}
