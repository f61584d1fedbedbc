"""The default notification of a virtual eUICC, and what the SM-SR makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.errors import CodecError
from hil.provisioning.notices import Notice
from hil.provisioning.orders import Route
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.ota_security import ota_keys_of
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.tables import CARD_NOTIFICATIONS
from hil.virtual.euicc import open_card
from hil.wire.identifiers import isd_p_aid
from hil.wire.notification import Notification, NotificationType
from hil.wire.sms import split
from tests.provisioning.air import SENDER, CardAir
from tests.provisioning.aired import Air
from tests.provisioning.world import MSISDN, OPERATOR, World, eid_of, factory_of

EID = eid_of(1)


class Taker:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def take_notice(self, notice: Notice) -> None:
        self.notices.append(notice)


@pytest.fixture
def notifying(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Air]:
    """A card that knows the SM-SR's number: it notifies, and waits for confirmations."""
    factory = factory_of(EID, notifications={"number": SENDER})
    card = open_card(tmp_path / "card", factory)
    carrier = CardAir(card, MSISDN)
    world = make_world(
        route=Route.SM_SR, carrier=carrier, patience=Patience(answer_s=5, overtake_s=1)
    )
    world.maker.produce(factory, msisdn=MSISDN)
    air = Air(world, carrier)
    carrier.start()
    yield air
    card.close()


def state_of(air: Air) -> tuple[int, int, str] | None:
    with air.world.store("sm-sr").transaction() as connection:
        row = connection.execute(select(CARD_NOTIFICATIONS)).first()
    return None if row is None else (row.sequence, row.kind, row.state)


def settle(air: Air, *, rounds: int = 20) -> None:
    """Let the SM-SR do what is due until nothing changes."""
    sm_sr = air.world.sm_sr
    for _ in range(rounds):
        sm_sr.work()
        pause = sm_sr.jobs.queue.pump()
        air.clock.now += pause or 0.0


def tell(sm_sr: SmSr, air: Air, sequence: int, aid: bytes, *, kind: int = 2) -> None:
    """Send a notification as the card would."""
    with air.world.store("sm-sr").transaction() as connection:
        keys = ota_keys_of(connection, EID)
    assert keys is not None
    packet = Notification(EID, kind, sequence, aid).packet(keys)
    for part in split(packet, kind="command"):
        sm_sr.jobs.queue.receive(MSISDN, part)


def test_a_change_is_notified_and_confirmed(notifying: Air) -> None:
    settle(notifying)
    first = notifying.installed(enable=True)
    settle(notifying)
    told = state_of(notifying)
    assert told is not None
    assert told[1:] == (NotificationType.CHANGED, "confirmed")
    second = notifying.installed()
    assert notifying.run(notifying.world.sm_sr.enable(OPERATOR, EID, second)).state == "done"
    settle(notifying)
    again = state_of(notifying)
    assert again is not None
    assert again[0] > told[0]
    assert again[2] == "confirmed"
    assert notifying.states() == {first: "disabled", second: "enabled"}
    assert notifying.run(notifying.world.sm_sr.audit(OPERATOR, EID)).state == "done"
    assert notifying.states() == {first: "disabled", second: "enabled"}


def test_the_eis_follows_a_card_that_changed_by_itself(air: Air) -> None:
    first, second = air.installed(enable=True), air.installed()
    taker = Taker()
    sm_sr = air.world.sm_sr
    sm_sr.notices._takers["mno-1"] = taker
    aid = sm_sr.book.profile(EID, second).isdp_aid
    tell(sm_sr, air, 5, aid, kind=NotificationType.FALLEN_BACK)
    assert air.states() == {first: "disabled", second: "enabled"}
    sm_sr.notices.flush()
    assert {(one.event, one.iccid) for one in taker.notices} == {
        ("disabled", first),
        ("enabled", second),
    }


def test_an_older_one_is_a_replay_and_a_repetition_changes_nothing(air: Air) -> None:
    first, second = air.installed(enable=True), air.installed()
    sm_sr = air.world.sm_sr
    aids = {iccid: sm_sr.book.profile(EID, iccid).isdp_aid for iccid in (first, second)}
    tell(sm_sr, air, 0xFFFE, aids[second])
    tell(sm_sr, air, 0x0001, aids[first])
    assert air.states()[first] == "enabled", "numbers begin again after FFFF"
    tell(sm_sr, air, 0xFFFE, aids[second])
    tell(sm_sr, air, 0x0001, aids[second])
    assert air.states() == {first: "enabled", second: "disabled"}
    assert state_of(air) == (1, 2, "due")


def test_a_confirmation_is_repeated_when_the_card_repeats(air: Air) -> None:
    iccid = air.installed(enable=True)
    sm_sr = air.world.sm_sr
    aid = sm_sr.book.profile(EID, iccid).isdp_aid
    tell(sm_sr, air, 7, aid)
    settle(air)
    told = state_of(air)
    assert told is not None
    assert told[2] == "refused", "this card has no notification that waits"
    tell(sm_sr, air, 7, aid)
    assert state_of(air) == (7, 2, "due")


def test_a_lost_answer_to_a_confirmation_has_the_card_asked(air: Air) -> None:
    iccid = air.installed(enable=True)
    sm_sr = air.world.sm_sr
    tell(sm_sr, air, 7, sm_sr.book.profile(EID, iccid).isdp_aid)
    lost = 0

    def lose_first(messages: list[bytes]) -> list[bytes]:
        nonlocal lost
        lost += 1
        return [] if lost == 1 else messages

    air.air.up = lose_first
    settle(air)
    assert state_of(air) == (7, 2, "confirmed")
    assert sm_sr.management.get_eis(OPERATOR, EID).audited_at is not None


def test_what_is_not_authentic_is_dropped(air: Air) -> None:
    air.installed(enable=True)
    sm_sr = air.world.sm_sr
    aid = isd_p_aid(0x11)
    with air.world.store("sm-sr").transaction() as connection:
        keys = ota_keys_of(connection, EID)
    assert keys is not None
    good = Notification(EID, 2, 1, aid).packet(keys)
    spoilt = good[:-1] + bytes((good[-1] ^ 1,))
    other = Notification(eid_of(2), 2, 1, aid).packet(keys)
    for packet, source in ((spoilt, MSISDN), (other, MSISDN), (good, "999"), (b"", MSISDN)):
        with pytest.raises(CodecError):
            sm_sr.card_notifications.receive(source, packet)
    assert state_of(air) is None
