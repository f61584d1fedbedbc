"""The SM-SR and a virtual eUICC: packets over the air, management, and every kind of bad air."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from hil.errors import LinkError
from hil.provisioning import function_calls
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import Answer, FunctionCall
from hil.provisioning.orders import ProfileRequest, Route
from hil.provisioning.sm_sr.eis_rows import set_disabled
from hil.provisioning.sm_sr.packing import MessageSize, fewest_messages
from hil.provisioning.tables import OTA_COMMANDS, OTA_KEYS
from hil.provisioning.trust import Principal, Role
from tests.provisioning.air import CardAir, start
from tests.provisioning.aired import EID, Air
from tests.provisioning.world import MSISDN, OPERATOR, World, eid_of


def test_packets_of_the_sm_dp_reach_the_card_with_the_fewest_messages(air: Air) -> None:
    iccid = air.order()
    packets = air.world.sm_sr.reception.packet_set(iccid).packets
    report = air.run(air.world.sm_sr.download(OPERATOR, iccid))
    assert report.state == "done", report.reason
    assert air.states() == {iccid: "disabled"}
    sizes = [len(packet.command) for packet in packets]
    assert report.messages == 1 + fewest_messages(sizes, MessageSize())
    assert [state for _, state in report.commands] == ["done"] * len(report.commands)


def test_the_card_says_itself_what_the_eis_says(air: Air) -> None:
    iccid = air.installed(enable=True)
    assert air.states() == {iccid: "enabled"}
    aid = air.world.sm_sr.book.profile(EID, iccid).isdp_aid
    with air.world.store("sm-sr").transaction() as connection:
        set_disabled(connection, EID, aid)
    assert air.states() == {iccid: "disabled"}
    assert air.run(air.world.sm_sr.audit(OPERATOR, EID)).state == "done"
    assert air.states() == {iccid: "enabled"}, "the audit sets the EIS right"


def test_enable_disable_and_delete(air: Air) -> None:
    first, second = air.installed(enable=True), air.installed()
    sm_sr = air.world.sm_sr
    assert air.run(sm_sr.enable(OPERATOR, EID, second)).state == "done"
    assert air.states() == {first: "disabled", second: "enabled"}
    assert air.run(sm_sr.disable(OPERATOR, EID, second)).state == "done"
    assert air.run(sm_sr.delete(OPERATOR, EID, first)).state == "done"
    assert air.run(sm_sr.audit(OPERATOR, EID)).state == "done"
    assert air.states() == {second: "disabled"}


def test_an_audit_of_an_empty_card_and_of_one_with_many_profiles(air: Air) -> None:
    assert air.run(air.world.sm_sr.audit(OPERATOR, EID)).state == "done"
    iccids = {air.installed() for _ in range(8)}
    report = air.run(air.world.sm_sr.audit(OPERATOR, EID))
    assert report.state == "done", report.reason
    assert report.commands == (("audit", "done"), ("status next", "done"))
    assert set(air.states()) == iccids


def test_an_answer_that_is_here_before_the_carrier_returns_finds_its_message_counted(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the job reads its report as soon as the answer has come."""
    sm_sr, genuine = air.world.sm_sr, air.air.send
    job = sm_sr.audit(OPERATOR, EID)
    seen: list[tuple[str, int]] = []

    def send(msisdn: str, messages: list[bytes]) -> None:
        genuine(msisdn, messages)
        report = sm_sr.job(job)
        seen.append((report.state, report.messages))

    monkeypatch.setattr(air.air, "send", send)
    air.run(job)
    assert seen == [("done", 1)]


def test_a_carrier_that_fails_behind_the_answer_changes_no_outcome(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The centre took the message, and its link broke before it said so."""
    sm_sr, genuine = air.world.sm_sr, air.air.send
    job = sm_sr.audit(OPERATOR, EID)

    def send(msisdn: str, messages: list[bytes]) -> None:
        genuine(msisdn, messages)
        raise LinkError("no connection to the SMS centre")

    monkeypatch.setattr(air.air, "send", send)
    report = air.run(job)
    assert (report.state, report.reason, report.messages) == ("done", "", 1)
    with air.world.store("sm-sr").transaction() as connection:
        (row,) = connection.execute(select(OTA_COMMANDS).where(OTA_COMMANDS.c.job == job))
    assert (row.state, row.reason) == ("done", "")


def test_what_the_state_forbids_is_refused_before_anything_is_sent(air: Air) -> None:
    iccid = air.installed(enable=True)
    sm_sr, sent = air.world.sm_sr, air.air.sent
    other = "8900101000000009994"
    cases: list[tuple[Callable[[], str], RefusalCode]] = [
        (lambda: sm_sr.enable(OPERATOR, EID, iccid), RefusalCode.WRONG_STATE),
        (lambda: sm_sr.delete(OPERATOR, EID, iccid), RefusalCode.WRONG_STATE),
        (lambda: sm_sr.download(OPERATOR, iccid), RefusalCode.WRONG_STATE),
        (lambda: sm_sr.enable(OPERATOR, EID, other), RefusalCode.UNKNOWN),
        (lambda: sm_sr.enable(OPERATOR, eid_of(7), iccid), RefusalCode.UNKNOWN),
        (lambda: sm_sr.download(OPERATOR, other), RefusalCode.UNKNOWN),
    ]
    for refused, code in cases:
        with pytest.raises(Refusal) as caught:
            refused()
        assert caught.value.code is code
    assert air.air.sent == sent


def test_an_mno_manages_its_own_profiles_only(air: Air) -> None:
    iccid = air.installed()
    stranger = Principal("mno-2", Role.MNO)
    with pytest.raises(Refusal, match="not one of the MNO mno-2"):
        air.world.sm_sr.enable(stranger, EID, iccid)
    with pytest.raises(Refusal, match="is line-station"):
        air.world.sm_sr.enable(Principal("s", Role.LINE_STATION), EID, iccid)
    job = air.world.sm_sr.enable(Principal("mno-1", Role.MNO), EID, iccid)
    assert air.run(job).state == "done"


def test_policy_rules_forbid_disable_and_delete(air: Air) -> None:
    first, second = air.installed(enable=True), air.installed()
    sm_sr = air.world.sm_sr
    sm_sr.set_policy(OPERATOR, EID, first, 1)
    cases: list[Callable[[], str]] = [
        lambda: sm_sr.disable(OPERATOR, EID, first),
        lambda: sm_sr.enable(OPERATOR, EID, second),
    ]
    for refused in cases:
        with pytest.raises(Refusal, match="POL2") as caught:
            refused()
        assert caught.value.code is RefusalCode.POLICY
    sm_sr.set_policy(OPERATOR, EID, second, 2)
    with pytest.raises(Refusal, match="POL2"):
        sm_sr.delete(OPERATOR, EID, second)


def test_an_unknown_euicc_gets_nothing_until_its_eis_arrives(
    make_world: Callable[..., World],
) -> None:
    world = make_world(route=Route.SM_SR, carrier=CardAir(None, MSISDN))  # type: ignore[arg-type]
    receipt = world.sm_dp.place(ProfileRequest(amount=1, targets=world.eids), "operator")
    with pytest.raises(Refusal, match="its maker must send the EIS first"):
        world.sm_sr.download(OPERATOR, receipt.profiles[0].iccid)
    world.register_euicc()
    assert world.sm_sr.download(OPERATOR, receipt.profiles[0].iccid)


def test_lost_messages_are_sent_again_and_run_once(air: Air) -> None:
    lost = 0

    def lose_some(messages: list[bytes]) -> list[bytes]:
        nonlocal lost
        lost += 1
        return messages[1:] if lost % 2 else messages

    air.air.down = lose_some
    iccid = air.installed(enable=True)
    assert air.states() == {iccid: "enabled"}
    assert lost > 4


def test_lost_answers_do_not_run_anything_twice(air: Air) -> None:
    iccid = air.order()
    job = air.world.sm_sr.download(OPERATOR, iccid, enable=True)
    count = 0

    def lose_first_answers(messages: list[bytes]) -> list[bytes]:
        nonlocal count
        count += 1
        return messages if count % 2 == 0 or count > 8 else []

    air.air.up = lose_first_answers
    report = air.run(job, pumps=200)
    assert report.state == "done", report
    assert report.commands[0] == ("create", "unanswered"), "it was run once, and not again"
    assert ("verify", "done") in report.commands, "so the card itself is asked at the end"
    assert air.states() == {iccid: "enabled"}


def test_what_cannot_be_verified_is_no_success(air: Air) -> None:
    iccid = air.installed()
    count = 0

    def lose_first_answers(messages: list[bytes]) -> list[bytes]:
        nonlocal count
        count += 1
        return messages if count % 2 == 0 else []

    air.air.up = lose_first_answers
    report = air.run(air.world.sm_sr.enable(OPERATOR, EID, iccid), pumps=200)
    assert report.state == "failed"
    assert "audit" in report.reason
    assert air.states() == {iccid: "disabled"}, "as it was known last"


def test_doubled_and_reordered_messages_change_nothing(air: Air) -> None:
    air.air.down = lambda messages: [one for one in reversed(messages) for _ in range(2)]
    iccid = air.installed(enable=True)
    assert air.states() == {iccid: "enabled"}


def test_a_device_that_is_not_there_ends_in_a_reason(air: Air) -> None:
    air.air.down = lambda _messages: []
    iccid = air.order()
    report = air.run(air.world.sm_sr.download(OPERATOR, iccid), pumps=50)
    assert report.state == "failed"
    assert "no answer after 6 attempts" in report.reason
    assert {state for _, state in report.commands[1:]} == {"cancelled"}


def test_a_centre_that_is_gone_is_tried_again(air: Air) -> None:
    iccid = air.order()
    job = air.world.sm_sr.download(OPERATOR, iccid)
    air.air.broken = True
    air.world.sm_sr.jobs.queue.pump()
    assert air.world.sm_sr.job(job).state == "running"
    air.air.broken = False
    air.clock.now += 10
    assert air.run(job).state == "done"


def test_a_card_that_is_further_on_is_found_again(air: Air) -> None:
    air.installed()
    with air.world.store("sm-sr").transaction() as connection:
        connection.execute(update(OTA_KEYS).values(counter=0))
    report = air.run(air.world.sm_sr.audit(OPERATOR, EID))
    assert report.state == "done", report
    assert any(state == "unanswered" for _, state in report.commands)


def test_a_download_that_failed_is_cleared_before_the_next(air: Air) -> None:
    iccid = air.order()
    spoilt = 0

    def spoil(messages: list[bytes]) -> list[bytes]:
        nonlocal spoilt
        spoilt += 1
        if spoilt == 3:
            start(air.card)
        return messages

    air.air.down = spoil
    report = air.run(air.world.sm_sr.download(OPERATOR, iccid))
    assert report.state == "failed"
    assert "9F46" in report.reason
    assert air.states() == {iccid: "created"}
    air.air.down = lambda messages: messages
    again = air.run(air.world.sm_sr.download(OPERATOR, iccid))
    assert again.state == "done", again.reason
    assert again.commands[0] == ("clear", "done")


def test_a_killed_server_takes_its_jobs_up_again(air: Air) -> None:
    iccid = air.order()
    job = air.world.sm_sr.download(OPERATOR, iccid)
    air.world.sm_sr.jobs.queue.pump()
    air.world.close()
    air.world.open()
    air.tick_clock(air.world)
    air.clock.now += 100
    assert air.run(job).state == "done"
    assert air.states() == {iccid: "disabled"}


def test_a_busy_euicc_takes_one_job_at_a_time(air: Air) -> None:
    iccid = air.order()
    air.world.sm_sr.download(OPERATOR, iccid)
    with pytest.raises(Refusal, match="busy with another download"):
        air.world.sm_sr.audit(OPERATOR, EID)


def test_strangers_messages_are_dropped(air: Air) -> None:
    iccid = air.order()
    job = air.world.sm_sr.download(OPERATOR, iccid)
    air.air.up = lambda messages: [one[:-1] + bytes((one[-1] ^ 1,)) for one in messages]
    queue = air.world.sm_sr.jobs.queue
    queue.pump()
    for rubbish in (b"", b"\x02\x71\x00", b"\x05\x00\x03\x01\x02\x09", bytes(140)):
        queue.receive(MSISDN, rubbish)
        queue.receive("999", rubbish)
    assert air.world.sm_sr.job(job).commands[0] == ("create", "sent")


def asked_until(air: Air, until: float) -> str:
    """Ask for an audit by a function call with a validity period."""
    call, jobs = FunctionCall("operator", "c-1", b"", until=until), list[str]()

    def act() -> Answer:
        jobs.append(air.world.sm_sr.audit(OPERATOR, EID))
        return Answer(200, b"")

    function_calls._within(call, act)
    return jobs[0]


def test_a_command_is_not_sent_after_the_validity_period_of_its_call(air: Air) -> None:
    job = asked_until(air, air.clock.now + 5)
    air.clock.now += 6
    report = air.run(job)
    assert (report.state, report.messages, air.air.sent) == ("failed", 0, 0)
    assert "it was not sent in the validity period" in report.reason


def test_a_command_is_not_repeated_after_the_validity_period_of_its_call(air: Air) -> None:
    air.air.down = lambda _messages: []
    job = asked_until(air, air.clock.now + 12)
    report = air.run(job)
    # Answers are waited for 5 s, then 10 s: the third attempt would come too late.
    assert (report.state, report.messages) == ("failed", 2)
    assert "no answer in the validity period" in report.reason


def test_within_its_validity_period_a_command_goes_and_is_answered(air: Air) -> None:
    assert air.run(asked_until(air, air.clock.now + 5)).state == "done"
