"""ES3 and ES4 at the SM-SR with a virtual eUICC: states of the EIS, rights, and every refusal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.provisioning.errors import Refusal
from hil.provisioning.notices import Notice
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.profile_making import Assignment, TemplateBook, make_packet_set
from hil.provisioning.sm_sr.download_functions import CompletedDownload
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.trust import Principal, Role
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.packets import PacketSet
from tests.provisioning.aired import EID, Air
from tests.provisioning.world import OPERATOR, eid_of

SM_DP = Principal("sm-dp-1", Role.SM_DP)
OTHER_DP = Principal("sm-dp-2", Role.SM_DP)
MNO = Principal("mno-1", Role.MNO)
OTHER_MNO = Principal("mno-2", Role.MNO)


def pair(caught: pytest.ExceptionInfo[Refusal]) -> tuple[object, object]:
    return caught.value.details["subject"], caught.value.details["reason"]


def packets_for(air: Air, iccid: str, aid: bytes) -> PacketSet:
    """Return the packets that an SM-DP makes for an ISD-P that the SM-SR chose."""
    (subscription,) = air.world.mno.reserve("sm-dp-1", f"order-{iccid}", 1, None)
    base = air.world.maker.isd_p_base(SM_DP, EID)
    assignment = Assignment("order", EID, aid, "mno-1", "sm-dp-1")
    return make_packet_set(TemplateBook().find("test"), subscription, base, assignment)


def created(air: Air, iccid: str, memory: int = 0) -> bytes:
    made = air.world.sm_sr.downloads.create_isdp(SM_DP, EID, iccid, "mno-1", memory)
    report = air.run(made.job)
    assert report.state == "done", report.reason
    return made.isdp_aid


def downloaded(air: Air, iccid: str) -> JobReport:
    aid = created(air, iccid)
    packets = packets_for(air, iccid, aid)
    data = b"".join(one.command for one in packets.packets)
    report = air.run(air.world.sm_sr.downloads.send_data(SM_DP, EID, aid, data))
    assert report.state == "done", report.reason
    assert report.response == b"".join(one.expected or b"" for one in packets.packets)
    return report


ICCID = NumberPlan("8900101", "00101").subscription(901, "").iccid
SECOND = NumberPlan("8900101", "00101").subscription(902, "").iccid


def test_create_send_data_complete_enable(air: Air) -> None:
    downloads = air.world.sm_sr.downloads
    aid = created(air, ICCID, memory=60_000)
    assert air.states() == {ICCID: "created"}
    data = b"".join(one.command for one in packets_for(air, ICCID, aid).packets)
    assert air.run(downloads.send_data(SM_DP, EID, aid, data)).state == "done"
    assert air.states() == {ICCID: "created"}, "only the SM-DP knows when it is complete"
    address = SubscriptionAddress("001010000000001", "882100000077")
    said = CompletedDownload(EID, ICCID, "test", address, 2)
    downloads.completed(SM_DP, said)
    (row,) = air.world.sm_sr.book.profiles(EID)
    assert (row.state, row.pol2, row.profile_type, row.memory) == ("disabled", 2, "test", 60_000)
    assert (row.mno, row.sm_dp, row.imsi) == ("mno-1", "sm-dp-1", address.imsi)
    assert air.run(air.world.sm_sr.enable(MNO, EID, ICCID)).state == "done"
    assert air.world.sm_sr.book.msisdn(EID) == "882100000077", "it is reached there from now on"


def test_the_row_is_there_before_the_card_has_answered(air: Air) -> None:
    air.world.sm_sr.downloads.create_isdp(SM_DP, EID, ICCID, "mno-1", 0)
    assert air.states() == {ICCID: "in-creation"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"eid": eid_of(7)}, ("8.1.1", "3.9")),
        ({"iccid": "123"}, ("8.2.1", "2.1")),
        ({"mno": ""}, ("1.6", "2.1")),
        ({"memory": 500_001}, ("8.1", "4.8")),
    ],
)
def test_create_isdp_is_refused(
    air: Air, change: dict[str, str | int], expected: tuple[str, str]
) -> None:
    asked: dict[str, object] = {"eid": EID, "iccid": ICCID, "mno": "mno-1", "memory": 0} | change
    with pytest.raises(Refusal) as caught:
        air.world.sm_sr.downloads.create_isdp(SM_DP, **asked)  # type: ignore[arg-type]
    assert pair(caught) == expected
    assert air.air.sent == 0
    assert air.states() == {}


def test_the_same_profile_twice_and_memory_that_is_granted_already(air: Air) -> None:
    create = air.world.sm_sr.downloads.create_isdp
    created(air, ICCID, memory=400_000)
    with pytest.raises(Refusal) as caught:
        create(SM_DP, EID, ICCID, "mno-1", 0)
    assert pair(caught) == ("8.2.1", "3.3")
    with pytest.raises(Refusal, match="100000 bytes left") as caught:
        create(SM_DP, EID, SECOND, "mno-1", 100_001)
    assert pair(caught) == ("8.1", "4.8")
    assert air.states() == {ICCID: "created"}


def test_a_busy_euicc_takes_no_second_function_and_keeps_no_row_of_it(air: Air) -> None:
    create = air.world.sm_sr.downloads.create_isdp
    create(SM_DP, EID, ICCID, "mno-1", 0)
    with pytest.raises(Refusal) as caught:
        create(SM_DP, EID, SECOND, "mno-1", 0)
    assert pair(caught) == ("1.2", "4.4")
    assert air.states() == {ICCID: "in-creation"}


def test_a_card_that_refuses_to_create_leaves_nothing(air: Air) -> None:
    aid = isd_p_aid(0x11)
    other = air.run(air.world.sm_sr.download(OPERATOR, air.order()))
    assert other.state == "done"
    (row,) = air.world.sm_sr.book.profiles(EID)
    assert row.isdp_aid == aid
    with air.world.store("sm-sr").transaction() as connection:
        connection.exec_driver_sql("delete from eis_profiles")
        connection.exec_driver_sql("delete from isdp_aids")
    job = air.world.sm_sr.downloads.create_isdp(SM_DP, EID, ICCID, "mno-1", 0).job
    report = air.run(job)
    assert report.state == "failed"
    assert "6985" in report.reason
    assert air.states() == {}


def test_a_creation_without_any_answer_waits_to_be_deleted(air: Air) -> None:
    air.air.down = lambda _messages: []
    made = air.world.sm_sr.downloads.create_isdp(SM_DP, EID, ICCID, "mno-1", 0)
    assert air.run(made.job).state == "failed"
    assert air.states() == {ICCID: "in-creation"}
    air.air.down = lambda messages: messages
    report = air.run(air.world.sm_sr.delete(SM_DP, EID, ICCID))
    assert report.state == "done", "the card has no such ISD-P, which is what was wanted"
    assert air.states() == {}
    created(air, ICCID)


def test_what_a_broken_download_left_is_deleted_by_its_own_sm_dp(air: Air) -> None:
    aid = created(air, ICCID)
    with pytest.raises(Refusal) as caught:
        air.world.sm_sr.delete(OTHER_DP, EID, ICCID)
    assert pair(caught) == ("8.2.1", "1.2")
    assert air.run(air.world.sm_sr.delete(SM_DP, EID, ICCID)).state == "done"
    assert air.states() == {}
    assert created(air, ICCID) == aid


def apdus(*commands: CommandApdu) -> bytes:
    return b"".join(tlv.encode(0x22, one.encode()) for one in commands)


def personalise(aid: bytes) -> CommandApdu:
    data = b"\x00\x00" + bytes((len(aid),)) + aid + bytes(3)
    return CommandApdu(0x80, 0xE6, 0x20, 0x00, data)


STORE = CommandApdu(0x80, 0xE2, 0x09, 0x00, bytes.fromhex("3a01027f21"), 256)


def test_nothing_but_keys_of_an_own_isdp_goes_to_the_isd_r(air: Air) -> None:
    send = air.world.sm_sr.downloads.send_data
    aid = created(air, ICCID)
    sent = air.air.sent
    not_allowed = [
        apdus(isdr_commands.delete_profile(aid)),
        apdus(isdr_commands.enable_profile(aid)),
        apdus(personalise(aid), isdr_commands.enable_profile(aid)),
        apdus(personalise(aid), isdr_commands.delete_profile(aid)),
        apdus(personalise(aid)),
        apdus(STORE, personalise(aid)),
        apdus(personalise(aid), isdr_commands.get_status()),
        apdus(personalise(aid)) + bytes.fromhex("8400"),
    ]
    for data in not_allowed:
        with pytest.raises(Refusal, match="SendData to the ISD-R") as caught:
            send(SM_DP, EID, ISD_R_AID, data)
        assert pair(caught) == ("8.4", "1.2")
    with pytest.raises(Refusal) as caught:
        send(SM_DP, EID, ISD_R_AID, apdus(personalise(isd_p_aid(0x77)), STORE))
    assert pair(caught) == ("8.3.1", "3.9")
    with pytest.raises(Refusal) as caught:
        send(OTHER_DP, EID, ISD_R_AID, apdus(personalise(aid), STORE))
    assert pair(caught) == ("8.3.1", "3.9")
    assert air.air.sent == sent
    with pytest.raises(Refusal) as caught:
        send(SM_DP, EID, ISD_R_AID, apdus(STORE))
    assert pair(caught) == ("8.3.1", "3.9"), "there is nothing with which it could go on"
    assert air.run(send(SM_DP, EID, ISD_R_AID, apdus(personalise(aid), STORE))).state == "done"
    assert air.run(send(SM_DP, EID, ISD_R_AID, apdus(STORE))).state == "done"
    assert air.run(air.world.sm_sr.audit(SM_DP, EID)).state == "done"
    with pytest.raises(Refusal) as caught:
        send(SM_DP, EID, ISD_R_AID, apdus(STORE))
    assert pair(caught) == ("8.3.1", "3.9"), "another job came in between"


def test_data_that_is_none_or_for_a_stranger_is_refused(air: Air) -> None:
    send = air.world.sm_sr.downloads.send_data
    aid = created(air, ICCID)
    for data in (b"", b"\x22", bytes.fromhex("2200"), bytes.fromhex("8101 00"), bytes(300_000)):
        with pytest.raises(Refusal) as caught:
            send(SM_DP, EID, aid, data)
        assert pair(caught) == ("1.6", "2.1")
    with pytest.raises(Refusal) as caught:
        send(OTHER_DP, EID, aid, bytes.fromhex("8400"))
    assert pair(caught) == ("8.3.1", "3.9")
    too_large = tlv.encode(0x22, CommandApdu(0x80, 0xE2, 0x88, 0, bytes(255)).encode()) * 12
    with pytest.raises(Refusal, match="does not fit") as caught:
        send(SM_DP, EID, aid, too_large)
    assert pair(caught) == ("1.6", "2.1")


def test_what_the_card_says_to_data_is_for_the_sm_dp_to_judge(air: Air) -> None:
    aid = created(air, ICCID)
    report = air.run(air.world.sm_sr.downloads.send_data(SM_DP, EID, aid, bytes.fromhex("8400")))
    assert report.state == "done"
    assert report.response[:2] == bytes.fromhex("9f44")


def test_a_lost_answer_to_data_is_a_failure_and_nothing_runs_twice(air: Air) -> None:
    aid = created(air, ICCID)
    packets = packets_for(air, ICCID, aid)
    lost = 0

    def lose_first(messages: list[bytes]) -> list[bytes]:
        nonlocal lost
        lost += 1
        return [] if lost == 1 else messages

    air.air.up = lose_first
    data = packets.packets[0].command + packets.packets[1].command
    report = air.run(air.world.sm_sr.downloads.send_data(SM_DP, EID, aid, data))
    assert report.state == "failed"
    assert "its answer was lost" in report.reason
    assert report.messages > 1, "it was sent again, and the card refused to run it again"
    assert air.states() == {ICCID: "created"}


def test_a_download_is_complete_once_and_by_its_own_sm_dp(air: Air) -> None:
    downloads = air.world.sm_sr.downloads
    said = CompletedDownload(EID, ICCID)
    with pytest.raises(Refusal) as caught:
        downloads.completed(SM_DP, said)
    assert pair(caught) == ("8.2.1", "3.9")
    downloaded(air, ICCID)
    with pytest.raises(Refusal) as caught:
        downloads.completed(OTHER_DP, said)
    assert pair(caught) == ("8.2.1", "1.2")
    with pytest.raises(Refusal) as caught:
        downloads.completed(SM_DP, CompletedDownload(EID, ICCID, pol2=8))
    assert pair(caught) == ("8.2.3", "2.1")
    with pytest.raises(Refusal) as caught:
        downloads.completed(
            SM_DP, CompletedDownload(EID, ICCID, address=SubscriptionAddress("", "12a45"))
        )
    assert pair(caught) == ("8.2.6", "2.1")
    downloads.completed(SM_DP, said)
    with pytest.raises(Refusal) as caught:
        downloads.completed(SM_DP, said)
    assert pair(caught) == ("8.2.1", "1.2")


def test_a_profile_that_is_not_complete_can_only_be_deleted(air: Air) -> None:
    sm_sr = air.world.sm_sr
    created(air, ICCID)
    refused: list[Callable[[], object]] = [
        lambda: sm_sr.enable(MNO, EID, ICCID),
        lambda: sm_sr.disable(MNO, EID, ICCID),
        lambda: sm_sr.set_policy(MNO, EID, ICCID, 1),
        lambda: sm_sr.management.set_address(MNO, EID, ICCID, SubscriptionAddress()),
        lambda: sm_sr.downloads.update_connectivity(SM_DP, EID, ICCID, bytes.fromhex("8400")),
    ]
    for function in refused:
        with pytest.raises(Refusal) as caught:
            function()
        assert pair(caught) == ("8.2.1", "1.2")


def test_an_audit_does_not_complete_a_download(air: Air) -> None:
    downloaded(air, ICCID)
    assert air.run(air.world.sm_sr.audit(SM_DP, EID)).state == "done"
    assert air.states() == {ICCID: "created"}
    assert air.world.sm_sr.management.get_eis(SM_DP, EID).audited_at is not None


def test_everybody_sees_his_own_profiles_only(air: Air) -> None:
    management = air.world.sm_sr.management
    created(air, ICCID)
    made = air.world.sm_sr.downloads.create_isdp(OTHER_DP, EID, SECOND, "mno-2", 1000)
    assert air.run(made.job).state == "done"

    def seen(caller: Principal) -> set[str]:
        return {row.iccid for row in management.get_eis(caller, EID).profiles}

    assert seen(SM_DP) == seen(MNO) == {ICCID}
    assert seen(OTHER_DP) == seen(OTHER_MNO) == {SECOND}
    assert seen(OPERATOR) == {ICCID, SECOND}
    stranger = management.get_eis(Principal("mno-3", Role.MNO), EID)
    assert (stranger.profiles, stranger.msisdn) == ((), None)
    assert management.get_eis(MNO, EID).remaining_memory == 499_000
    with pytest.raises(Refusal) as caught:
        management.get_eis(MNO, eid_of(9))
    assert pair(caught) == ("8.1.1", "3.9")


def test_an_sm_dp_acts_for_mnos_that_let_it(air: Air) -> None:
    iccid = air.installed()
    sm_sr = air.world.sm_sr
    with pytest.raises(Refusal) as caught:
        sm_sr.enable(OTHER_DP, EID, iccid)
    assert pair(caught) == ("8.2.1", "1.2")
    sm_sr.management._rights._authorised = {"sm-dp-2": frozenset({"mno-1"})}
    assert air.run(sm_sr.enable(OTHER_DP, EID, iccid)).state == "done"


def test_a_policy_of_another_owner_is_not_told(air: Air) -> None:
    first = air.installed(enable=True)
    air.world.sm_sr.set_policy(OPERATOR, EID, first, 1)
    made = air.world.sm_sr.downloads.create_isdp(OTHER_DP, EID, SECOND, "mno-2", 0)
    assert air.run(made.job).state == "done"
    air.world.sm_sr.downloads.completed(OTHER_DP, CompletedDownload(EID, SECOND))
    with pytest.raises(Refusal, match="of another owner") as caught:
        air.world.sm_sr.enable(OTHER_MNO, EID, SECOND)
    assert first not in caught.value.reason


def test_pol2_deletes_a_profile_once_it_is_disabled(air: Air) -> None:
    sm_sr = air.world.sm_sr
    first, second = air.installed(enable=True), air.installed()
    sm_sr.set_policy(OPERATOR, EID, first, 4)
    sm_sr.management.delete_due()
    assert air.states() == {first: "enabled", second: "disabled"}
    assert air.run(sm_sr.enable(OPERATOR, EID, second)).state == "done"
    air.world.close()
    air.world.open()
    air.tick_clock(air.world)
    sm_sr = air.world.sm_sr
    sm_sr.management.delete_due()
    for _ in range(20):
        sm_sr.jobs.queue.pump()
    assert air.states() == {second: "enabled"}, "a restart in between forgets nothing"
    report = air.run(sm_sr.audit(OPERATOR, EID))
    assert report.state == "done"
    assert air.states() == {second: "enabled"}


class Taker:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def take_notice(self, notice: Notice) -> None:
        self.notices.append(notice)


def test_the_mno_is_told_of_every_change(air: Air) -> None:
    taker = Taker()
    sm_sr = air.world.sm_sr
    sm_sr.notices._takers["mno-1"] = taker
    first, second = air.installed(enable=True), air.installed()
    assert air.run(sm_sr.enable(MNO, EID, second)).state == "done"
    assert air.run(sm_sr.delete(MNO, EID, first)).state == "done"
    sm_sr.notices.flush()
    told = [(one.event, one.iccid) for one in taker.notices]
    assert told[0] == ("enabled", first)
    assert set(told[1:3]) == {("disabled", first), ("enabled", second)}
    assert told[3:] == [("deleted", first)]
    assert {one.sm_sr for one in taker.notices} == {"sm-sr-1"}


def test_the_sm_dp_is_told_where_the_mno_cannot_be(air: Air) -> None:
    sm_dp, other = Taker(), Taker()
    sm_sr = air.world.sm_sr
    sm_sr.notices._takers.update({"sm-dp-1": sm_dp, "sm-dp-2": other})
    first = air.installed(enable=True)
    sm_sr.notices.flush()
    assert [(one.event, one.iccid, one.mno) for one in sm_dp.notices] == [
        ("enabled", first, "mno-1")
    ]
    assert other.notices == []
