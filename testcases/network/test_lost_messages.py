"""An SM-SR whose short messages go lost, late, twice and out of order: once, and no guess.

The eUICC is of paper, so that the test says what becomes of each message; the SM-SR is one that
sends again soon. What it may never do: have a command run twice, take an answer for one to another
command, or say that something is done because nobody contradicts.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal
from hil.wire import tlv
from hil.wire.identifiers import isd_p_aid
from testcases.installing import ended
from testcases.network.paper_euicc import PIECE, PaperEuicc, hasty_sm_sr, in_eis, paper_euicc

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.weather import Weather

pytestmark = [
    pytest.mark.requires("network.weather", "servers.sm-sr", "servers.eum", "servers.mno"),
    pytest.mark.requires("servers.sm-dp", "servers.support-server"),
    pytest.mark.requirement("R-63", "R-64"),
    pytest.mark.severity("critical"),
]
LOOK_S: Final = 0.05
LONGEST: Final = 10
BARE: Final = 0.8
"""Share of a time that is seen at least, by a test that may itself be late for its beginning."""
PIECES, PIECE_BYTES = 3, 1000
"""More than fits a packet of 20 messages, less than two of them."""
MANY: Final = 7
"""With so many ISD-Ps the answer to GetStatus takes two messages."""


def changes(euicc: PaperEuicc) -> list[str]:
    """Return what an eUICC was told to change."""
    return [one for one in euicc.ran if one != "get status"]


@pytest.mark.requirement("R-65")
def test_a_lost_command_comes_again_and_runs_once(desk: Desk, weather: Weather) -> None:
    """The first copy is lost: the same bytes come again, and the EIS waits for the card's word."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    before = in_eis(desk, hasty.id, euicc)
    job = sm_sr.enable(euicc.eid, euicc.second)
    with step("The first copy is lost"):
        lost = euicc.hear()
    with step("Until the card has answered the EIS says nothing new"):
        again = euicc.hear()
        assert in_eis(desk, hasty.id, euicc) == before
        assert sm_sr.job(job).state == "running"
    with step("The second copy is the same to the byte: a card runs it once, whichever arrives"):
        assert again.packet == lost.packet
    euicc.obey(again)
    report = euicc.serve(sm_sr, job)
    assert (report.state, report.reason) == ("done", "")
    assert changes(euicc) == ["enable"]
    assert in_eis(desk, hasty.id, euicc) == euicc.shown()


@pytest.mark.requirement("R-63", "R-65", refusal=True)
def test_a_silent_card_is_asked_ever_more_seldom_and_then_no_more(
    desk: Desk, weather: Weather
) -> None:
    """No answer at all: pauses grow, the job fails after so many attempts, the EIS is as before.

    An answer that is later than that changes nothing; the next command has a counter of its own.
    """
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    before = in_eis(desk, hasty.id, euicc)
    job = sm_sr.enable(euicc.eid, euicc.second)
    with step(f"{hasty.attempts} copies come, and no more"):
        first, begin = euicc.hear(), time.monotonic()
        copies = [first]
        while len(copies) < hasty.attempts:
            copies.append(euicc.hear())
        assert {one.packet for one in copies} == {first.packet}
    with step("The job has failed after ever longer pauses, and nobody believes anything"):
        while (report := sm_sr.job(job)).state == "running":
            assert euicc.listen(timeout_s=LOOK_S) is None, "it is sent once more"
            assert time.monotonic() - begin < LONGEST * hasty.gives_up_s, "it comes to no end"
        assert report.state == "failed"
        assert report.reason
        assert time.monotonic() - begin >= BARE * hasty.gives_up_s, "the pauses do not grow"
        assert report.messages == hasty.attempts
        assert in_eis(desk, hasty.id, euicc) == before
    with step("An answer that comes now is too late"):
        late = euicc.answer(copies[-1])
        euicc.say(copies[-1], late)
        assert euicc.listen(timeout_s=0.1) is None
        assert sm_sr.job(job).state == "failed"
        assert in_eis(desk, hasty.id, euicc) == before
    with step("The card is asked: the EIS follows"):
        report = euicc.serve(sm_sr, sm_sr.audit(euicc.eid))
        assert (report.state, report.reason) == ("done", "")
        assert in_eis(desk, hasty.id, euicc) == euicc.shown()
        assert changes(euicc) == ["enable"]


@pytest.mark.requirement("R-65")
@pytest.mark.parametrize("kept", [True, False], ids=["it-ran", "it-was-undone"])
def test_after_a_lost_answer_the_card_has_the_word(
    desk: Desk, weather: Weather, kept: bool
) -> None:
    """The answer is lost, the repetition is refused by its counter: GetStatus says what is true.

    The profile may have been rolled back since: then the job has failed.
    """
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    before = dict(euicc.states)
    job = sm_sr.enable(euicc.eid, euicc.second)
    with step("The card enables the profile; its answer is lost"):
        euicc.answer(euicc.hear())
    if not kept:
        with step("No network: the card rolls back"):
            euicc.states = before
    with step("The repetition is refused, and the card is asked"):
        report = euicc.serve(sm_sr, job)
    assert report.state == ("done" if kept else "failed")
    assert changes(euicc) == ["enable"]
    assert euicc.ran[-1] == "get status"
    assert in_eis(desk, hasty.id, euicc) == euicc.shown()


@pytest.mark.requirement("R-65", refusal=True)
def test_an_answer_is_to_its_own_command_and_counts_once(desk: Desk, weather: Weather) -> None:
    """Answers of an older command come again while a newer one waits; and each one comes twice."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    with step("AuditEIS, whose answer somebody keeps"):
        job = sm_sr.audit(euicc.eid)
        audit = euicc.hear()
        old = euicc.answer(audit)
        euicc.say(audit, old + old)
        assert ended(sm_sr, job).state == "done"
    with step("EnableProfile; what comes is the old answer, twice"):
        job = sm_sr.enable(euicc.eid, euicc.second)
        enable = euicc.hear()
        assert enable.opened.counter > audit.opened.counter
        euicc.say(audit, old + old)
    with step("It answers nothing: the command is sent again"):
        assert euicc.hear().packet == enable.packet
        assert sm_sr.job(job).state == "running"
    with step("The right answer comes twice"):
        right = euicc.answer(enable)
        euicc.say(enable, right + right)
        report = euicc.serve(sm_sr, job)
        assert (report.state, report.reason) == ("done", "")
    with step("It has counted once"):
        assert changes(euicc) == ["enable"]
        assert in_eis(desk, hasty.id, euicc) == euicc.shown()
    with step("DisableProfile and back: the MNO was told of each change once, in order"):
        for call in (sm_sr.disable, sm_sr.enable):
            assert euicc.serve(sm_sr, call(euicc.eid, euicc.second)).state == "done"
        mno = desk.mno(desk.servers.of_kind("mno")[0])
        deadline = time.monotonic() + 10.0
        told: list[str] = []
        while len(told) < 3 and time.monotonic() < deadline:
            told = [one.event for one in mno.notices() if one.iccid == euicc.second]
        assert told == ["enabled", "disabled", "enabled"]


@pytest.mark.requirement("R-65")
def test_half_an_answer_is_none_and_blocks_nothing(desk: Desk, weather: Weather) -> None:
    """Of an answer in two messages one is lost; the next answer comes reordered and doubled."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id, profiles=MANY), desk.sm_sr(hasty.id)
    job = sm_sr.audit(euicc.eid)
    with step("The first half of the answer arrives, the second does not"):
        heard = euicc.hear()
        halves = euicc.answer(heard)
        assert len(halves) == 2
        euicc.say(heard, halves[:1])
    with step("The repetition is refused by its counter; the SM-SR asks anew"):
        again = euicc.hear()
        assert again.packet == heard.packet
        euicc.obey(again)
        anew = euicc.hear()
        while anew.packet == heard.packet:
            euicc.obey(anew)
            anew = euicc.hear()
        assert anew.opened.counter > heard.opened.counter
    with step("The halves of that answer come twice each, the second half first"):
        first, second = euicc.answer(anew)
        euicc.say(anew, [second, second, first, first])
        report = euicc.serve(sm_sr, job)
        assert (report.state, report.reason) == ("done", "")
    with step("They were one answer: the card was asked no third time"):
        assert euicc.ran == ["get status"] * 2
    assert in_eis(desk, hasty.id, euicc) == euicc.shown()


def test_commands_to_one_card_go_one_after_another(desk: Desk, weather: Weather) -> None:
    """Data of an SM-DP take two packets: the second leaves when the card has answered the first."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    sm_dp = desk.servers.of_kind("sm-dp")[0]
    pieces = [tlv.encode(PIECE, bytes((number,)) * PIECE_BYTES) for number in range(PIECES)]
    fields = {"eid": euicc.eid, "sd_aid": isd_p_aid(0x11).hex(), "data": b"".join(pieces).hex()}
    with step("SendData, and another job for the same card: refused while the first one runs"):
        job = desk.caller(sm_dp, hasty.id).function("es3/SendData", fields)["job"]
        with refusal(Refusal, match="busy"):
            sm_sr.enable(euicc.eid, euicc.second)
    with step("The first packet is lost: it comes again, and nothing else does"):
        first = euicc.hear()
        again = euicc.hear()
        assert again.packet == first.packet
        assert euicc.ran == []
    with step("It is answered: the next one comes"):
        euicc.obey(again)
        following = euicc.hear()
        while following.packet == first.packet:
            euicc.obey(following)
            following = euicc.hear()
        assert following.opened.counter > first.opened.counter
        euicc.obey(following)
        report = euicc.serve(sm_sr, job)
        assert (report.state, report.reason) == ("done", "")
        assert euicc.ran == ["piece"] * PIECES


@pytest.mark.parametrize("away", ["off", "no-coverage"])
def test_what_waited_for_a_device_runs_once(desk: Desk, weather: Weather, away: str) -> None:
    """A device is away for a while: copies pile up at the SMS centre, and one of them runs.

    The answers to the others arrive before the one that tells of success.
    """
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    with step("The device is away; the SM-SR sends, and sends again"):
        if away == "off":
            euicc.phone.off()
        else:
            weather.coverage(covered=False)
        job = sm_sr.enable(euicc.eid, euicc.second)
        deadline = time.monotonic() + 10.0
        while sm_sr.job(job).messages < 2 and time.monotonic() < deadline:
            assert away == "off" or euicc.listen(timeout_s=0.02) is None
        assert sm_sr.job(job).messages >= 2
    with step("It is back: all copies arrive, and the answers in reverse order"):
        euicc.phone.on()
        weather.coverage(covered=True)
        copies = [euicc.hear(), euicc.hear()]
        answers = [euicc.answer(one) for one in copies]
        for heard, answer in reversed(list(zip(copies, answers, strict=True))):
            euicc.say(heard, answer)
    report = euicc.serve(sm_sr, job)
    assert (report.state, report.reason) == ("done", "")
    assert changes(euicc) == ["enable"]
    assert in_eis(desk, hasty.id, euicc) == euicc.shown()


@pytest.mark.requirement("R-63", refusal=True)
def test_a_number_that_went_to_another_device_answers_for_that_one(
    desk: Desk, weather: Weather
) -> None:
    """The number of a device that was taken out of use is given to another one.

    A command to the first one still waits for its answer: those of the second are its own.
    """
    hasty = hasty_sm_sr(desk)
    sm_sr = desk.sm_sr(hasty.id)
    made = [paper_euicc(desk, weather, hasty.id) for _ in range(2)]
    # In this order a server that looks by EID finds the device that is gone first.
    old, new = sorted(made, key=lambda one: one.eid)
    with step("A command waits for a device that is gone; its number goes to another one"):
        old.phone.off()
        new.phone.off()
        gone = sm_sr.audit(old.eid)
        number = old.phone.number
        sm_sr.set_msisdn(new.eid, number)
        new.phone = weather.phone(number)
    with step("The other device is asked, and answers"):
        job = sm_sr.enable(new.eid, new.second)
        report = new.serve(sm_sr, job)
        assert (report.state, report.reason) == ("done", "")
        assert changes(new) == ["enable"]
        assert in_eis(desk, hasty.id, new) == new.shown()
    with step("Nobody answered for the device that is gone"):
        assert sm_sr.job(gone).state != "done"


@pytest.mark.parametrize("trouble", ["refuses", "hangs-up"])
def test_a_centre_that_will_not_is_asked_again(desk: Desk, weather: Weather, trouble: str) -> None:
    """The centre throttles, or cuts the connection behind a message: the job comes to its end."""
    hasty = hasty_sm_sr(desk)
    euicc, sm_sr = paper_euicc(desk, weather, hasty.id), desk.sm_sr(hasty.id)
    if trouble == "refuses":
        with step("The centre refuses all attempts but the last"):
            weather.refuse(euicc.phone.number, hasty.attempts - 1)
            job = sm_sr.enable(euicc.eid, euicc.second)
            heard = euicc.hear()
            assert sm_sr.job(job).messages == hasty.attempts
    else:
        with step("The centre cuts the connection once it has the message"):
            job = sm_sr.enable(euicc.eid, euicc.second)
            heard = euicc.hear()
            weather.hang_up(desk.servers.section.system_id(hasty.id))
    euicc.obey(heard)
    report = euicc.serve(sm_sr, job)
    assert (report.state, report.reason) == ("done", "")
    assert changes(euicc) == ["enable"]
    assert in_eis(desk, hasty.id, euicc) == euicc.shown()
