"""An eUICC changes its SM-SR: keys are established with the ISD-R, the old SM-SR keeps none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.errors import LinkError
from hil.provisioning.door import PeerDoor
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal
from hil.provisioning.links import LocalEum
from hil.provisioning.notices import Notice
from hil.provisioning.orders import Route
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.sm_sr.handover_rows import HandedEis, HandoverReport
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.ota_security import ota_keys_of
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.support_server.outbox import Outbox, ProfileEvent, StatusNotification
from hil.provisioning.tables import EIS, EIS_PROFILES, EIS_PROPERTIES, OTA_KEYS, OUTBOX
from hil.provisioning.trust import Principal
from hil.provisioning.trust import Role as PeerRole
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire.apdu import CommandApdu
from hil.wire.gp_certificate import Role
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.notification import Notification
from tests.euicc.terminal import Terminal
from tests.provisioning.air import CardAir, start
from tests.provisioning.aired import Air, Clock
from tests.provisioning.certified import TestCi
from tests.provisioning.world import MSISDN, OPERATOR, World, eid_of
from tests.thorough import thorough

EID = eid_of(1)
MNO = Principal("mno-1", PeerRole.MNO)
OLD = Principal("sm-sr-1", PeerRole.SM_SR)
NEW = Principal("sm-sr-2", PeerRole.SM_SR)
MAKER = Principal("eum-1", PeerRole.EUM)


class LocalEs7:
    """An SM-SR of this process, seen by another one; it may be out of reach."""

    def __init__(self, target: Callable[[], SmSr], caller: Principal) -> None:
        self._target = target
        self._caller = caller
        self.broken = False
        self.calls = 0

    @property
    def _sm_sr(self) -> SmSr:
        self.calls += 1
        if self.broken:
            raise LinkError("the other SM-SR cannot be reached")
        return self._target()

    def handover_euicc(self, handed: HandedEis) -> None:
        self._sm_sr.coming.handover_euicc(self._caller, HandedEis.decode(handed.encode()))

    def handover(self, eid: str) -> HandoverReport:
        return self._sm_sr.coming.report(self._caller, eid)

    def authenticate_sm_sr(self, eid: str, certificate: bytes) -> str:
        return self._sm_sr.leaving.authenticate_sm_sr(self._caller, eid, certificate)

    def create_additional_key_set(self, eid: str, request: bytes) -> str:
        return self._sm_sr.leaving.create_additional_key_set(self._caller, eid, request)

    def report(self, job: str, *, wait_s: float = 0.0) -> JobReport:
        del wait_s
        self._sm_sr.check_job(self._caller, job)
        return self._sm_sr.job(job)


class Taker:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def take_notice(self, notice: Notice) -> None:
        self.notices.append(notice)


class Change:
    """Two SM-SRs and one card that the first one manages."""

    def __init__(self, air: Air, ci: TestCi) -> None:
        self.air = air
        self.clock: Clock = air.clock
        self.ci = ci
        self.credentials = ci.credentials(Role.SM_SR, "sm-sr-2")
        self.new_air = CardAir(air.card, MSISDN)
        self.taker = Taker()
        self.to_new = LocalEs7(lambda: self.new, OLD)
        self.to_old = LocalEs7(lambda: self.old, NEW)
        self.old.leaving._links["sm-sr-2"] = self.to_new
        self.old.notices._takers["mno-1"] = Taker()
        self.build()

    @property
    def old(self) -> SmSr:
        return self.air.world.sm_sr

    def build(self) -> None:
        world = self.air.world
        self.new = SmSr(
            PeerDoor("sm-sr-2", []),
            world.store("sm-sr-2"),
            LocalEum(world.maker, NEW),
            {"eum-1": world.eum_key.public_key()},
            carrier=self.new_air,
            patience=world.patience,
            takers={"mno-1": self.taker},
            others={"sm-sr-1": self.to_old},
            credentials=self.credentials,
            number="99887766",
        )
        self.new.jobs.queue._clock = self.clock
        self.new.jobs._clock = self.clock

    def begin(self) -> None:
        self.new.coming.prepare(MNO, EID, "sm-sr-1")
        self.old.leaving.change(MNO, EID, "sm-sr-2")

    def step(self) -> None:
        """Let both servers do what is due once."""
        for server in (self.old, self.new):
            server.leaving.work()
            server.coming.work()
            pause = server.jobs.queue.pump()
            self.clock.now += pause or 0.0
            server.notices.flush()

    def run(self, *, steps: int = 40) -> HandoverReport:
        for _ in range(steps):
            self.step()
            report = self.old.leaving.report(OPERATOR, EID)
            if report.state in ("done", "failed"):
                break
        return self.old.leaving.report(OPERATOR, EID)

    def audited(self, server: SmSr) -> dict[str, str]:
        job = server.audit(OPERATOR, EID)
        for _ in range(20):
            server.jobs.queue.pump()
            self.clock.now += 5
        report = server.job(job)
        assert report.state == "done", report.reason
        return {row.iccid: row.state for row in server.book.profiles(EID)}


@pytest.fixture
def change(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Change]:
    ci = TestCi()
    factory = ci.factory(EID)
    card: VirtualCard = open_card(tmp_path / "card", factory)
    carrier = CardAir(card, MSISDN)
    world = make_world(
        route=Route.SM_SR, carrier=carrier, patience=Patience(answer_s=5, overtake_s=1)
    )
    world.maker.produce(factory, msisdn=MSISDN)
    start(card)
    yield Change(Air(world, carrier), ci)
    card.close()


def keys_of(change: Change, store: str) -> list[int]:
    with change.air.world.store(store).transaction() as connection:
        return list(connection.execute(select(OTA_KEYS.c.kvn)).scalars())


def test_the_whole_change_and_life_after_it(change: Change) -> None:
    iccid = change.air.installed(enable=True)
    change.old.set_policy(OPERATOR, EID, iccid, 2)
    change.old.update_properties(MAKER, EID, {"batch": "7"})
    change.begin()
    assert change.run().state == "done"
    with change.air.world.store("sm-sr").transaction() as connection:
        for table in (EIS, EIS_PROFILES, EIS_PROPERTIES, OTA_KEYS):
            assert connection.execute(select(table)).first() is None, table.name
    assert keys_of(change, "sm-sr-2") == [2]
    (row,) = change.new.book.profiles(EID)
    assert (row.iccid, row.state, row.pol2, row.mno) == (iccid, "enabled", 2, "mno-1")
    assert [(one.event, one.sm_sr) for one in change.taker.notices] == [
        ("sm-sr-changed", "sm-sr-2")
    ]
    assert change.new.management.get_eis(OPERATOR, EID).properties == {"batch": "7"}
    assert change.audited(change.new) == {iccid: "enabled"}
    with pytest.raises(Refusal, match="does not know the eUICC"):
        change.old.audit(OPERATOR, EID)


def test_the_keys_of_images_stay(change: Change) -> None:
    """INITIALIZE UPDATE finds a key set without its keys: 6A88 where there is none."""
    change.air.installed()
    change.begin()
    assert change.run().state == "done"
    terminal = Terminal(change.air.card)
    terminal.select(ISD_R_AID)
    for kvn, sw in ((0x30, 0x9000), (0x31, 0x9000), (0x32, 0x6A88)):
        asked = CommandApdu(0x80, 0x50, kvn, 0x00, bytes(8), 256)
        assert terminal.send(asked).sw == sw, f"{kvn:02X}"


def test_the_keys_of_the_old_sm_sr_open_nothing_any_more(change: Change) -> None:
    change.air.installed()
    with change.air.world.store("sm-sr").transaction() as connection:
        kept = connection.execute(select(OTA_KEYS)).one()
    change.begin()
    assert change.run().state == "done"
    with change.air.world.store("sm-sr").transaction() as connection:
        connection.execute(OTA_KEYS.insert().values(**kept._mapping))
        eis = change.new.book.row(EID)
        connection.execute(EIS.insert().values(**eis._mapping))
    report = change.air.run(change.old.audit(OPERATOR, EID), pumps=60)
    assert report.state == "failed"
    assert "no answer" in report.reason, "the card drops what it cannot authenticate"


def test_nothing_else_goes_to_an_euicc_that_leaves(change: Change) -> None:
    iccid = change.air.installed()
    change.begin()
    for refused in (
        lambda: change.old.enable(MNO, EID, iccid),
        lambda: change.old.audit(OPERATOR, EID),
        lambda: change.old.set_policy(MNO, EID, iccid, 1),
        lambda: change.old.management.set_address(MNO, EID, iccid, SubscriptionAddress("001012")),
        lambda: change.old.leaving.change(MNO, EID, "sm-sr-2"),
        lambda: change.old.book.set_msisdn(EID, "88210777"),
        lambda: change.old.update_properties(MAKER, EID, {"batch": "7"}),
        lambda: change.old.notify(noted(iccid, "enabled")),
    ):
        with pytest.raises(Refusal) as caught:
            refused()
        assert caught.value.details == {"subject": "1.2", "reason": "4.4"}
    assert change.run().state == "done"


def noted(iccid: str, event: ProfileEvent, number: int = 1) -> StatusNotification:
    aid = isd_p_aid(0x100).hex()
    return StatusNotification(f"n-{number}", EID, iccid, aid, "mno-1", "sm-dp-1", event, 0.0)


def test_what_a_support_server_tells_meanwhile_arrives_at_the_new_sm_sr(change: Change) -> None:
    iccid = change.air.installed()
    store = change.air.world.store("support")
    sinks = {"sm-sr-1": change.old, "sm-sr-2": change.new}
    outbox = Outbox(store, sinks, clock=change.clock)
    change.begin()
    change.step()
    other = replace(noted("8900101", "enabled", 3), eid=eid_of(2))
    with store.transaction() as connection:
        for note in (noted(iccid, "enabled"), noted(iccid, "disabled", 2), other):
            connection.execute(
                OUTBOX.insert().values(
                    notification_id=note.notification_id,
                    sm_sr="sm-sr-1",
                    body=json.dumps(asdict(note)),
                    next_try=change.clock.now,
                    state="waiting",
                )
            )
    assert outbox.flush() == 0
    assert change.old.book.profile(EID, iccid).state == "disabled"
    with store.transaction() as connection:
        reasons = list(connection.execute(select(OUTBOX.c.reason).order_by(OUTBOX.c.id)).scalars())
    assert "being handed to another SM-SR" in reasons[0]
    assert reasons[1] == "", "it waits for the one before"
    assert "must send the EIS first" in reasons[2], "another eUICC does not wait for this one"
    assert change.run().state == "done"
    change.clock.now += 1000
    assert outbox.flush() == 0, "told where the eUICC is"
    heard: list[str] = []
    take = change.new.notify

    def hear(notification: StatusNotification) -> None:
        heard.append(notification.event)
        take(notification)

    change.new.notify = hear  # type: ignore[method-assign]
    assert outbox.flush() == 2
    assert heard == ["enabled", "disabled"]
    assert change.new.book.profile(EID, iccid).state == "disabled"


def test_a_change_that_comes_as_the_euicc_has_just_gone_is_not_taken_for_done(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    iccid = change.air.installed()
    profile = change.old.book.profile(EID, iccid)
    change.begin()
    assert change.run().state == "done"
    # Both look before they change; what happens in between shows in the change itself.
    monkeypatch.setattr(change.old.book, "require", lambda _eid: None)
    monkeypatch.setattr(change.old.book, "profile", lambda _eid, _iccid: profile)
    changes: list[Callable[[], None]] = [
        lambda: change.old.book.set_msisdn(EID, "88210777"),
        lambda: change.old.book.set_pol2(EID, iccid, 1),
    ]
    for late in changes:
        with pytest.raises(Refusal, match="went from here to sm-sr-2") as caught:
            late()
        assert caught.value.details == {"subject": "8.1.1", "reason": "3.9", "sm_sr": "sm-sr-2"}


def test_nothing_is_changed_at_the_new_sm_sr_before_the_euicc_is_its_own(change: Change) -> None:
    iccid = change.air.installed()
    change.begin()
    for _ in range(40):
        change.step()
        if change.new.book.eids():
            break
    assert change.new.coming.report(OPERATOR, EID).state == "entered"
    for early in (
        lambda: change.new.set_policy(MNO, EID, iccid, 1),
        lambda: change.new.enable(MNO, EID, iccid),
        lambda: change.new.notify(noted(iccid, "enabled")),
    ):
        with pytest.raises(Refusal) as caught:
            early()
        assert caught.value.details == {"subject": "1.2", "reason": "4.4"}
    assert change.run().state == "done"
    change.new.set_policy(MNO, EID, iccid, 1)


def test_a_notification_of_the_card_is_confirmed_before_it_leaves_or_left_to_the_new_one(
    change: Change,
) -> None:
    iccid = change.air.installed()
    with change.air.world.store("sm-sr").transaction() as connection:
        keys = ota_keys_of(connection, EID)
    assert keys is not None

    def say(sequence: int) -> None:
        packet = Notification(EID, 5, sequence, isd_p_aid(0x100)).packet(keys)
        change.old.card_notifications.receive(MSISDN, packet)

    say(1)
    with pytest.raises(Refusal, match="is not confirmed yet") as caught:
        change.old.leaving.change(MNO, EID, "sm-sr-2")
    assert caught.value.details == {"subject": "1.2", "reason": "4.4"}
    change.old.card_notifications.work()
    for _ in range(20):
        change.step()
    change.begin()
    before = change.old.book.profiles(EID)
    say(2)
    assert change.old.book.profiles(EID) == before
    assert change.run().state == "done"
    assert change.new.book.profile(EID, iccid).state == before[0].state


@pytest.mark.parametrize("at", [1, 4, *(pytest.param(one, marks=thorough) for one in (2, 6))])
def test_a_restart_of_either_side_anywhere_changes_nothing(change: Change, at: int) -> None:
    iccid = change.air.installed()
    change.begin()
    for _ in range(at):
        change.step()
    change.build()
    world = change.air.world
    world.sm_sr = SmSr(
        world.sm_sr.door,
        world.store("sm-sr"),
        LocalEum(world.maker, OLD),
        {"eum-1": world.eum_key.public_key()},
        carrier=change.air.air,
        patience=world.patience,
        others={"sm-sr-2": change.to_new},
    )
    change.air.tick_clock(world)
    assert change.run().state == "done"
    assert change.audited(change.new) == {iccid: "disabled"}


def test_an_sm_sr_that_cannot_be_reached_is_waited_for(change: Change) -> None:
    change.air.installed()
    change.begin()
    change.to_new.broken = True
    assert change.run(steps=3).state == "offered"
    change.to_new.broken, change.to_old.broken = False, True
    assert change.run(steps=3).state == "running"
    change.to_old.broken = False
    assert change.run().state == "done"


@thorough
def test_the_new_sm_sr_is_not_asked_twice_a_second_for_hours(change: Change) -> None:
    change.air.installed()
    change.old.leaving._clock = change.clock
    change.begin()
    change.old.leaving.work()
    before = change.to_new.calls
    for _ in range(3600):
        change.clock.now += 0.5
        change.old.leaving.work()
    assert 30 <= change.to_new.calls - before < 100


def test_lost_answers_cost_nothing(change: Change) -> None:
    iccid = change.air.installed()
    count = 0

    def lose_every_third(messages: list[bytes]) -> list[bytes]:
        nonlocal count
        count += 1
        return [] if count % 3 == 0 else messages

    change.new_air.up = lose_every_third
    change.begin()
    assert change.run(steps=80).state == "done"
    change.new_air.up = lambda messages: messages
    assert change.audited(change.new) == {iccid: "disabled"}


def test_a_certificate_that_the_card_refuses_ends_it_and_the_old_one_goes_on(
    change: Change,
) -> None:
    iccid = change.air.installed()
    change.credentials = change.ci.credentials(Role.SM_DP, "sm-sr-2")
    change.build()
    change.begin()
    report = change.run()
    assert report.state == "failed"
    assert "6A80" in report.reason
    assert change.audited(change.old) == {iccid: "disabled"}
    assert keys_of(change, "sm-sr-2") == []
    assert change.new.book.eids() == ()
    change.credentials = change.ci.credentials(Role.SM_SR, "sm-sr-2")
    change.build()
    change.begin()
    assert change.run().state == "done", "it may be tried again"


def test_an_euicc_that_nobody_announced_is_not_taken(change: Change) -> None:
    change.air.installed()
    change.old.leaving.change(MNO, EID, "sm-sr-2")
    report = change.run()
    assert report.state == "failed"
    assert "its MNO must prepare that" in report.reason
    assert change.audited(change.old)


def test_an_eis_that_was_changed_or_is_anothers_is_not_taken(change: Change) -> None:
    change.air.installed()
    change.new.coming.prepare(MNO, EID, "sm-sr-1")
    row = change.old.book.row(EID)
    signed = SignedEis(bytes(row.payload), bytes(row.signature))
    good = HandedEis(EID, signed, MSISDN, (1,), change.old.book.profiles(EID))
    spoilt = SignedEis(signed.payload.replace(b"500000", b"500001"), signed.signature)
    with pytest.raises(Refusal, match="signature of the EIS"):
        change.new.coming.handover_euicc(OLD, replace(good, signed=spoilt))
    for caller, handed in (
        (Principal("sm-sr-3", PeerRole.SM_SR), good),
        (OLD, replace(good, eid=eid_of(2))),
    ):
        with pytest.raises(Refusal) as caught:
            change.new.coming.handover_euicc(caller, handed)
        assert caught.value.details == {"subject": "8.7", "reason": "1.2"}


def test_who_may_have_it_changed(change: Change) -> None:
    change.air.installed()
    with pytest.raises(Refusal) as caught:
        change.old.leaving.change(Principal("mno-2", PeerRole.MNO), EID, "sm-sr-2")
    assert caught.value.details == {"subject": "1.1", "reason": "1.2"}
    with pytest.raises(Refusal) as caught:
        change.old.leaving.change(MNO, EID, "sm-sr-9")
    assert caught.value.details == {"subject": "8.7", "reason": "1.1"}
    with pytest.raises(Refusal) as caught:
        change.new.coming.prepare(MNO, EID, "sm-sr-9")
    assert caught.value.details == {"subject": "8.7", "reason": "1.1"}
    leaving = change.old.leaving
    for function in (leaving.authenticate_sm_sr, leaving.create_additional_key_set):
        with pytest.raises(Refusal) as caught:
            function(NEW, EID, b"")
        assert caught.value.details == {"subject": "8.7", "reason": "1.2"}
    with pytest.raises(Refusal, match="is mno"):
        change.new.coming.handover_euicc(MNO, HandedEis(EID, SignedEis(b"", b""), None, (), ()))
