"""Large orders: in batches, gone on with after every kind of stop, each profile delivered once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hil.errors import LinkError
from hil.provisioning.batches import MAX_BATCH, BatchReceipt
from hil.provisioning.cores import Cores
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.mno import Mno
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.orders import ProfileRequest, Route, RoutingInformation, Source, Subscription
from hil.provisioning.store import Store
from hil.provisioning.support_server.image_craft import ImageJob, craft
from hil.provisioning.tables import PACKET_SETS, PROFILES, SUBSCRIPTIONS
from hil.wire.image import PublicKey, SigningKind, open_image
from hil.wire.isdr_commands import PROVISIONING_KVN
from tests.provisioning.world import World, eid_of
from tests.thorough import thorough

BATCH = 4
COUNT = 10
EIDS = tuple(eid_of(number) for number in range(1, COUNT + 1))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, eids=EIDS)
    made.sm_dp.bulk._batch = made.sm_dp._delivery._batch = BATCH
    yield made
    made.close()


def reopened(world: World) -> World:
    """Begin all servers anew over their stores, as after a kill."""
    world.close()
    world.open()
    world.sm_dp.bulk._batch = world.sm_dp._delivery._batch = BATCH
    return world


def finish(world: World, order_id: str) -> None:
    for _ in range(COUNT):
        if world.sm_dp.bulk.progress(order_id).state != "running":
            return
        world.sm_dp.bulk.work()
    raise AssertionError("the order does not end")


def columns(world: World, actor: str, *wanted: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - columns
    with world.store(actor).transaction() as connection:
        return [tuple(row) for row in connection.execute(select(*wanted))]


def assert_whole(world: World, order_id: str, count: int = COUNT) -> None:
    """Exactly ``count`` distinct profiles, each delivered once, to the eUICC it is made for."""
    progress = world.sm_dp.bulk.progress(order_id)
    assert (progress.state, progress.reason) == ("delivered", "")
    assert (progress.numbered, progress.made, progress.delivered) == (count, count, count)
    profiles = list(world.sm_dp.bulk.profiles(order_id))
    assert [one.number for one in profiles] == list(range(1, count + 1))
    assert [one.eid for one in profiles] == list(EIDS[:count])
    rows = columns(
        world, "sm-dp-1", PROFILES.c.iccid, PROFILES.c.imsi, PROFILES.c.k, PROFILES.c.opc
    )
    for column in zip(*rows, strict=True):
        assert len(set(column)) == len(rows) == count
    stored = columns(world, "support", PACKET_SETS.c.iccid, PACKET_SETS.c.eid)
    assert sorted(stored) == sorted((one.iccid, one.eid) for one in profiles)


def test_a_large_order_returns_at_once_and_goes_batch_by_batch(world: World) -> None:
    begun = world.sm_dp.begin(ProfileRequest(amount=COUNT, targets=EIDS), "support-1")
    assert (begun.state, begun.amount, begun.numbered) == ("running", COUNT, 0)
    seen = [0]
    while (progress := world.sm_dp.bulk.progress(begun.order_id)).state == "running":
        assert progress.delivered == seen[-1]
        world.sm_dp.bulk.work()
        seen.append(world.sm_dp.bulk.progress(begun.order_id).delivered)
        assert len(world.support.reception.stored()) == seen[-1]
    assert seen == [0, 4, 8, 10]
    assert_whole(world, begun.order_id)
    assert world.sm_dp.bulk.work() is None
    assert world.sm_dp.order(begun.order_id).state == "delivered"


def test_pages_hold_what_they_are_asked_for_and_join_without_gap(world: World) -> None:
    order_id = world.sm_dp.begin(ProfileRequest(amount=COUNT, targets=EIDS), "x").order_id
    finish(world, order_id)
    pages = [world.sm_dp.bulk.page(order_id, limit=4)]
    while pages[-1].following is not None:
        pages.append(world.sm_dp.bulk.page(order_id, after=pages[-1].following, limit=4))
    assert [len(page.profiles) for page in pages] == [4, 4, 2]
    assert sum((page.profiles for page in pages), ()) == world.sm_dp.order(order_id).profiles
    with pytest.raises(Refusal, match="has no order nothing"):
        world.sm_dp.bulk.page("nothing")


class Killed(BaseException):
    """The process ends here: nothing may catch it."""


@pytest.mark.parametrize(
    ("place", "source"),
    [
        # Every place is one of either kind of order; a thorough round has both at each.
        pytest.param(place, source, marks=() if (place + kind) % 2 else thorough)
        for place in range(1, 14)
        for kind, source in enumerate(Source)
    ],
)
def test_a_kill_at_any_commit_loses_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, place: int, source: Source
) -> None:
    """The servers die behind the ``place``-th commit of the second batch; then all begin anew."""
    request = ProfileRequest(amount=COUNT, targets=EIDS, source=source)
    order_id = world.sm_dp.begin(request, "support-1").order_id
    world.sm_dp.bulk.work()
    left = [place]
    genuine = Store.transaction

    def transaction(self: Store) -> Any:  # noqa: ANN401 - a context manager
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return genuine(self)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "transaction", transaction)
        with pytest.raises(Killed):
            finish(world, order_id)
    reopened(world)
    finish(world, order_id)
    assert_whole(world, order_id)
    if source is Source.MNO:
        held = columns(world, "mno", func.count(SUBSCRIPTIONS.c.iccid))
        assert held == [(COUNT,)], "no number is given away for nothing"


def test_a_peer_that_is_away_is_waited_for_and_one_that_refuses_is_not(world: World) -> None:
    order_id = world.sm_dp.begin(ProfileRequest(amount=COUNT, targets=EIDS), "x").order_id
    bulk = world.sm_dp.bulk
    now = [1000.0]
    bulk._clock = lambda: now[0]
    receivers = world.sm_dp._delivery._receivers
    inner = world.support.first_interface()

    class Away(type(inner)):  # type: ignore[misc]
        answer: Callable[[], BatchReceipt]

        def deliver_many(self, session: str, raws: list[bytes]) -> BatchReceipt:
            inner.deliver_many(session, raws)
            return self.answer()

    def cut() -> BatchReceipt:
        raise LinkError("line cut before the answer")

    away = Away(world.support.reception)
    away.answer = cut
    receivers["support-1"] = away
    pauses = []
    for _ in range(4):
        pause = bulk.work()
        assert pause is not None
        pauses.append(pause)
        assert bulk.work() == pytest.approx(pause), "it waits, whoever asks"
        now[0] += pause
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    progress = bulk.progress(order_id)
    assert (progress.state, progress.delivered) == ("running", 0)
    assert progress.reason == "line cut before the answer"
    away.answer = lambda: BatchReceipt((), Refusal(RefusalCode.POLICY, "not today"))
    bulk.work()
    assert (bulk.progress(order_id).state, bulk.progress(order_id).reason) == (
        "failed",
        "not today",
    )
    receivers["support-1"] = inner
    assert bulk.resume(order_id).state == "running"
    finish(world, order_id)
    assert_whole(world, order_id)


def test_orders_at_the_same_time_share_no_number(world: World) -> None:
    """Two SM-DPs and an operator take numbers of one MNO from many threads."""
    other = world.new_sm_dp("sm-dp-2", {"mno-1": world.mno})
    orders = [
        (sm_dp, sm_dp.begin(ProfileRequest(amount=30), "x").order_id)
        for sm_dp in (world.sm_dp, other)
        for _ in range(2)
    ]
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            for _ in range(40):
                work()
        except BaseException as err:  # noqa: BLE001 - shown by the test
            errors.append(err)

    def reserve() -> None:
        world.mno.reserve("sm-dp-3", threading.current_thread().name + str(len(names)), 1)
        names.append(1)

    names: list[int] = []
    works = [world.sm_dp.bulk.work, other.bulk.work, world.sm_dp.bulk.work, reserve]
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    numbers = []
    for sm_dp, order_id in orders:
        progress = sm_dp.bulk.progress(order_id)
        assert (progress.state, progress.numbered) == ("waiting", 30)
        numbers += [one.iccid for one in sm_dp.bulk.profiles(order_id)]
    assert len(set(numbers)) == 120
    given = columns(world, "mno", func.count(), func.count(SUBSCRIPTIONS.c.iccid.distinct()))
    assert given == [(160, 160)]


def test_numbers_that_were_entered_by_hand_are_not_given_again(tmp_path: Path) -> None:
    plan = NumberPlan("8900101", "00101")
    mno = Mno(
        "mno-1",
        Store(f"sqlite:///{tmp_path}/mno.db"),
        routing=RoutingInformation(Route.SUPPORT_SERVER, "support-1"),
        sm_sr="sm-sr-1",
        plan=plan,
    )
    by_hand = plan.subscription(3, "sm-sr-1")
    mno.add_subscription(by_hand)
    same_imsi = Subscription(
        plan.subscription(70, "s").iccid, plan.subscription(5, "s").imsi, "s", bytes(16), bytes(16)
    )
    mno.add_subscription(same_imsi)
    mno.reserve("sm-dp-1", "first", 2)
    found = mno.reserve("sm-dp-1", "second", 6)
    again = mno.reserve("sm-dp-1", "second", 6)
    assert found == again
    serials = [int(one.imsi[5:]) for one in found]
    assert serials == [1, 2, 4, 6, 7, 8]


def test_a_number_plan_that_is_used_up_says_so_and_gives_nothing(tmp_path: Path) -> None:
    plan = NumberPlan("890010123456", "001010000", "8821000000")
    assert plan.capacity == 100
    mno = Mno(
        "mno-1",
        Store(f"sqlite:///{tmp_path}/mno.db"),
        routing=RoutingInformation(Route.SUPPORT_SERVER, "support-1"),
        sm_sr="sm-sr-1",
        plan=plan,
    )
    assert len(mno.reserve("sm-dp-1", "first", 90)) == 90
    with pytest.raises(Refusal, match="is used up: it has 100 numbers"):
        mno.reserve("sm-dp-1", "second", 10)
    assert len(mno.reserve("sm-dp-1", "third", 9)) == 9, "nothing was lost by asking"


def test_a_batch_is_taken_up_to_the_first_bad_set_and_the_rest_refused(world: World) -> None:
    caught: list[list[bytes]] = []
    inner = world.support.first_interface()

    class Catcher(type(inner)):  # type: ignore[misc]
        def deliver_many(self, session: str, raws: list[bytes]) -> BatchReceipt:
            raws = list(raws)
            caught.append(raws)
            broken = bytearray(raws[2])
            broken[len(broken) // 2] ^= 1
            found = inner.deliver_many(session, [*raws[:2], bytes(broken), *raws[3:]])
            assert len(found.receipts) == 2
            return found

    world.sm_dp._delivery._receivers["support-1"] = Catcher(world.support.reception)
    order_id = world.sm_dp.begin(ProfileRequest(amount=COUNT, targets=EIDS), "x").order_id
    world.sm_dp.bulk.work()
    progress = world.sm_dp.bulk.progress(order_id)
    assert (progress.state, progress.delivered) == ("failed", 2)
    assert "packet" in progress.reason
    assert len(world.support.reception.stored()) == 2
    (report, _) = world.support.reception.link_reports()
    assert (report.accepted, report.refused) == (2, 1)
    world.sm_dp._delivery._receivers["support-1"] = inner
    world.sm_dp.bulk.resume(order_id)
    finish(world, order_id)
    assert_whole(world, order_id)
    assert len(caught) == 1


def test_too_many_at_once_are_refused(world: World) -> None:
    inner = world.support.first_interface()
    session = inner.challenge("sm-dp-1", bytes(16)).session
    found = inner.deliver_many(session, [b""] * (MAX_BATCH + 1))
    assert found.refusal is not None
    assert found.refusal.code is RefusalCode.NOT_AUTHENTICATED
    with pytest.raises(Refusal) as caught:
        world.maker.isd_p_bases(_sm_dp(world), [EIDS[0]] * (MAX_BATCH + 1))
    assert caught.value.code is RefusalCode.TOO_LARGE


def _sm_dp(world: World) -> Any:  # noqa: ANN401 - the caller that World gives its SM-DP
    return world.sm_dp._eum._links[0]._caller  # type: ignore[attr-defined]


def test_images_made_side_by_side_are_those_made_one_by_one(world: World) -> None:
    for eid in EIDS:
        world.register_device(eid)
    order_id = world.sm_dp.begin(ProfileRequest(amount=COUNT, targets=EIDS), "x").order_id
    finish(world, order_id)
    images = world.support.workshop.images()
    assert [one.iccid for one in images] == [p.iccid for p in world.sm_dp.bulk.profiles(order_id)]
    assert {(one.eid, one.issue, one.state) for one in images} == {
        (eid, 1, "built") for eid in EIDS
    }
    trusted: dict[SigningKind, PublicKey] = {
        "commercial": world.signers["commercial"].private.public_key()
    }
    jobs = [
        ImageJob(
            packet_set=world.support.reception.packet_set(one.iccid),
            keys=world.support.workshop._eum.isd_r_keys(one.eid, PROVISIONING_KVN),
            counter=1,
            enable=True,
            clear=False,
            signed_by="commercial",
            signer=world.signers["commercial"].private_pem(),
            device_id=one.device_id,
            device_key=world.device_keys[one.eid].enc,
        )
        for one in images
    ]
    cores = Cores(2)
    try:
        opened = [
            [
                open_image(
                    raw, trusted=trusted, device_key=world.device_keys[job.packet_set.eid].enc
                )
                for raw, job in zip(some.map(craft, jobs), jobs, strict=True)
            ]
            for some in (Cores(1), cores)
        ]
    finally:
        cores.close()
    assert opened[0] == opened[1]
    assert [one.image_id for one in opened[0]] == [job.image_id for job in jobs]
