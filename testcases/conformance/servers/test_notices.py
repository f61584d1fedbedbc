"""HandleProfile…Notification: an MNO and an SM-DP are told of their own profiles, once."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from hil.evidence import step
from testcases.conformance.servers import preparing
from testcases.conformance.servers.answers import Answer, eis, refused, unchanged
from testcases.conformance.servers.preparing import case
from testcases.conformance.servers.waiting import until

if TYPE_CHECKING:
    from hil.bench.parties import Parties

pytestmark = [
    pytest.mark.requires("servers.mno", "servers.sm-dp", "servers.eum", "servers.sm-sr"),
    pytest.mark.requirement("R-65"),
    pytest.mark.severity("critical"),
]
ES4, ES3 = "SGP.02, 5.5.12", "SGP.02, 5.4.11"
ARRIVES_S = 10.0


def told(parties: Parties, iccid: str) -> list[str]:
    """Return the events of which the MNO was told for a profile, in order."""
    notices = parties.desk.mno(parties.mno).notices()
    return [one.event for one in notices if one.iccid == iccid]


def notice(parties: Parties, **fields: object) -> dict[str, Any]:
    """Return a notice of an enabled profile of our MNO, by our SM-DP."""
    usual: dict[str, Any] = {
        "notice_id": secrets.token_hex(16),
        "event": "enabled",
        "eid": preparing.new_eid(),
        "iccid": preparing.new_iccid(),
        "mno": parties.mno,
        "sm_dp": parties.sm_dp,
        "sm_sr": parties.sm_sr,
        "at": time.time(),
    }
    return usual | fields


@pytest.mark.conformance("SMSR-ES4-NOTICE-01", section=ES4)
def test_the_mno_is_told_of_each_change(parties: Parties) -> None:
    """The SM-SR tells the MNO of each change of its profile, in order, and once.

    Preconditions: an eUICC with a disabled profile of the MNO.

    Steps:
    1. The profile is enabled, then disabled.
    2. The MNO is told: enabled, then disabled, each once.
    """
    eid = preparing.registered(parties)
    iccid = preparing.installed(parties, eid, 0x10)
    with step("1. Enabled, then disabled"):
        for event in ("enabled", "disabled"):
            preparing.told(parties, eid, 0x10, iccid, event)
    with step("2. The MNO is told"):
        until(
            lambda: len(told(parties, iccid)) >= 2,
            timeout_s=ARRIVES_S,
            otherwise="the MNO was not told",
        )
        assert told(parties, iccid) == ["enabled", "disabled"]


@pytest.mark.conformance("SMSR-STATUS-REPEATED-01", section="US 9,705,546, FIG. 2 (230)")
def test_a_repeated_status_notification_changes_nothing(parties: Parties) -> None:
    """A notification of the support server that comes again does not turn the clock back.

    Preconditions: an eUICC with two disabled profiles of the MNO.

    Steps:
    1. The SM-SR is told that the first is enabled, and then that the second is.
    2. The first notification again, as another call: accepted.
    3. The EIS is as after step 1: the second profile is enabled.
    """
    eid = preparing.registered(parties)
    first = preparing.installed(parties, eid, 0x10)
    second = preparing.installed(parties, eid, 0x11)
    name = secrets.token_hex(16)
    with step("1. One is enabled, then the other"):
        preparing.told(parties, eid, 0x10, first, "enabled", notification=name)
        preparing.told(parties, eid, 0x11, second, "enabled")
    with unchanged(parties, eid), step("2. The first notification again"):
        preparing.told(parties, eid, 0x10, first, "enabled", notification=name)
    with step("3. The EIS"):
        states = {row["iccid"]: row["state"] for row in eis(parties, eid)}
        assert states == {first: "disabled", second: "enabled"}


@pytest.mark.conformance("SMSR-ES4-NOTICE-02", section=ES4)
def test_a_notice_counts_once(parties: Parties) -> None:
    """A notice that comes again, as another call, counts once.

    Preconditions: none.

    Steps:
    1. The SM-SR tells the MNO of an enabled profile: accepted.
    2. The same notice again, under another function call identifier: accepted.
    3. The MNO knows of one event.
    """
    fields = notice(parties)
    for number in (1, 2):
        with step(f"{number}. The notice"):
            name = "es4/HandleProfileEnabledNotification"
            parties.call(parties.sm_sr, parties.mno, name, **fields)
    with step("3. The MNO"):
        assert told(parties, str(fields["iccid"])) == ["enabled"]


@pytest.mark.requirement("R-65", refusal=True)
@pytest.mark.parametrize(
    ("receiver", "path", "changes", "answer"),
    [
        case("SMSR-ES4-NOTICE-03", "A notice of another MNO's profile is refused", ES4,
             "other_mno", "es4/HandleProfileEnabledNotification", {}, Answer.NOT_ALLOWED),
        case("SMSR-ES4-NOTICE-04", "A notice by the function of another event is refused", ES4,
             "mno", "es4/HandleProfileDeletedNotification", {}, Answer.INVALID),
        case("SMDP-ES3-NOTICE-02", "A notice of another SM-DP's profile is refused", ES3,
             "other_sm_dp", "es3/HandleProfileEnabledNotification", {}, Answer.NOT_ALLOWED),
        case("SMDP-ES3-NOTICE-03", "A notice of an event that does not exist is refused", ES3,
             "sm_dp", "es3/HandleProfileEnabledNotification", {"event": "lost"}, Answer.INVALID),
    ],
)  # fmt: skip
def test_a_wrong_notice_is_refused(
    parties: Parties, receiver: str, path: str, changes: dict[str, str], answer: Answer
) -> None:
    """A notice that is not for its receiver, or says two things, is refused.

    Preconditions: none.

    Steps:
    1. The notice by the SM-SR: not-allowed, or invalid.
    2. The MNO of the profile was told nothing.
    """
    fields = notice(parties, **changes)
    with step(f"1. The notice: {answer}"), refused(answer):
        parties.call(parties.sm_sr, getattr(parties, receiver), path, **fields)
    with step("2. The MNO"):
        assert told(parties, str(fields["iccid"])) == []
