"""ES2: what an MNO has an SM-DP do with its profiles, as far as no card is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.provisioning.orders import ProfileRequest
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, eis, refused, unchanged
from testcases.conformance.servers.preparing import case

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-08", "R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 5.3"
MANAGING: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ENABLE": ("EnableProfile", {}),
    "DISABLE": ("DisableProfile", {}),
    "DELETE": ("DeleteProfile", {}),
    "POLICY": ("UpdatePolicyRules", {"pol2": 7}),
    "ADDRESS": ("UpdateSubscriptionAddress", {"address": {"imsi": "001010000000006"}}),
}


def asked(parties: Parties, name: str, *, me: str = "", **fields: object) -> dict[str, Any]:
    """Call a function of ES2 at our SM-DP, as our MNO or ``me``, for eUICCs of our SM-SR."""
    values: dict[str, Any] = {"sm_sr": parties.sm_sr} | fields
    return parties.call(me or parties.mno, parties.sm_dp, f"es2/{name}", **values)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        case("SMDP-ES2-GETEIS-01", "GetEIS shows an MNO its own profiles by this SM-DP",
             SECTION, "mno", "own"),
        case("SMDP-ES2-GETEIS-02", "GetEIS shows another MNO its own",
             SECTION, "other_mno", "foreign"),
    ],
)  # fmt: skip
def test_an_mno_sees_its_own_profiles(parties: Parties, caller: str, expected: str) -> None:
    """ES2.GetEIS shows the MNO's own profiles, as far as the SM-DP manages them.

    Preconditions: an eUICC with profiles of two MNOs by this SM-DP, and one by another SM-DP.

    Steps:
    1. GetEIS: the one profile of this MNO by this SM-DP.
    """
    euicc = parties.kept(preparing.furnished)
    with step("1. GetEIS"):
        found = asked(parties, "GetEIS", me=getattr(parties, caller), eid=euicc.eid)
        assert [row["iccid"] for row in found["profiles"]] == [getattr(euicc, expected)]


@pytest.mark.conformance("SMDP-ES2-GETEIS-03", section=SECTION)
def test_an_eis_that_is_not_there_is_not_shown(parties: Parties) -> None:
    """GetEIS of an unknown eUICC, or at an unknown SM-SR, is refused.

    Preconditions: an EID that was never registered.

    Steps:
    1. GetEIS of it: unknown 8.1.1 / 3.9.
    2. GetEIS at an SM-SR that the SM-DP does not work with: unknown-peer 8.7 / 1.1.
    """
    eid = preparing.new_eid()
    with step("1. An unknown eUICC"), refused(Answer.UNKNOWN_EUICC):
        asked(parties, "GetEIS", eid=eid)
    with step("2. An unknown SM-SR"), refused(Answer.UNKNOWN_SM_SR):
        asked(parties, "GetEIS", eid=eid, sm_sr="sm-sr-of-nobody")


@pytest.mark.parametrize(
    "function",
    [
        case(f"SMDP-ES2-{function}-02", f"{name}: of unknown and foreign ones", SECTION, function)
        for function, (name, _) in MANAGING.items()
    ],
)
def test_what_is_not_the_mnos_is_not_managed(parties: Parties, function: str) -> None:
    """A function is refused for what is unknown, and for another's profile.

    Preconditions: an eUICC with a profile of the MNO by this SM-DP, one of the MNO by another
    SM-DP, and one of another MNO.

    Steps:
    1. At an SM-SR that the SM-DP does not work with: unknown-peer 8.7 / 1.1.
    2. On an eUICC that was never registered: unknown 8.1.1 / 3.9.
    3. On a profile that is not in the EIS, or that another SM-DP made: unknown 8.2.1 / 3.9.
    4. On the profile of another MNO: not-allowed 8.2.1 / 1.2.
    5. The EIS: nothing has changed.
    """
    euicc = parties.kept(preparing.furnished)
    name, more = MANAGING[function]
    usual = {"eid": euicc.eid, "iccid": euicc.own} | more
    with unchanged(parties, euicc.eid):
        for number, changes, answer in (
            (1, {"sm_sr": "sm-sr-of-nobody"}, Answer.UNKNOWN_SM_SR),
            (2, {"eid": preparing.new_eid()}, Answer.UNKNOWN_EUICC),
            (3, {"iccid": preparing.new_iccid()}, Answer.UNKNOWN_PROFILE),
            (3, {"iccid": euicc.elsewhere}, Answer.UNKNOWN_PROFILE),
            (4, {"iccid": euicc.foreign}, Answer.NOT_YOUR_PROFILE),
        ):
            with step(f"{number}. {answer}"), refused(answer):
                asked(parties, name, **usual | changes)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        case("SMDP-ES2-POLICY-01", "UpdatePolicyRules: noted in the EIS", SECTION,
             "POLICY", {"pol2": 7}),
        case("SMDP-ES2-ADDRESS-01", "UpdateSubscriptionAddress: noted in the EIS", SECTION,
             "ADDRESS", {"imsi": "001010000000006", "msisdn": ""}),
    ],
)  # fmt: skip
def test_policy_and_address_are_noted(
    parties: Parties, function: str, expected: dict[str, Any]
) -> None:
    """POL2 and subscription address stand in the SM-SR's EIS, at this profile and no other.

    Preconditions: an eUICC with two profiles of the MNO.

    Steps:
    1. The function on one of them: accepted.
    2. The EIS shows the values at that profile, and no other change.
    """
    euicc = preparing.unreachable(parties)
    name, fields = MANAGING[function]
    before = {row["iccid"]: row for row in eis(parties, euicc.eid)}
    with step("1. The function"):
        asked(parties, name, eid=euicc.eid, iccid=euicc.own, **fields)
    with step("2. The EIS"):
        after = {row["iccid"]: row for row in eis(parties, euicc.eid)}
        assert after == before | {euicc.own: before[euicc.own] | expected}


@pytest.mark.requirement("R-08", "R-63", refusal=True)
@pytest.mark.parametrize(
    ("function", "profile"),
    [
        case("SMDP-ES2-ENABLE-03", "EnableProfile that POL2 forbids fails", SECTION,
             "EnableProfile", "own"),
        case("SMDP-ES2-DISABLE-03", "DisableProfile that POL2 forbids fails", SECTION,
             "DisableProfile", "own_enabled"),
        case("SMDP-ES2-DELETE-03", "DeleteProfile that POL2 forbids fails", SECTION,
             "DeleteProfile", "own"),
    ],
)  # fmt: skip
def test_what_the_sm_sr_refuses_fails(parties: Parties, function: str, profile: str) -> None:
    """A call that the SM-SR refuses ends as failed with a reason; only its MNO is told.

    Preconditions: an eUICC with profiles that POL2 forbids to disable and to delete.

    Steps:
    1. The function: answered at once with a call.
    2. The call ends as failed, with a reason.
    3. To another MNO the report of the call is refused: unknown.
    4. The EIS: nothing has changed.
    """
    euicc = parties.kept(preparing.guarded)
    with unchanged(parties, euicc.eid):
        with step("1. The function"):
            fields = {"eid": euicc.eid, "iccid": getattr(euicc, profile)}
            call = asked(parties, function, **fields)["call"]
        with step("2. Its end"):
            report = preparing.ended(parties, call)
            assert report["state"] == "failed"
            assert report["reason"]
        with step("3. To another MNO"), refused(Answer.UNKNOWN):
            parties.desk.caller(parties.other_mno, parties.sm_dp).ask(f"es2/calls/{call}")


@pytest.mark.requirement("R-08", "R-63", refusal=True)
@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        case("SMDP-ES2-DOWNLOAD-02", "DownloadProfile without ICCID and type", SECTION,
             {}, Answer.DATA_INVALID),
        case("SMDP-ES2-DOWNLOAD-03", "DownloadProfile with ICCID and type", SECTION,
             {"iccid": "foreign", "profile_type": "prepaid"}, Answer.DATA_INVALID),
        case("SMDP-ES2-DOWNLOAD-04", "DownloadProfile of a type that does not exist", SECTION,
             {"profile_type": "gold"}, Answer.INVALID),
        case("SMDP-ES2-DOWNLOAD-05", "DownloadProfile at an unknown SM-SR", SECTION,
             {"profile_type": "prepaid", "sm_sr": "sm-sr-of-nobody"}, Answer.UNKNOWN_SM_SR),
        case("SMDP-ES2-DOWNLOAD-06", "DownloadProfile to what is no EID", SECTION,
             {"profile_type": "prepaid", "eid": "8" * 32}, Answer.DATA_INVALID),
        case("SMDP-ES2-DOWNLOAD-07", "DownloadProfile of another MNO's profile", SECTION,
             {"iccid": "foreign"}, Answer.NOT_YOUR_PROFILE),
        case("SMDP-ES2-DOWNLOAD-08", "DownloadProfile of a profile given away as packets", SECTION,
             {"iccid": "given away"}, Answer.PROFILE_KNOWN),
    ],
)  # fmt: skip
def test_a_download_is_refused(parties: Parties, fields: dict[str, Any], answer: Answer) -> None:
    """DownloadProfile is refused, and nothing is begun on the eUICC.

    Preconditions: an eUICC without profiles; profiles of both MNOs were ordered at the SM-DP.

    Steps:
    1. DownloadProfile: the refusal of the documentation.
    2. The EIS: nothing has changed.
    """
    eid = parties.kept(preparing.bare)
    values: dict[str, Any] = {"eid": eid} | fields
    if fields.get("iccid") == "foreign":
        request = ProfileRequest(mno=parties.other_mno, amount=1)
        values["iccid"] = parties.desk.sm_dp(parties.sm_dp).place(request).profiles[0].iccid
    elif fields.get("iccid") == "given away":
        request = ProfileRequest(mno=parties.mno, targets=(preparing.bare(parties),))
        values["iccid"] = parties.desk.sm_dp(parties.sm_dp).place(request).profiles[0].iccid
    with unchanged(parties, eid), step(f"1. DownloadProfile: {answer}"), refused(answer):
        asked(parties, "DownloadProfile", **values)


@pytest.mark.conformance("SMDP-ES2-DOWNLOAD-09", section="SGP.02, 3.1.2 and 5.3.2")
def test_an_euicc_without_a_certificate_gets_no_profile(parties: Parties) -> None:
    """No key is established with an eUICC that has no certificate of its maker.

    Preconditions: an eUICC whose EIS holds no certificate of its ECASD.

    Steps:
    1. DownloadProfile: answered at once with a call.
    2. The call ends as failed.
    3. The EIS: no ISD-P was created.
    """
    eid = parties.kept(preparing.bare)
    with unchanged(parties, eid):
        with step("1. DownloadProfile"):
            call = asked(parties, "DownloadProfile", eid=eid, profile_type="prepaid")["call"]
        with step("2. Its end"):
            assert preparing.ended(parties, call)["state"] == "failed"
