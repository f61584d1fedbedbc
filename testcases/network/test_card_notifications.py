"""What cards tell of themselves arrives late, twice and again: believed once, confirmed each time.

SGP.02, 3.15 and 4.1.1.11: the card repeats its notification until it is confirmed.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.wire.identifiers import isd_p_aid
from hil.wire.scp80 import OtaKeySet
from testcases.installing import ended
from testcases.network.paper_euicc import PaperEuicc, hasty_sm_sr, in_eis, paper_euicc

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.weather import Weather
    from hil.provisioning.http.sm_sr_client import SmSrClient

pytestmark = [
    pytest.mark.requires("network.weather", "servers.sm-sr", "servers.eum", "servers.mno"),
    pytest.mark.requires("servers.sm-dp", "servers.support-server"),
    pytest.mark.requirement("R-65"),
    pytest.mark.severity("critical"),
]
FIRST, SECOND = isd_p_aid(0x10), isd_p_aid(0x11)
NUMBER: Final = 7
"""Sequence number of the notification."""
FOLLOWS_S: Final = 10.0


def audited(euicc: PaperEuicc, sm_sr: SmSrClient) -> str:
    """Have the EIS agree with the card; return the number that the SM-SR writes from."""
    with step("Precondition: AuditEIS"):
        job = sm_sr.audit(euicc.eid)
        heard = euicc.hear()
        euicc.obey(heard)
        assert euicc.serve(sm_sr, job).state == "done"
        assert ended(sm_sr, job).state == "done"
    euicc.ran.clear()
    return heard.sender


def follows(desk: Desk, sm_sr: str, euicc: PaperEuicc) -> None:
    """Hold the EIS to saying soon what the card shows; the card does meanwhile what it is told."""
    deadline = time.monotonic() + FOLLOWS_S
    while in_eis(desk, sm_sr, euicc) != euicc.shown() and time.monotonic() < deadline:
        heard = euicc.listen(timeout_s=0.02)
        if heard is not None:
            euicc.obey(heard)
    assert in_eis(desk, sm_sr, euicc) == euicc.shown()


def test_a_notification_counts_once_and_is_confirmed_each_time(
    desk: Desk, weather: Weather
) -> None:
    """It comes twice, its confirmation is lost once; later it comes again: confirmed again.

    What the card has deleted by POL1 rides in its answer to the confirmation.
    """
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    number = audited(euicc, sm_sr)
    with step("The card has changed by itself, and says so twice"):
        euicc.states = {SECOND: euicc.states[FIRST]}
        euicc.deleted = (FIRST,)
        for _ in range(2):
            euicc.notify(number, NUMBER, SECOND)
    with step("The confirmation is lost, and comes again, the same to the byte"):
        lost = euicc.hear()
        assert in_eis(desk, hasty.id, euicc)[euicc.second] == "enabled"
        again = euicc.hear()
        assert again.packet == lost.packet
        euicc.obey(again)
    with step("The EIS follows the card, without what POL1 has deleted"):
        follows(desk, hasty.id, euicc)
        assert euicc.ran == [f"confirm {NUMBER}"]
    with step("The card says it again, for it has not heard: it is confirmed again"):
        euicc.notify(number, NUMBER, SECOND)
        euicc.obey(euicc.hear())
        assert euicc.ran == [f"confirm {NUMBER}"] * 2
        follows(desk, hasty.id, euicc)
    with step("The MNO was told once that the profile is enabled, and that the other is deleted"):
        mno = desk.mno(desk.servers.of_kind("mno")[0])
        deadline = time.monotonic() + FOLLOWS_S
        told: dict[str, list[str]] = {}
        while "deleted" not in told.get(euicc.first, []) and time.monotonic() < deadline:
            told = {}
            for one in mno.notices():
                told.setdefault(one.iccid, []).append(one.event)
        assert told[euicc.second] == ["enabled"]
        assert told[euicc.first] == ["enabled", "disabled", "deleted"]


@pytest.mark.requirement("R-65", refusal=True)
def test_an_old_or_forged_notification_is_not_believed(desk: Desk, weather: Weather) -> None:
    """Somebody sends an older notification, and one under keys of his own: nothing happens."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    number = audited(euicc, sm_sr)
    with step("The card tells that the first profile is enabled, as it is"):
        euicc.notify(number, NUMBER, FIRST)
        euicc.obey(euicc.hear())
        follows(desk, hasty.id, euicc)
    with step("An older notification, and a forged newer one, say that the second one is"):
        kic, kid = secrets.token_bytes(16), secrets.token_bytes(16)
        euicc.notify(number, NUMBER - 1, SECOND)
        euicc.notify(number, NUMBER + 1, SECOND, keys=OtaKeySet(1, kic, kid))
    with step("Neither is believed or confirmed: the next command is the AuditEIS asked for here"):
        sm_sr.audit(euicc.eid)
        assert in_eis(desk, hasty.id, euicc) == euicc.shown()
        euicc.obey(euicc.hear())
        assert euicc.ran == [f"confirm {NUMBER}", "get status"]


def test_after_a_lost_answer_to_a_confirmation_the_card_is_asked(
    desk: Desk, weather: Weather
) -> None:
    """The card has deleted a profile by POL1, but nobody hears of it: the SM-SR asks the card."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    number = audited(euicc, sm_sr)
    with step("The card tells of its change; its answer to the confirmation is lost"):
        euicc.states = {SECOND: euicc.states[FIRST]}
        euicc.deleted = (FIRST,)
        euicc.notify(number, NUMBER, SECOND)
        euicc.answer(euicc.hear())
    with step("The repetition is refused by its counter: the card is asked, the EIS follows"):
        follows(desk, hasty.id, euicc)
        assert euicc.ran == [f"confirm {NUMBER}", "get status"]
