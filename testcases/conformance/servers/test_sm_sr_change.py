"""ES4.PrepareSMSRChange, ES4.SMSRChange and the functions of ES7, without a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, eis, refused, unchanged
from testcases.conformance.servers.preparing import Furnished, case
from testcases.conformance.servers.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-08", "R-69"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.8 and 5.5"
ES7 = "SGP.02, 3.8 and 5.6"
END_S = 20.0


def prepared(parties: Parties, eid: str) -> None:
    """Have the new SM-SR expect an eUICC from the present one."""
    parties.call(
        parties.mno, parties.other_sm_sr, "es4/PrepareSMSRChange", eid=eid, sm_sr=parties.sm_sr
    )


def changed(parties: Parties, eid: str, target: str, me: str = "") -> None:
    """Call ES4.SMSRChange at the present SM-SR."""
    parties.call(me or parties.mno, parties.sm_sr, "es4/SMSRChange", eid=eid, sm_sr=target)


def handed(parties: Parties, eid: str, *, of: str = "", flip: bool = False) -> dict[str, Any]:
    """Return the fields of ES7.HandoverEUICC with the EIS of an eUICC."""
    signed = parties.desk.eum(parties.eum).eis(of or eid)
    signature = (
        bytes((signed.signature[0] ^ 1, *signed.signature[1:])) if flip else signed.signature
    )
    return {
        "eid": eid,
        "payload": signed.payload.hex(),
        "signature": signature.hex(),
        "msisdn": None,
        "kvns": [1],
        "profiles": [],
    }


def known(parties: Parties, eid: str) -> bool:
    """Whether the new SM-SR knows an eUICC."""
    return eid in parties.desk.sm_sr(parties.other_sm_sr).euiccs()


@pytest.mark.conformance("SMSR-ES4-PREPARE-01", section=SECTION)
def test_an_euicc_is_expected(parties: Parties) -> None:
    """The new SM-SR expects an eUICC, and tells the MNO and the present SM-SR so.

    Preconditions: an eUICC that the present SM-SR manages.

    Steps:
    1. PrepareSMSRChange at the new SM-SR: accepted.
    2. Its report says prepared, to that MNO and to the present SM-SR.
    3. Another MNO gets no report: unknown 8.1.1 / 3.9.
    """
    eid = parties.kept(preparing.bare)
    with step("1. PrepareSMSRChange"):
        prepared(parties, eid)
    with step("2. The report"):
        for me in (parties.mno, parties.sm_sr):
            report = parties.desk.caller(me, parties.other_sm_sr).ask(f"es7/handovers/{eid}")
            assert (report["state"], report["other"]) == ("prepared", parties.sm_sr)
    with step("3. To another MNO"), refused(Answer.UNKNOWN_EUICC):
        parties.desk.caller(parties.other_mno, parties.other_sm_sr).ask(f"es7/handovers/{eid}")


@pytest.mark.conformance("SMSR-ES4-PREPARE-02", section=SECTION)
def test_an_euicc_is_not_expected(parties: Parties) -> None:
    """PrepareSMSRChange is refused for an unknown SM-SR, and for an eUICC that is here already.

    Preconditions: an eUICC that the SM-SR manages.

    Steps:
    1. From an SM-SR that is not known: unknown-peer 8.7 / 1.1.
    2. For the eUICC that is managed here: exists 8.1.1 / 3.3.
    """
    eid = parties.kept(preparing.bare)
    name = "es4/PrepareSMSRChange"
    with step("1. An unknown SM-SR"), refused(Answer.UNKNOWN_SM_SR):
        parties.call(parties.mno, parties.other_sm_sr, name, eid=eid, sm_sr="sm-sr-of-nobody")
    with step("2. Managed here"), refused(Answer.EUICC_KNOWN):
        parties.call(parties.mno, parties.sm_sr, name, eid=eid, sm_sr=parties.other_sm_sr)


@pytest.mark.requirement("R-08", "R-69", refusal=True)
@pytest.mark.parametrize(
    ("prepare", "me", "target", "answer"),
    [
        case("SMSR-ES4-CHANGE-02", "SMSRChange by an MNO that has no profile there", SECTION,
             preparing.unreachable, "other_mno", "other_sm_sr", Answer.CALLER_NOT_ALLOWED),
        case("SMSR-ES4-CHANGE-03", "SMSRChange to an unknown SM-SR", SECTION,
             preparing.unreachable, "mno", "", Answer.UNKNOWN_SM_SR),
        case("SMSR-ES4-CHANGE-04", "SMSRChange while a job runs", SECTION,
             preparing.busy, "mno", "other_sm_sr", Answer.EUICC_BUSY),
        case("SMSR-ES4-CHANGE-05", "SMSRChange while an ISD-P is created", SECTION,
             preparing.creating, "mno", "other_sm_sr", Answer.EUICC_BUSY),
        case("SMSR-ES4-CHANGE-06", "SMSRChange of an unknown eUICC", SECTION,
             None, "mno", "other_sm_sr", Answer.UNKNOWN_EUICC),
    ],
)  # fmt: skip
def test_a_change_is_refused(
    parties: Parties,
    prepare: Callable[[Parties], Furnished] | None,
    me: str,
    target: str,
    answer: Answer,
) -> None:
    """SMSRChange is refused, and the eUICC stays.

    Preconditions: an eUICC in the state of the title.

    Steps:
    1. SMSRChange: the refusal of the documentation.
    2. The MNO that asked gets no report of it: unknown 8.1.1 / 3.9.
    """
    eid = preparing.new_eid() if prepare is None else parties.kept(prepare).eid
    caller = getattr(parties, me)
    name = getattr(parties, target) if target else "sm-sr-of-nobody"
    with step(f"1. SMSRChange: {answer}"), refused(answer):
        changed(parties, eid, name, caller)
    with step("2. The report"), refused(Answer.UNKNOWN_EUICC):
        parties.desk.caller(caller, parties.sm_sr).ask(f"es4/handovers/{eid}")


@pytest.mark.parametrize(
    "expected",
    [
        case("SMSR-ES4-CHANGE-07", "SMSRChange to an SM-SR that was not prepared fails", SECTION,
             False),
        case("SMSR-ES4-CHANGE-08", "SMSRChange of an eUICC without a certificate fails", SECTION,
             True),
    ],
)  # fmt: skip
def test_a_change_that_fails_leaves_everything(parties: Parties, expected: bool) -> None:
    """A change that the new SM-SR refuses ends as failed, and both ends are as before.

    Preconditions: an eUICC with two profiles of the MNO and no certificate of its ECASD; the new
    SM-SR expects it, or does not.

    Steps:
    1. SMSRChange: accepted.
    2. It ends as failed, with a reason.
    3. The present SM-SR's EIS is as before; the new one does not know the eUICC.
    4. The present SM-SR goes on: UpdatePolicyRules is accepted.
    """
    euicc = preparing.unreachable(parties)
    if expected:
        prepared(parties, euicc.eid)
    caller = parties.desk.caller(parties.mno, parties.sm_sr)
    with unchanged(parties, euicc.eid):
        with step("1. SMSRChange"):
            changed(parties, euicc.eid, parties.other_sm_sr)
        with step("2. Its end"):
            until(
                lambda: caller.ask(f"es4/handovers/{euicc.eid}")["state"] == "failed",
                timeout_s=END_S,
                otherwise="the change has not failed",
            )
            assert caller.ask(f"es4/handovers/{euicc.eid}")["reason"]
    with step("3. The new SM-SR"):
        assert not known(parties, euicc.eid)
    with step("4. UpdatePolicyRules"):
        fields = {"eid": euicc.eid, "iccid": euicc.own}
        caller.function("es4/UpdatePolicyRules", fields | {"pol2": 2})
        assert {row["iccid"]: row["pol2"] for row in eis(parties, euicc.eid)}[euicc.own] == 2


@pytest.mark.parametrize(
    ("expected", "other", "flip", "answer"),
    [
        case("SMSR-ES7-HANDOVER-02", "HandoverEUICC of an eUICC that nobody announced", ES7,
             False, False, False, Answer.SM_SR_NOT_EXPECTED),
        case("SMSR-ES7-HANDOVER-03", "HandoverEUICC with a signature that is not the maker's", ES7,
             True, False, True, Answer.BAD_SIGNATURE),
        case("SMSR-ES7-HANDOVER-04", "HandoverEUICC with the EIS of another eUICC", ES7,
             True, True, False, Answer.EIS_OF_ANOTHER),
        case("SMSR-ES7-HANDOVER-05", "HandoverEUICC of an eUICC without a certificate", ES7,
             True, False, False, Answer.BAD_EUICC_CERTIFICATE),
    ],
)  # fmt: skip
def test_an_euicc_is_not_taken(
    parties: Parties, expected: bool, other: bool, flip: bool, answer: Answer
) -> None:
    """HandoverEUICC is refused, and the new SM-SR does not know the eUICC.

    Preconditions: an eUICC that the present SM-SR manages; the new one expects it where the title
    says nothing else.

    Steps:
    1. HandoverEUICC by the present SM-SR: the refusal of the documentation.
    2. The new SM-SR does not know the eUICC.
    """
    eid = preparing.bare(parties)
    if expected:
        prepared(parties, eid)
    fields = handed(parties, eid, of=parties.kept(preparing.bare) if other else "", flip=flip)
    with step(f"1. HandoverEUICC: {answer}"), refused(answer):
        parties.call(parties.sm_sr, parties.other_sm_sr, "es7/HandoverEUICC", **fields)
    with step("2. The new SM-SR"):
        assert not known(parties, eid)


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        case("SMSR-ES7-AUTHENTICATE-02", "AuthenticateSMSR for an eUICC that stays", ES7,
             "AuthenticateSMSR", {"certificate": "7f2100"}),
        case("SMSR-ES7-KEYSET-02", "CreateAdditionalKeySet on an eUICC that stays", ES7,
             "CreateAdditionalKeySet", {"request": "3a0200"}),
    ],
)  # fmt: skip
def test_nothing_is_done_for_another_sm_sr(
    parties: Parties, function: str, fields: dict[str, str]
) -> None:
    """The functions of a new SM-SR are refused where the eUICC does not go to it.

    Preconditions: an eUICC that the SM-SR manages; no MNO has it changed.

    Steps:
    1. The function, by another SM-SR: wrong-state 8.7 / 1.2.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(preparing.reachable)
    values: dict[str, Any] = {"eid": euicc.eid} | fields
    expected = Answer.SM_SR_NOT_EXPECTED
    with unchanged(parties, euicc.eid), step(f"1. {function}"), refused(expected):
        parties.call(parties.other_sm_sr, parties.sm_sr, f"es7/{function}", **values)


@pytest.mark.requirement("R-08", "R-69", refusal=True)
@pytest.mark.parametrize(
    ("function", "fields"),
    [
        case("SMSR-ES7-LEAVING-01", "SMSRChange while the eUICC is on its way", SECTION,
             "SMSRChange", {}),
        case("SMSR-ES7-LEAVING-02", "UpdatePolicyRules while the eUICC is on its way", SECTION,
             "UpdatePolicyRules", {"pol2": 7}),
        case("SMSR-ES7-LEAVING-03", "UpdateSubscriptionAddress while the eUICC is on its way",
             SECTION, "UpdateSubscriptionAddress", {"address": {"imsi": "001010000000008"}}),
        case("SMSR-ES7-LEAVING-04", "EnableProfile while the eUICC is on its way", SECTION,
             "EnableProfile", {}),
        case("SMSR-ES7-LEAVING-05", "AuditEIS while the eUICC is on its way", SECTION,
             "AuditEIS", {}),
    ],
)  # fmt: skip
def test_an_euicc_on_its_way_is_left_alone(
    parties: Parties, function: str, fields: dict[str, Any]
) -> None:
    """What was sent on to the new SM-SR is not changed behind its back.

    Preconditions: an eUICC with two profiles of the MNO is handed over; the new SM-SR has taken its
    EIS, and waits for the card, which does not answer.

    Steps:
    1. The report of the handover says running.
    2. The function, by the MNO at the SM-SR before: busy 1.2 / 4.4.
    3. The EIS: nothing has changed. The report says running still.
    """
    euicc = parties.kept(preparing.leaving)
    caller = parties.desk.caller(parties.mno, parties.sm_sr)
    values: dict[str, Any] = {"eid": euicc.eid} | fields
    if function == "SMSRChange":
        values["sm_sr"] = parties.other_sm_sr
    elif function != "AuditEIS":
        values["iccid"] = euicc.own

    def state() -> str:
        return str(caller.ask(f"es4/handovers/{euicc.eid}")["state"])

    with step("1. The report"):
        assert state() == "running"
    with unchanged(parties, euicc.eid), step(f"2. {function}"), refused(Answer.EUICC_BUSY):
        caller.function(f"es4/{function}", values)
    with step("3. The report"):
        assert state() == "running"
