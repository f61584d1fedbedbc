"""ES3.GetEIS and ES4.GetEIS: each caller sees its own profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, refused
from testcases.conformance.servers.preparing import case

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-68", "R-69"),
    pytest.mark.severity("critical"),
]
ES3, ES4 = "SGP.02, 5.4.1", "SGP.02, 5.5.1"


def asked(parties: Parties, interface: str, me: str, eid: str) -> dict[str, Any]:
    """Ask for an EIS."""
    return parties.call(me, parties.sm_sr, f"{interface}/GetEIS", eid=eid)


@pytest.mark.parametrize(
    ("interface", "caller", "expected"),
    [
        case("SMSR-ES4-GETEIS-01", "An MNO sees its own profiles, whoever made them", ES4,
             "es4", "mno", ("own", "elsewhere")),
        case("SMSR-ES4-GETEIS-02", "Another MNO sees its own profile", ES4,
             "es4", "other_mno", ("foreign",)),
        case("SMSR-ES3-GETEIS-01", "An SM-DP sees the profiles that it made, of whatever MNO", ES3,
             "es3", "sm_dp", ("own", "foreign")),
        case("SMSR-ES3-GETEIS-02", "Another SM-DP sees the profile that it made", ES3,
             "es3", "other_sm_dp", ("elsewhere",)),
    ],
)  # fmt: skip
def test_a_caller_sees_its_own_profiles(
    parties: Parties, interface: str, caller: str, expected: tuple[str, ...]
) -> None:
    """A caller sees its own profiles, and no other.

    Preconditions: an eUICC with two profiles of one MNO, made by two SM-DPs, both DISABLED, and one
    of another MNO, made by the first SM-DP, ENABLED.

    Steps:
    1. GetEIS: the caller's profiles with their states, and no other.
    2. The EIS names the eUICC, its maker and the SM-SR, and holds the part that the maker signed.
    """
    euicc = parties.kept(preparing.furnished)
    with step("1. GetEIS"):
        found = asked(parties, interface, getattr(parties, caller), euicc.eid)
        shown = {row["iccid"]: row["state"] for row in found["profiles"]}
        states = {name: "enabled" if name == "foreign" else "disabled" for name in expected}
        assert shown == {getattr(euicc, name): state for name, state in states.items()}
    with step("2. The rest of it"):
        assert (found["eid"], found["eum"], found["sm_sr"]) == (
            euicc.eid, parties.eum, parties.sm_sr,
        )  # fmt: skip
        signed = parties.desk.eum(parties.eum).eis(euicc.eid)
        # A maker may sign anew each time it is asked: ECDSA gives another signature then.
        assert (found["payload"], len(found["signature"])) == (signed.payload.hex(), 128)


@pytest.mark.parametrize(
    ("interface", "owner", "stranger"),
    [
        case("SMSR-ES4-GETEIS-03", "An MNO without a profile sees neither profiles nor number",
             ES4, "es4", "mno", "other_mno"),
        case("SMSR-ES3-GETEIS-03", "An SM-DP without a profile sees neither profiles nor number",
             ES3, "es3", "sm_dp", "other_sm_dp"),
    ],
)  # fmt: skip
def test_who_has_no_profile_sees_neither_profiles_nor_number(
    parties: Parties, interface: str, owner: str, stranger: str
) -> None:
    """Who has no profile on an eUICC sees neither its profiles nor its number.

    Preconditions: an eUICC with a number and two profiles of one MNO, made by one SM-DP.

    Steps:
    1. GetEIS by the owner: two profiles, and the number.
    2. GetEIS by the other one: no profile, no number.
    """
    euicc = parties.kept(preparing.busy)
    with step("1. The owner"):
        found = asked(parties, interface, getattr(parties, owner), euicc.eid)
        assert (len(found["profiles"]), found["msisdn"] is None) == (2, False)
    with step("2. The other one"):
        found = asked(parties, interface, getattr(parties, stranger), euicc.eid)
        assert (found["profiles"], found["msisdn"]) == ([], None)


@pytest.mark.parametrize(
    ("interface", "caller"),
    [
        case("SMSR-ES4-GETEIS-04", "GetEIS of an unknown eUICC", ES4, "es4", "mno"),
        case("SMSR-ES3-GETEIS-04", "GetEIS of an unknown eUICC", ES3, "es3", "sm_dp"),
    ],
)  # fmt: skip
def test_an_unknown_euicc_has_no_eis(parties: Parties, interface: str, caller: str) -> None:
    """GetEIS of an unknown eUICC is refused.

    Preconditions: an EID that was never registered.

    Steps:
    1. GetEIS: unknown 8.1.1 / 3.9.
    """
    with step("1. GetEIS"), refused(Answer.UNKNOWN_EUICC):
        asked(parties, interface, getattr(parties, caller), preparing.new_eid())
