"""ES3.CreateISDP, SendData, ProfileDownloadCompleted and UpdateConnectivityParameters: refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.evidence import step
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, refused, unchanged
from testcases.conformance.servers.preparing import Furnished, case

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-64", "R-68"),
    pytest.mark.severity("critical"),
]
CREATE, SEND, COMPLETE = "SGP.02, 5.4.3", "SGP.02, 5.4.4", "SGP.02, 5.4.5"
CONNECT = "SGP.02, 5.4.13"
OWN: Final = isd_p_aid(0x10).hex()
NOWHERE: Final = isd_p_aid(0xFFFE).hex()
INITIALIZE_UPDATE: Final = "220d8050000008" + "11" * 8
STORE_FALLBACK: Final = "220880e2890003" + "3a0500"
"""STORE DATA with the grouping of SetFallbackAttribute."""


def establishment_for(aid: str) -> str:
    """Return INSTALL [for personalization] for an ISD-P, and STORE DATA with a key request."""
    install = bytes.fromhex("80e6200016000010" + aid + "000000")
    store = bytes.fromhex("80e2890003" + "3a0200")
    return "".join(f"22{len(one):02x}{one.hex()}" for one in (install, store))


@pytest.mark.parametrize(
    ("prepare", "fields", "answer"),
    [
        case("SMSR-ES3-CREATE-02", "CreateISDP for what is no ICCID", CREATE,
             preparing.reachable, {"iccid": "8988299012345678900"}, Answer.PROFILE_INVALID),
        case("SMSR-ES3-CREATE-03", "CreateISDP for an ICCID that the eUICC has", CREATE,
             preparing.reachable, {"iccid": "own"}, Answer.PROFILE_KNOWN),
        case("SMSR-ES3-CREATE-04", "CreateISDP with more memory than is left", CREATE,
             preparing.reachable, {"memory": 4_000_000_000}, Answer.NO_MEMORY),
        case("SMSR-ES3-CREATE-05", "CreateISDP on an unknown eUICC", CREATE,
             preparing.reachable, {"eid": "unknown"}, Answer.UNKNOWN_EUICC),
        case("SMSR-ES3-CREATE-06", "CreateISDP on an eUICC without a number", CREATE,
             preparing.unreachable, {}, Answer.NOT_REACHABLE),
        case("SMSR-ES3-CREATE-07", "CreateISDP while another job runs on the eUICC", CREATE,
             preparing.busy, {}, Answer.EUICC_BUSY),
        case("SMSR-ES3-CREATE-08", "CreateISDP for no MNO", CREATE,
             preparing.reachable, {"mno": ""}, Answer.DATA_INVALID),
    ],
)  # fmt: skip
def test_an_isdp_is_not_created(
    parties: Parties,
    prepare: Callable[[Parties], Furnished],
    fields: dict[str, Any],
    answer: Answer,
) -> None:
    """CreateISDP is refused, and the EIS shows no trace of it.

    Preconditions: an eUICC in the state of the title.

    Steps:
    1. CreateISDP: the refusal of the documentation.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(prepare)
    values = {"eid": euicc.eid, "iccid": preparing.new_iccid()} | fields
    known = {"own": euicc.own, "unknown": preparing.new_eid()}
    values = {name: known.get(value, value) for name, value in values.items()}
    with unchanged(parties, euicc.eid), step(f"1. CreateISDP: {answer}"), refused(answer):
        preparing.created(parties, **values)


@pytest.mark.parametrize(
    ("prepare", "sender", "target", "data", "answer"),
    [
        case("SMSR-ES3-SENDDATA-02", "SendData to an ISD-P that does not exist", SEND,
             preparing.reachable, "sm_dp", NOWHERE, INITIALIZE_UPDATE, Answer.UNKNOWN_ISDP),
        case("SMSR-ES3-SENDDATA-03", "SendData to an ISD-P of another SM-DP", SEND,
             preparing.reachable, "other_sm_dp", OWN, INITIALIZE_UPDATE, Answer.UNKNOWN_ISDP),
        case("SMSR-ES3-SENDDATA-04", "SendData without data", SEND,
             preparing.reachable, "sm_dp", OWN, "", Answer.DATA_INVALID),
        case("SMSR-ES3-SENDDATA-05", "SendData with an object that is cut off", SEND,
             preparing.reachable, "sm_dp", OWN, INITIALIZE_UPDATE[:-2], Answer.DATA_INVALID),
        case("SMSR-ES3-SENDDATA-06", "SendData with an object beside 22 and 84 to 87", SEND,
             preparing.reachable, "sm_dp", OWN, "880100", Answer.DATA_INVALID),
        case("SMSR-ES3-SENDDATA-07", "SendData to the ISD-R with DELETE", SEND,
             preparing.reachable, "sm_dp", ISD_R_AID.hex(),
             "221780e4004012" + "4f10" + OWN, Answer.DATA_NOT_ALLOWED),
        case("SMSR-ES3-SENDDATA-08", "SendData to the ISD-R with SetFallbackAttribute", SEND,
             preparing.reachable, "sm_dp", ISD_R_AID.hex(), STORE_FALLBACK,
             Answer.DATA_NOT_ALLOWED),
        case("SMSR-ES3-SENDDATA-09", "SendData to the ISD-R for keys of another SM-DP's ISD-P",
             SEND, preparing.reachable, "other_sm_dp", ISD_R_AID.hex(), establishment_for(OWN),
             Answer.UNKNOWN_ISDP),
        case("SMSR-ES3-SENDDATA-10", "SendData to an ISD-P in creation", SEND,
             preparing.creating, "sm_dp", "its own", INITIALIZE_UPDATE, Answer.WRONG_STATE),
        case("SMSR-ES3-SENDDATA-11", "SendData to an eUICC without a number", SEND,
             preparing.unreachable, "sm_dp", OWN, INITIALIZE_UPDATE, Answer.NOT_REACHABLE),
        case("SMSR-ES3-SENDDATA-12", "SendData while another job runs on the eUICC", SEND,
             preparing.busy, "sm_dp", OWN, INITIALIZE_UPDATE, Answer.EUICC_BUSY),
    ],
)  # fmt: skip
def test_data_are_not_sent(
    parties: Parties,
    prepare: Callable[[Parties], Furnished],
    sender: str,
    target: str,
    data: str,
    answer: Answer,
) -> None:
    """SendData is refused, and no job is started.

    Preconditions: an eUICC in the state of the title, with an ISD-P of the first SM-DP.

    Steps:
    1. SendData: the refusal of the documentation.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(prepare)
    if target == "its own":
        target = preparing.aid_of(parties, euicc.eid, euicc.own)
    fields = {"eid": euicc.eid, "sd_aid": target, "data": data}
    me = getattr(parties, sender)
    with unchanged(parties, euicc.eid), step(f"1. SendData: {answer}"), refused(answer):
        parties.call(me, parties.sm_sr, "es3/SendData", identifier=None, **fields)


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        case("SMSR-ES3-COMPLETED-02", "ProfileDownloadCompleted of a disabled profile", COMPLETE,
             {}, Answer.WRONG_STATE),
        case("SMSR-ES3-COMPLETED-03", "ProfileDownloadCompleted of an unknown profile", COMPLETE,
             {"iccid": "unknown"}, Answer.UNKNOWN_PROFILE),
        case("SMSR-ES3-COMPLETED-04", "ProfileDownloadCompleted of another SM-DP's profile",
             COMPLETE, {"iccid": "elsewhere"}, Answer.NOT_YOUR_PROFILE),
        case("SMSR-ES3-COMPLETED-05", "ProfileDownloadCompleted on an unknown eUICC", COMPLETE,
             {"eid": "unknown eUICC"}, Answer.UNKNOWN_EUICC),
        case("SMSR-ES3-COMPLETED-06", "ProfileDownloadCompleted with a POL2 that does not exist",
             COMPLETE, {"pol2": 8}, Answer.POL2_INVALID),
        case("SMSR-ES3-COMPLETED-07", "ProfileDownloadCompleted with an IMSI that is none",
             COMPLETE, {"address": {"imsi": "1-2-3"}}, Answer.ADDRESS_INVALID),
    ],
)  # fmt: skip
def test_a_download_is_not_completed(
    parties: Parties, fields: dict[str, Any], answer: Answer
) -> None:
    """ProfileDownloadCompleted is refused, and the EIS stays as it is.

    Preconditions: an eUICC with a disabled profile of the SM-DP, and one of another SM-DP.

    Steps:
    1. ProfileDownloadCompleted: the refusal of the documentation.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(preparing.furnished)
    known = {
        "unknown": preparing.new_iccid(),
        "elsewhere": euicc.elsewhere,
        "unknown eUICC": preparing.new_eid(),
    }
    values: dict[str, Any] = {"eid": euicc.eid, "iccid": euicc.own}
    for name, value in fields.items():
        values[name] = known.get(value, value) if isinstance(value, str) else value
    with unchanged(parties, euicc.eid), step(f"1. {answer}"), refused(answer):
        parties.call(parties.sm_dp, parties.sm_sr, "es3/ProfileDownloadCompleted", **values)


@pytest.mark.parametrize(
    ("prepare", "profile", "data", "answer"),
    [
        case("SMSR-ES3-CONNECTIVITY-02", "UpdateConnectivityParameters of a profile in creation",
             CONNECT, preparing.creating, "own", "8600", Answer.WRONG_STATE),
        case("SMSR-ES3-CONNECTIVITY-03", "UpdateConnectivityParameters with what is no object",
             CONNECT, preparing.reachable, "own", "86", Answer.DATA_INVALID),
        case("SMSR-ES3-CONNECTIVITY-04", "UpdateConnectivityParameters of another SM-DP's profile",
             CONNECT, preparing.furnished, "elsewhere", "8600", Answer.NOT_YOUR_PROFILE),
        case("SMSR-ES3-CONNECTIVITY-05", "UpdateConnectivityParameters, but no number is known",
             CONNECT, preparing.unreachable, "own", "8600", Answer.NOT_REACHABLE),
        case("SMSR-ES3-CONNECTIVITY-06", "UpdateConnectivityParameters while another job runs",
             CONNECT, preparing.busy, "own", "8600", Answer.EUICC_BUSY),
    ],
)  # fmt: skip
def test_connectivity_is_not_updated(
    parties: Parties,
    prepare: Callable[[Parties], Furnished],
    profile: str,
    data: str,
    answer: Answer,
) -> None:
    """UpdateConnectivityParameters is refused, and no job is started.

    Preconditions: an eUICC in the state of the title.

    Steps:
    1. UpdateConnectivityParameters: the refusal of the documentation.
    2. The EIS: nothing has changed.
    """
    euicc = parties.kept(prepare)
    with unchanged(parties, euicc.eid), step(f"1. {answer}"), refused(answer):
        parties.call(
            parties.sm_dp,
            parties.sm_sr,
            "es3/UpdateConnectivityParameters",
            eid=euicc.eid,
            iccid=getattr(euicc, profile),
            data=data,
        )
