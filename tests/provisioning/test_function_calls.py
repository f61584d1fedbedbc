"""Function calls: a repetition is answered as before and changes nothing, whatever came between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hil.errors import LinkError
from hil.provisioning import sequences
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import (
    Answer,
    FunctionCall,
    Ledger,
    digest_of,
    first_time,
    new_identifier,
)
from hil.provisioning.store import Store, in_transaction
from hil.provisioning.tables import FUNCTION_CALLS, SEQUENCES

BOTH = pytest.mark.parametrize("spanning", [False, True], ids=["atomic", "spanning"])


class Killed(BaseException):
    """The process ends here: nothing after it runs."""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/a.db")
    yield made
    made.close()


@pytest.fixture
def ledger(store: Store, clock: Clock) -> Ledger:
    return Ledger(store, "sm-sr-1", running_s=0.2, clock=clock)


def call(identifier: str = "1", body: bytes = b"{}", **over: object) -> FunctionCall:
    row = {"caller": "mno-1", "identifier": identifier, "digest": digest_of("POST", "/x", body)}
    return FunctionCall(**row | over)  # type: ignore[arg-type]


def taking(store: Store) -> Callable[[], Answer]:
    """Return a function whose every effect can be counted."""

    def act() -> Answer:
        with store.transaction() as connection:
            number = sequences.take(connection, "n", 1, first=1)[0]
        return Answer(200, str(number).encode(), {"content-type": "application/json"})

    return act


def taken(store: Store) -> int:
    with store.transaction() as connection:
        row = connection.execute(select(SEQUENCES.c.next)).first()
    return 0 if row is None else int(row.next) - 1


@BOTH
def test_a_repetition_has_the_same_answer_and_no_effect(
    store: Store, ledger: Ledger, spanning: bool
) -> None:
    first = ledger.once(call(), taking(store), spanning=spanning)
    again = ledger.once(call(), taking(store), spanning=spanning)
    assert again == first
    assert taken(store) == 1
    assert ledger.once(call("2"), taking(store), spanning=spanning).body == b"2"
    assert ledger.once(call(caller="mno-2"), taking(store), spanning=spanning).body == b"3"


@BOTH
def test_so_it_is_after_a_restart(tmp_path: Path, store: Store, spanning: bool) -> None:
    first = Ledger(store, "sm-sr-1").once(call(), taking(store), spanning=spanning)
    store.close()
    later = Store(f"sqlite:///{tmp_path}/a.db")
    assert Ledger(later, "sm-sr-1").once(call(), taking(later), spanning=spanning) == first
    assert taken(later) == 1
    later.close()


@BOTH
def test_an_identifier_is_for_one_call_only(store: Store, ledger: Ledger, spanning: bool) -> None:
    ledger.once(call(body=b'{"a": 1, "b": 2}'), taking(store), spanning=spanning)
    ledger.once(call(body=b'{"b":2,"a":1}'), taking(store), spanning=spanning)
    with pytest.raises(Refusal) as caught:
        ledger.once(call(body=b'{"a": 2, "b": 2}'), taking(store), spanning=spanning)
    assert caught.value.code is RefusalCode.EXISTS
    assert taken(store) == 1


@BOTH
def test_a_refusal_is_an_answer_and_keeps_what_it_counted(
    store: Store, ledger: Ledger, spanning: bool
) -> None:
    def refuse() -> Answer:
        taking(store)()
        raise Refusal(RefusalCode.POLICY, "no", {"left": 4})

    for _ in range(2):
        with pytest.raises(Refusal, match="no") as caught:
            ledger.once(call(), refuse, spanning=spanning)
        assert (caught.value.code, caught.value.details) == (RefusalCode.POLICY, {"left": 4})
    assert taken(store) == 1


@BOTH
def test_a_lost_link_is_no_answer(store: Store, ledger: Ledger, spanning: bool) -> None:
    def lose() -> Answer:
        raise LinkError("gone")

    with pytest.raises(LinkError):
        ledger.once(call(), lose, spanning=spanning)
    assert ledger.once(call(), taking(store), spanning=spanning).body == b"1"


def test_the_effect_and_its_answer_are_one_transaction(store: Store, ledger: Ledger) -> None:
    def die() -> Answer:
        taking(store)()
        raise Killed

    with pytest.raises(Killed):
        ledger.once(call(), die, spanning=False)
    assert taken(store) == 0
    assert ledger.once(call(), taking(store), spanning=False).body == b"1"


def test_what_spans_peers_goes_on_where_it_stood(store: Store, ledger: Ledger) -> None:
    made: list[tuple[str, str]] = []

    def act(*, die: bool) -> Answer:
        made.append((new_identifier("order"), new_identifier("order")))
        assert not in_transaction(), "peers may be called here"
        with store.transaction() as connection:
            if first_time(connection, "take"):
                sequences.take(connection, "n", 1, first=1)
        if die:
            raise Killed
        return Answer(204, b"")

    with pytest.raises(Killed):
        ledger.once(call(), lambda: act(die=True), spanning=True)
    ledger.once(call(), lambda: act(die=False), spanning=True)
    assert made[0] == made[1], "what it creates has the same identifiers again"
    assert made[0][0] != made[0][1]
    assert taken(store) == 1
    assert new_identifier("order") != new_identifier("order"), "outside of a call all are new"


def test_a_step_that_failed_is_taken_again(store: Store, ledger: Ledger) -> None:
    def act(*, fail: bool) -> Answer:
        with store.transaction() as connection:
            assert first_time(connection, "take")
            sequences.take(connection, "n", 1, first=1)
            if fail:
                raise Killed
        return Answer(204, b"")

    with pytest.raises(Killed):
        ledger.once(call(), lambda: act(fail=True), spanning=True)
    ledger.once(call(), lambda: act(fail=False), spanning=True)
    assert taken(store) == 1


@BOTH
def test_repetitions_at_the_same_moment_are_one_call(store: Store, spanning: bool) -> None:
    ledger = Ledger(store, "sm-sr-1")
    answers: list[bytes] = []
    together = threading.Barrier(8)

    def work() -> None:
        together.wait(10)
        answers.append(ledger.once(call(), taking(store), spanning=spanning).body)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [b"1"] * 8
    assert taken(store) == 1


def test_a_repetition_does_not_wait_for_ever(store: Store, ledger: Ledger) -> None:
    running, end = threading.Event(), threading.Event()

    def slow() -> Answer:
        running.set()
        end.wait(20)
        return Answer(204, b"")

    thread = threading.Thread(target=lambda: ledger.once(call(), slow, spanning=True))
    thread.start()
    assert running.wait(10)
    try:
        with pytest.raises(Refusal, match="still being carried out") as caught:
            ledger.once(call(), taking(store), spanning=True)
        assert caught.value.code is RefusalCode.WRONG_STATE
        assert ledger.once(call("2"), taking(store), spanning=True).body == b"1"
    finally:
        end.set()
        thread.join(20)


@BOTH
def test_after_the_validity_period_nothing_is_done(
    store: Store, ledger: Ledger, clock: Clock, spanning: bool
) -> None:
    late = call(until=clock.now)
    with pytest.raises(Refusal) as caught:
        ledger.once(late, taking(store), spanning=spanning)
    assert caught.value.code is RefusalCode.EXPIRED
    assert taken(store) == 0

    answered = ledger.once(call("2", until=clock.now + 10), taking(store), spanning=spanning)
    clock.now += 11
    again = ledger.once(call("2", until=clock.now + 10), taking(store), spanning=spanning)
    assert again == answered, "what was answered in time stays answered"


def test_a_broken_off_call_keeps_its_first_validity(
    store: Store, ledger: Ledger, clock: Clock
) -> None:
    def lose() -> Answer:
        raise LinkError("gone")

    with pytest.raises(LinkError):
        ledger.once(call(until=clock.now + 10), lose, spanning=True)
    clock.now += 11
    with pytest.raises(Refusal) as caught:
        ledger.once(call(until=clock.now + 10), taking(store), spanning=True)
    assert caught.value.code is RefusalCode.EXPIRED


def test_answers_are_kept_for_a_day_and_then_forgotten(
    store: Store, ledger: Ledger, clock: Clock
) -> None:
    ledger.once(call(), taking(store), spanning=False)
    ledger.once(call("long", until=clock.now + 200_000), taking(store), spanning=False)
    clock.now += 86_399
    assert ledger.once(call(), taking(store), spanning=False).body == b"1"
    clock.now += 2
    assert ledger.once(call(), taking(store), spanning=False).body == b"3"
    with store.transaction() as connection:
        rows = connection.execute(select(FUNCTION_CALLS.c.identifier)).all()
    assert sorted(row.identifier for row in rows) == ["1", "long"]


def test_what_waits_for_the_commit_comes_after_it(store: Store) -> None:
    order: list[object] = []
    with store.unit():
        taking(store)()
        store.when_committed(lambda: order.append(in_transaction()))
        assert order == []
    assert order == [False]
    store.when_committed(lambda: order.append("now"))
    assert order[-1] == "now"


def test_a_part_of_a_unit_is_rolled_back_alone(store: Store) -> None:
    def lose() -> None:
        with store.transaction() as connection:
            sequences.take(connection, "n", 5)
            raise LinkError("gone")

    with store.unit():
        taking(store)()
        with pytest.raises(LinkError):
            lose()
    assert taken(store) == 1
