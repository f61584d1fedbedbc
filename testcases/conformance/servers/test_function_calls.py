"""Function call identifier and validity period, of all functions alike (SGP.02, annex A)."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, eis, refused, unchanged

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, annex A"
NO_HEADER = ""


def named(parties: Parties, identifier: str, iccid: str, eid: str) -> dict[str, Any]:
    """Call ES3.CreateISDP under an identifier."""
    return parties.call(
        parties.sm_dp,
        parties.sm_sr,
        "es3/CreateISDP",
        identifier=identifier,
        eid=eid,
        iccid=iccid,
        mno=parties.mno,
    )


@pytest.mark.conformance("SMSR-CALL-IDENTIFIER-01", section=SECTION)
def test_a_repeated_call_has_one_answer_and_one_effect(parties: Parties) -> None:
    """A repeated call is answered as before, and nothing happens a second time.

    Preconditions: an eUICC that does not answer.

    Steps:
    1. CreateISDP under an identifier: a job and an AID.
    2. The same again, and again with its fields in another order: the same job and AID.
    3. The EIS: one profile.
    4. The same function under another identifier: refused, for the first is not done: wrong-state
       1.2 / 4.4.
    """
    eid, iccid = preparing.registered(parties, numbered=True), preparing.new_iccid()
    name = secrets.token_hex(16)
    with step("1. CreateISDP"):
        first = named(parties, name, iccid, eid)
    with step("2. The same again"):
        assert named(parties, name, iccid, eid) == first
        turned = {"mno": parties.mno, "iccid": iccid, "eid": eid}
        again = parties.call(
            parties.sm_dp, parties.sm_sr, "es3/CreateISDP", identifier=name, **turned
        )
        assert again == first
    with step("3. The EIS"):
        assert [row["iccid"] for row in eis(parties, eid)] == [iccid]
    with step("4. Another identifier"), refused(Answer.EUICC_BUSY):
        named(parties, secrets.token_hex(16), iccid, eid)


@pytest.mark.conformance("SMSR-CALL-IDENTIFIER-02", section=SECTION)
def test_an_identifier_is_for_one_call(parties: Parties) -> None:
    """The identifier of a call is refused for another body and for another function.

    Preconditions: UpdatePolicyRules was called under an identifier.

    Steps:
    1. UpdatePolicyRules with another POL2 under it: exists.
    2. UpdateSubscriptionAddress under it: exists.
    3. The EIS: nothing has changed.
    4. Another MNO's call under it: carried out, for identifiers are the caller's own.
    """
    euicc = preparing.furnished(parties)
    name = secrets.token_hex(16)
    place = {"eid": euicc.eid, "iccid": euicc.own}

    def policy(me: str, pol2: int, iccid: str = euicc.own) -> None:
        parties.call(
            me,
            parties.sm_sr,
            "es4/UpdatePolicyRules",
            identifier=name,
            eid=euicc.eid,
            iccid=iccid,
            pol2=pol2,
        )

    policy(parties.mno, 1)
    with unchanged(parties, euicc.eid):
        with step("1. Another body"), refused(Answer.OTHER_CALL):
            policy(parties.mno, 2)
        with step("2. Another function"), refused(Answer.OTHER_CALL):
            parties.call(
                parties.mno,
                parties.sm_sr,
                "es4/UpdateSubscriptionAddress",
                identifier=name,
                address={"imsi": "001010000000008"},
                **place,
            )
    with step("4. Another caller"):
        policy(parties.other_mno, 4, euicc.foreign)
        assert {row["iccid"]: row["pol2"] for row in eis(parties, euicc.eid)} == {
            euicc.own: 1,
            euicc.foreign: 4,
            euicc.elsewhere: 0,
        }


@pytest.mark.conformance("SMSR-CALL-IDENTIFIER-03", section=SECTION)
def test_a_refusal_is_an_answer_too(parties: Parties) -> None:
    """A refused call is refused again under its identifier, even where it would be allowed now.

    Preconditions: an eUICC with a disabled profile that POL2 forbids to delete.

    Steps:
    1. DeleteProfile under an identifier: policy 8.2.3 / 3.8.
    2. UpdatePolicyRules allows it.
    3. DeleteProfile under the same identifier: policy 8.2.3 / 3.8 again, and no job was started.
    """
    eid = preparing.registered(parties, numbered=True)
    iccid = preparing.installed(parties, eid, 0x10)
    name = secrets.token_hex(16)

    def policy(pol2: int) -> None:
        parties.call(
            parties.mno, parties.sm_sr, "es4/UpdatePolicyRules", eid=eid, iccid=iccid, pol2=pol2
        )

    def delete(identifier: str | None) -> None:
        parties.call(
            parties.mno,
            parties.sm_sr,
            "es4/DeleteProfile",
            identifier=identifier,
            eid=eid,
            iccid=iccid,
        )

    policy(preparing.NO_DELETE)
    with step("1. DeleteProfile"), refused(Answer.POL2):
        delete(name)
    with step("2. POL2 allows it"):
        policy(0)
    with step("3. DeleteProfile again"), refused(Answer.POL2):
        delete(name)
    with step("3. No job was started: AuditEIS finds the eUICC free"):
        parties.call(parties.mno, parties.sm_sr, "es4/AuditEIS", eid=eid)


@pytest.mark.conformance("SMSR-CALL-IDENTIFIER-04", section=SECTION)
def test_repetitions_at_the_same_moment_have_one_effect(parties: Parties) -> None:
    """Repetitions at the same moment have one answer and one effect.

    Preconditions: an eUICC that does not answer.

    Steps:
    1. The same CreateISDP four times at once: four times the same job.
    2. The EIS: one profile.
    """
    eid, iccid = preparing.registered(parties, numbered=True), preparing.new_iccid()
    name = secrets.token_hex(16)
    with step("1. Four at once"), ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(named, parties, name, iccid, eid) for _ in range(4)]
        assert len({one.result(timeout=30)["job"] for one in asked}) == 1
    with step("2. The EIS"):
        assert [row["iccid"] for row in eis(parties, eid)] == [iccid]


@pytest.mark.conformance("SMSR-CALL-VALIDITY-01", section=SECTION)
def test_a_call_after_its_validity_is_not_carried_out(parties: Parties) -> None:
    """A call whose validity period is over is not carried out.

    Preconditions: an eUICC with a profile of the caller.

    Steps:
    1. UpdatePolicyRules, valid for a microsecond: expired.
    2. The EIS: nothing has changed.
    3. UpdatePolicyRules, valid for a minute: carried out.
    """
    euicc = preparing.unreachable(parties)
    fields: dict[str, Any] = {"eid": euicc.eid, "iccid": euicc.own, "pol2": 1}

    def policy(valid_s: float) -> None:
        parties.call(
            parties.mno, parties.sm_sr, "es4/UpdatePolicyRules", validityPeriod=valid_s, **fields
        )

    with unchanged(parties, euicc.eid), step("1. Over"), refused(Answer.EXPIRED):
        policy(0.000_001)
    with step("3. Not over"):
        policy(60)
        assert {row["iccid"]: row["pol2"] for row in eis(parties, euicc.eid)}[euicc.own] == 1


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("SMSR-CALL-IDENTIFIER-05", section=SECTION)
def test_a_call_that_is_not_named_or_named_wrongly_is_refused(parties: Parties) -> None:
    """A call without an identifier, or with two, or in another's name, is refused.

    Preconditions: an eUICC with a profile of the caller.

    Steps:
    1. UpdatePolicyRules without an identifier: incomplete.
    2. With one identifier in the header and another in the body: invalid.
    3. With the functionRequesterId of another MNO: not-allowed.
    4. The EIS: nothing has changed.
    5. With the identifier in the body alone: carried out.
    """
    euicc = preparing.unreachable(parties)
    fields: dict[str, Any] = {"eid": euicc.eid, "iccid": euicc.own, "pol2": 1}
    name = secrets.token_hex(16)

    def policy(header: str, **more: str) -> None:
        parties.call(
            parties.mno,
            parties.sm_sr,
            "es4/UpdatePolicyRules",
            identifier=header,
            **fields | more,
        )

    with unchanged(parties, euicc.eid):
        with step("1. None"), refused(Answer.INCOMPLETE):
            policy(NO_HEADER)
        with step("2. Two"), refused(Answer.INVALID):
            policy(name, functionCallIdentifier=name[::-1] + "0")
        with step("3. Another's name"), refused(Answer.NOT_ALLOWED):
            policy(name, functionRequesterId=parties.other_mno)
    with step("5. In the body"):
        policy(NO_HEADER, functionCallIdentifier=name, functionRequesterId=parties.mno)
        assert {row["iccid"]: row["pol2"] for row in eis(parties, euicc.eid)}[euicc.own] == 1
