"""The functions of ES2, ES3 and ES4 to their end, on the card of the bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.provisioning.errors import Refusal, RefusalCode
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, eis, refused, unchanged
from testcases.conformance.servers.preparing import case
from testcases.conformance.servers.waiting import JOB_TIMEOUT_S, until

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.parties import Parties
    from hil.pytest_run import Run

pytestmark = [
    pytest.mark.requires("device", "card.m2m", "network"),
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-63", "R-64", "R-65"),
    pytest.mark.severity("blocker"),
    pytest.mark.usefixtures("device"),
]
TOLD_S = 10.0
GRANTED = 60_000
CHANGE_TIMEOUT_S = 60.0
HANDOVER = "SMSR-ES7-HANDOVER-01"


def job(parties: Parties, me: str, name: str, **fields: object) -> dict[str, Any]:
    """Call a function of the SM-SR that goes to the card; return the report of its job's end."""
    started = parties.desk.caller(me, parties.sm_sr).function(name, fields)["job"]
    return finished(parties, me, started)


def finished(parties: Parties, me: str, started: str, *, at: str = "") -> dict[str, Any]:
    """Wait until a job has ended, at our SM-SR or ``at`` another one; return its report."""
    caller = parties.desk.caller(me, at or parties.sm_sr)
    report: dict[str, Any] = {}

    def over() -> bool:
        report.update(caller.ask(f"jobs/{started}?wait_s=5"))
        return bool(report["state"] != "running")

    until(over, timeout_s=JOB_TIMEOUT_S, otherwise=f"job {started} has not ended")
    return report


def audited(parties: Parties, esim: Esim) -> str:
    """Have the SM-SR's EIS set right by the card; return the EID."""
    with step("Precondition: AuditEIS"):
        eid = esim.eid()
        report = job(parties, parties.mno, "es4/AuditEIS", eid=eid)
        assert (report["state"], report["reason"]) == ("done", "")
    return eid


def last_audit(parties: Parties, eid: str) -> float:
    """Return when the EIS was last set right by the card, in seconds since 1970."""
    view = parties.call(parties.mno, parties.sm_sr, "es4/GetEIS", eid=eid)
    return float(view["audited_at"] or 0.0)


def downloaded(parties: Parties, eid: str, *, enable: bool) -> str:
    """Have a profile downloaded by ES2; return its ICCID."""
    fields = {"eid": eid, "sm_sr": parties.sm_sr, "profile_type": "prepaid", "enable": enable}
    name = "es2/DownloadProfile"
    call = parties.call(parties.mno, parties.sm_dp, name, identifier=None, **fields)["call"]
    report = preparing.ended(parties, call)
    assert (report["state"], report["reason"]) == ("done", "")
    return str(report["iccid"])


def in_eis(parties: Parties, eid: str, iccid: str) -> str | None:
    """Return the state of a profile in the EIS, None where it is not there."""
    return {row["iccid"]: row["state"] for row in eis(parties, eid)}.get(iccid)


def told(parties: Parties, iccid: str, *events: str) -> None:
    """Hold the MNO to having been told of some events of a profile, in order."""

    def heard() -> list[str]:
        notices = parties.desk.mno(parties.mno).notices()
        return [one.event for one in notices if one.iccid == iccid]

    until(lambda: len(heard()) >= len(events), timeout_s=TOLD_S, otherwise="the MNO was not told")
    assert heard() == list(events)


@pytest.mark.conformance("SMDP-ES2-DOWNLOAD-01", section="SGP.02, 3.1 and 5.3")
def test_a_profiles_life_through_the_sm_dp(parties: Parties, esim: Esim) -> None:
    """A profile is downloaded with keys made on the card, enabled, disabled and deleted by ES2.

    Preconditions: the card has its provisioning profile alone, and the EIS agrees with it.

    Steps:
    1. DownloadProfile by type, to be enabled: done. The card shows its ICCID, the EIS enabled.
    2. DisableProfile: done. The card shows the provisioning profile again, the EIS disabled.
    3. EnableProfile: done.
    4. DeleteProfile of the enabled profile: the call fails, nothing has changed.
    5. DisableProfile and DeleteProfile: done. Neither card nor EIS has the profile.
    6. The MNO was told of each change in order.
    """
    eid, before = audited(parties, esim), esim.iccid()
    with step("1. DownloadProfile"):
        iccid = downloaded(parties, eid, enable=True)
        assert (esim.iccid_after_reset(iccid), in_eis(parties, eid, iccid)) == (iccid, "enabled")

    def managed(name: str) -> str:
        fields = {"eid": eid, "sm_sr": parties.sm_sr, "iccid": iccid}
        call = parties.call(parties.mno, parties.sm_dp, f"es2/{name}", identifier=None, **fields)[
            "call"
        ]
        return str(preparing.ended(parties, call)["state"])

    with step("2. DisableProfile"):
        assert managed("DisableProfile") == "done"
        assert (esim.iccid_after_reset(before), in_eis(parties, eid, iccid)) == (before, "disabled")
    with step("3. EnableProfile"):
        assert managed("EnableProfile") == "done"
        assert (esim.iccid_after_reset(iccid), in_eis(parties, eid, iccid)) == (iccid, "enabled")
    with step("4. DeleteProfile"), unchanged(parties, eid):
        assert managed("DeleteProfile") == "failed"
        assert esim.iccid() == iccid
    with step("5. DisableProfile and DeleteProfile"):
        assert (managed("DisableProfile"), managed("DeleteProfile")) == ("done", "done")
        assert (len(esim.profiles()), in_eis(parties, eid, iccid)) == (1, None)
    with step("6. The MNO"):
        told(parties, iccid, "enabled", "disabled", "enabled", "disabled", "deleted")


@pytest.mark.conformance("SMDP-ES2-CONNECTIVITY-01", section="SGP.02, 3.14, 5.4 and 4.1.3.4")
def test_connectivity_parameters_go_to_the_isd_p(parties: Parties, esim: Esim) -> None:
    """The SM-DP brings connectivity parameters to its ISD-P by SCP03, the SM-SR alone brings none.

    Preconditions: a profile was downloaded; it is DISABLED.

    Steps:
    1. UpdateConnectivityParameters by ES2: done; again with others: done.
    2. UpdateConnectivityParameters by ES2 for what is no data object: invalid 1.6 / 2.1.
    3. UpdateConnectivityParameters by ES3 with STORE DATA that no key of the ISD-P secures: the job
       is failed.
    4. The EIS is as before.
    """
    eid = audited(parties, esim)
    with step("Precondition: a profile is downloaded"):
        iccid = downloaded(parties, eid, enable=False)
    place = {"eid": eid, "iccid": iccid}
    name = "es2/UpdateConnectivityParameters"

    def ask(parameters: str) -> dict[str, Any]:
        fields = place | {"sm_sr": parties.sm_sr, "parameters": parameters}
        answer: dict[str, Any] = parties.call(
            parties.mno, parties.sm_dp, name, identifier=None, **fields
        )
        return answer

    try:
        with unchanged(parties, eid):
            with step("1. UpdateConnectivityParameters"):
                for parameters in ("35010347026e31", "35010347026e32"):
                    report = preparing.ended(parties, ask(parameters)["call"])
                    assert (report["state"], report["reason"]) == ("done", "")
            with step("2. What is no data object"), refused(Answer.DATA_INVALID):
                ask("3509")
            with step("3. STORE DATA without SCP03"):
                data = "220f80e288000a3a070735010347026e33"
                fields = place | {"data": data}
                report = job(parties, parties.sm_dp, "es3/UpdateConnectivityParameters", **fields)
                assert report["state"] == "failed"
    finally:
        with step("The profile is deleted"):
            assert job(parties, parties.mno, "es4/DeleteProfile", **place)["state"] == "done"


@pytest.mark.conformance("SMSR-ES3-CREATE-01", section="SGP.02, 5.4.3")
def test_an_isdp_without_a_profile_can_only_be_deleted(parties: Parties, esim: Esim) -> None:
    """An ISD-P is created, can be used for a download alone, and is deleted.

    Preconditions: the card has its provisioning profile alone, and the EIS agrees with it.

    Steps:
    1. CreateISDP: the job is done; the card has the ISD-P with the AID of the answer; EIS: created.
    2. EnableProfile, DisableProfile, UpdatePolicyRules, UpdateSubscriptionAddress,
       UpdateConnectivityParameters: wrong-state 8.2.1 / 1.2 each.
    3. SMSRChange: wrong-state 8.2.1 / 1.2.
    4. SendData with INITIALIZE UPDATE: the job is done, with the card's answer in it.
    5. DeleteISDP: the job is done; neither card nor EIS has it.
    """
    eid, iccid = audited(parties, esim), preparing.new_iccid()
    with step("1. CreateISDP"):
        answer = preparing.created(parties, eid, iccid)
        assert finished(parties, parties.sm_dp, answer["job"])["state"] == "done"
        aid = bytes.fromhex(answer["isdp_aid"])
        assert esim.profile(aid) is not None
        assert in_eis(parties, eid, iccid) == "created"
    try:
        place: dict[str, Any] = {"eid": eid, "iccid": iccid}
        with unchanged(parties, eid):
            for name, more in (
                ("es3/EnableProfile", {}),
                ("es4/DisableProfile", {}),
                ("es4/UpdatePolicyRules", {"pol2": 1}),
                ("es3/UpdateSubscriptionAddress", {"address": {"imsi": "001010000000005"}}),
                ("es3/UpdateConnectivityParameters", {"data": "8600"}),
            ):
                me = parties.sm_dp if name.startswith("es3") else parties.mno
                with step(f"2. {name}"), refused(Answer.WRONG_STATE):
                    parties.call(me, parties.sm_sr, name, **place | more)
            with step("3. SMSRChange"), refused(Answer.WRONG_STATE):
                parties.call(
                    parties.mno,
                    parties.sm_sr,
                    "es4/SMSRChange",
                    eid=eid,
                    sm_sr=parties.other_sm_sr,
                )
        with step("4. SendData"):
            # The card answers with its key information, or says no: either way with an answer.
            data = "220d8050000008" + "00" * 8
            sent = {"eid": eid, "sd_aid": aid.hex(), "data": data}
            report = job(parties, parties.sm_dp, "es3/SendData", **sent)
            assert report["state"] == "done"
            assert report["response"]
    finally:
        with step("5. DeleteISDP"):
            report = job(parties, parties.sm_dp, "es3/DeleteISDP", eid=eid, iccid=iccid)
    assert report["state"] == "done"
    assert (esim.profile(aid), in_eis(parties, eid, iccid)) == (None, None)


@pytest.mark.conformance("SMSR-ES3-COMPLETED-01", section="SGP.02, 5.4.3 and 5.4.5")
def test_what_is_said_of_a_complete_download_is_in_the_eis(parties: Parties, esim: Esim) -> None:
    """An ISD-P takes its memory, and a download that is complete is a disabled profile.

    Preconditions: the card has its provisioning profile alone, and the EIS agrees with it.

    Steps:
    1. CreateISDP: the job is done; GetEIS shows as much less memory as was granted.
    2. CreateISDP with one byte more than what remains: no-memory 8.1 / 4.8.
    3. ProfileDownloadCompleted: the EIS shows the profile disabled, with the type, the address and
       the POL2 that were said.
    4. DeleteISDP, which this POL2 forbids: policy 8.2.3 / 3.8.
    5. UpdatePolicyRules allows it; DeleteISDP: the job is done, and the memory is there again.
    """
    eid, iccid = audited(parties, esim), preparing.new_iccid()
    place: dict[str, Any] = {"eid": eid, "iccid": iccid}

    def remaining() -> int:
        view = parties.call(parties.sm_dp, parties.sm_sr, "es3/GetEIS", eid=eid)
        return int(view["remaining_memory"])

    before = remaining()
    with step("1. CreateISDP"):
        answer = preparing.created(parties, eid, iccid, memory=GRANTED)
        assert finished(parties, parties.sm_dp, answer["job"])["state"] == "done"
        assert remaining() == before - GRANTED
    try:
        with step("2. CreateISDP with more than remains"), refused(Answer.NO_MEMORY):
            preparing.created(parties, eid, preparing.new_iccid(), memory=before - GRANTED + 1)
        with step("3. ProfileDownloadCompleted"):
            address = {"imsi": "001010000000012", "msisdn": ""}
            said = {"profile_type": "prepaid", "address": address, "pol2": preparing.NO_DELETE}
            name = "es3/ProfileDownloadCompleted"
            parties.call(parties.sm_dp, parties.sm_sr, name, **place | said)
            (row,) = (one for one in eis(parties, eid) if one["iccid"] == iccid)
            assert (row["state"], row["profile_type"]) == ("disabled", "prepaid")
            assert (row["imsi"], row["pol2"]) == ("001010000000012", preparing.NO_DELETE)
        with step("4. DeleteISDP against POL2"), refused(Answer.POL2):
            parties.call(parties.sm_dp, parties.sm_sr, "es3/DeleteISDP", **place)
    finally:
        with step("5. DeleteISDP"):
            if in_eis(parties, eid, iccid) == "disabled":
                fields = place | {"pol2": 0}
                parties.call(parties.mno, parties.sm_sr, "es4/UpdatePolicyRules", **fields)
            report = job(parties, parties.sm_dp, "es3/DeleteISDP", **place)
    assert report["state"] == "done"
    assert remaining() == before


@pytest.mark.conformance("SMSR-ES4-ENABLE-01", section="SGP.02, 5.5")
def test_the_card_has_done_what_a_job_says(parties: Parties, esim: Esim) -> None:
    """EnableProfile, DisableProfile and DeleteProfile of ES4 are done on the card.

    Preconditions: a profile of the MNO was downloaded; it is DISABLED.

    Steps:
    1. EnableProfile: done. The card shows its ICCID, GetStatus ENABLED, the EIS enabled.
    2. AuditEIS: done, and the EIS is as before, but for the date of the audit.
    3. DisableProfile: done, on card and in EIS, though POL2 has bit 4; DELETE follows by itself.
    4. Neither card nor EIS has the profile; the MNO was told of each change.
    """
    eid = audited(parties, esim)
    with step("Precondition: a profile is downloaded"):
        iccid = downloaded(parties, eid, enable=False)
        aid = bytes.fromhex(preparing.aid_of(parties, eid, iccid))
        assert in_eis(parties, eid, iccid) == "disabled"
    place: dict[str, Any] = {"eid": eid, "iccid": iccid}
    with step("1. EnableProfile"):
        assert job(parties, parties.mno, "es4/EnableProfile", **place)["state"] == "done"
        found = esim.profile(aid)
        assert found is not None
        assert (found.state, esim.iccid_after_reset(iccid)) == (ProfileState.ENABLED, iccid)
        assert in_eis(parties, eid, iccid) == "enabled"
    with step("2. AuditEIS"), unchanged(parties, eid):
        before = last_audit(parties, eid)
        assert job(parties, parties.mno, "es4/AuditEIS", eid=eid)["state"] == "done"
        assert last_audit(parties, eid) > before
    with step("3. DisableProfile, with POL2 delete-on-disable"):
        fields = place | {"pol2": preparing.DELETE_ON_DISABLE}
        parties.call(parties.mno, parties.sm_sr, "es4/UpdatePolicyRules", **fields)
        assert job(parties, parties.mno, "es4/DisableProfile", **place)["state"] == "done"
        until(
            lambda: esim.iccid() != iccid,
            timeout_s=TOLD_S,
            otherwise="the card still shows the profile",
        )
    with step("4. It is deleted by itself"):
        until(
            lambda: in_eis(parties, eid, iccid) is None,
            timeout_s=JOB_TIMEOUT_S,
            otherwise="the profile was not deleted",
        )
        assert esim.profile(aid) is None
        told(parties, iccid, "enabled", "disabled", "deleted")


@pytest.mark.parametrize(
    "function",
    [
        case("SMSR-ES4-ENABLE-14", "EnableProfile that the card refuses fails", "SGP.02, 5.5",
             "EnableProfile"),
        case("SMSR-ES4-DISABLE-14", "DisableProfile that the card refuses fails", "SGP.02, 5.5",
             "DisableProfile"),
    ],
)  # fmt: skip
def test_what_the_card_refuses_fails(parties: Parties, esim: Esim, function: str) -> None:
    """A job that the card refuses ends as failed, and changes the EIS in nothing.

    Preconditions: the EIS shows a profile that is not on the card, disabled for EnableProfile,
    enabled for DisableProfile.

    Steps:
    1. The function: the job ends as failed, with a reason.
    2. The EIS is as before.
    3. AuditEIS: done; the EIS shows what is on the card.
    """
    eid = audited(parties, esim)
    enabled = function == "DisableProfile"
    with step("Precondition: a profile that is not on the card"):
        iccid = preparing.installed(parties, eid, 0xFFF0, enabled=enabled)
    try:
        with unchanged(parties, eid), step(f"1. {function}"):
            report = job(parties, parties.mno, f"es4/{function}", eid=eid, iccid=iccid)
            assert report["state"] == "failed"
            assert report["reason"]
    finally:
        with step("3. AuditEIS"):
            audited(parties, esim)
    assert in_eis(parties, eid, iccid) is None
    assert [row["state"] for row in eis(parties, eid)] == ["enabled"]


@pytest.mark.conformance(HANDOVER, section="SGP.02, 3.8, 5.5 and 5.6")
def test_an_euicc_changes_its_sm_sr_and_comes_back(parties: Parties, esim: Esim, run: Run) -> None:
    """An eUICC goes to another SM-SR with its EIS, and comes back.

    Preconditions: a profile of the MNO was downloaded; it is DISABLED. The case was asked for by
    its id: it has the SCP80 key sets that the card left the factory with deleted, the lab's too.

    Steps:
    1. PrepareSMSRChange at the new SM-SR, SMSRChange at the present one: it ends as done.
    2. The old one knows the eUICC no more: GetEIS and AuditEIS are unknown 8.1.1 / 3.9.
    3. The EIS of the new one has the same profiles, and its AuditEIS is done: it has keys.
    4. The MNO was told.
    5. The same back: the first SM-SR has the EIS of the beginning, and its AuditEIS is done.
    6. Where it opens HTTPS sessions: one in which the card is asked for its profiles is done, for
       the SM-SR has a new key of its own.
    """
    if not run.asked_for(HANDOVER):
        not_applicable(
            f"it replaces key sets of the card for good: ask for it, --hil-case {HANDOVER}"
        )
    eid = audited(parties, esim)
    with step("Precondition: a profile is downloaded"):
        iccid = downloaded(parties, eid, enable=False)
    before = eis(parties, eid)
    with step("1. The change"):
        changed(parties, eid, parties.sm_sr, parties.other_sm_sr)
    with step("2. The old SM-SR"):
        for name in ("es4/GetEIS", "es4/AuditEIS"):
            with refused(Answer.UNKNOWN_EUICC):
                parties.call(parties.mno, parties.sm_sr, name, eid=eid)
    with step("3. The new SM-SR"):
        assert eis(parties, eid, at=parties.other_sm_sr) == before
        started = parties.call(parties.mno, parties.other_sm_sr, "es4/AuditEIS", eid=eid)["job"]
        report = finished(parties, parties.mno, started, at=parties.other_sm_sr)
        assert (report["state"], report["reason"]) == ("done", "")
        assert eis(parties, eid, at=parties.other_sm_sr) == before
    with step("4. The MNO"):
        told(parties, iccid, "sm-sr-changed")
    with step("5. Back"):
        changed(parties, eid, parties.other_sm_sr, parties.sm_sr)
        assert job(parties, parties.mno, "es4/AuditEIS", eid=eid)["state"] == "done"
        assert eis(parties, eid) == before
    with step("6. An HTTPS session"):
        sm_sr = parties.desk.sm_sr(parties.sm_sr)
        try:
            started = sm_sr.audit(eid, way="https")
        except Refusal as refusal:
            # Neither a bench without administration server nor a card without SCP81 has sessions.
            assert refusal.code is RefusalCode.NO_ROUTE  # noqa: PT017 - any other one is an error
        else:
            assert sm_sr.wait(started, timeout_s=JOB_TIMEOUT_S).state == "done"


def changed(parties: Parties, eid: str, old: str, new: str) -> None:
    """Have an eUICC go from one SM-SR to another, and wait until it has."""
    parties.call(parties.mno, new, "es4/PrepareSMSRChange", eid=eid, sm_sr=old)
    parties.call(parties.mno, old, "es4/SMSRChange", eid=eid, sm_sr=new)
    caller = parties.desk.caller(parties.mno, old)
    report: dict[str, Any] = {}

    def over() -> bool:
        report.update(caller.ask(f"es4/handovers/{eid}"))
        return bool(report["state"] in ("done", "failed"))

    until(over, timeout_s=CHANGE_TIMEOUT_S, otherwise=f"{eid} has not come to {new}")
    assert (report["state"], report["reason"]) == ("done", "")
