"""Faults of a card and of the PC/SC service, provoked for real: each has its own error."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from hil.bench.pcscd import MAX_READERS, PrivatePcscd
from hil.equipment.card import (
    AmbiguousReaderError,
    Card,
    CardRemovedError,
    CardResetError,
    CardTimeoutError,
    NoCardError,
    NoReaderError,
    TruncatedAnswerError,
)
from hil.equipment.card.pcsc import PcscTransport
from hil.errors import LinkError, ProtocolError, UsageError
from hil.wire.apdu import CommandApdu
from tests.card.scripted_card import ATR_T1, DIE, Answer, Raw, ScriptedCard

READ = CommandApdu(0x00, 0xB0, 0x00, 0x00, le=5)
ODD = CommandApdu(0x00, 0xB0, 0x00, 0x01, le=5)
GOOD = b"hello\x90\x00"

Insert = Callable[..., ScriptedCard]

PATIENT_S: Final = 10.0
SOON_S: Final = 8.0
"""What ends by its own deadline, or at once, ends before the card's: on a busy machine too."""


@pytest.fixture
def insert(pcscd: PrivatePcscd, reader: int) -> Iterator[Insert]:
    """Put a scripted card into the reader; ``ODD`` gets ``answer``, all else is good."""
    cards: list[ScriptedCard] = []

    def put(answer: Answer = GOOD, *, good: bytes = GOOD, atr: bytes | None = None) -> ScriptedCard:
        def script(command: bytes) -> Answer:
            return answer if command == ODD.encode() else good

        card = ScriptedCard(
            pcscd.vpcd_ports[reader], script, **({} if atr is None else {"atr": atr})
        )
        cards.append(card)
        return card

    yield put
    for card in cards:
        card.pull()


@pytest.fixture
def transport(pcscd: PrivatePcscd, reader: int) -> PcscTransport:
    return PcscTransport(pcscd.reader_patterns[reader], interrupt=lambda: pcscd.cut(reader))


@pytest.fixture
def other(pcscd: PrivatePcscd, reader: int) -> Iterator[PcscTransport]:
    """Another program at the same reader."""
    one = PcscTransport(pcscd.reader_patterns[reader])
    yield one
    one.disconnect()


@pytest.fixture
def card(transport: PcscTransport) -> Iterator[Card]:
    one = Card(transport, timeout_s=PATIENT_S)
    yield one
    one.disconnect()


def test_an_empty_reader_is_no_card_and_names_the_reader(card: Card) -> None:
    begin = time.monotonic()
    with pytest.raises(NoCardError, match=r"hil virtual reader \d 00 00.*8010000C"):
        card.connect(timeout_s=0.3)
    assert 0.3 <= time.monotonic() - begin < SOON_S


def test_a_card_that_comes_in_time_is_waited_for(card: Card, insert: Insert) -> None:
    timer = threading.Timer(0.2, insert)
    timer.start()
    assert card.connect(timeout_s=5.0).hex().startswith("3b9e")
    timer.join()
    assert card.send(READ).data == b"hello"


def test_the_atr_decides_the_protocol(card: Card, insert: Insert) -> None:
    insert(atr=ATR_T1)
    card.connect()
    assert card.transport.protocol == "T=1"
    assert card.send(READ).data == b"hello"


@pytest.mark.parametrize(
    "answer",
    [
        DIE,
        Raw(b"\x00\x00"),
        Raw(b"\x00\x0aabc", die=True),
        Raw(b"\x00", die=True),
        Raw(b"\x00\x01\x90"),
    ],
    ids=["dies", "empty", "cut after 3 of 10", "cut in the length", "one byte"],
)
def test_a_card_that_fails_in_a_command(
    card: Card, insert: Insert, pcscd: PrivatePcscd, answer: Answer
) -> None:
    insert(answer)
    card.connect()
    assert card.send(READ).data == b"hello"
    begin = time.monotonic()
    with pytest.raises(TruncatedAnswerError, match="connect to it again"):
        card.send(ODD)
    assert time.monotonic() - begin < SOON_S
    with pytest.raises(CardRemovedError):
        card.send(READ)
    assert not pcscd.ended()


def test_a_truncated_answer_is_a_lost_card_and_a_protocol_error() -> None:
    assert issubclass(TruncatedAnswerError, CardRemovedError)
    assert issubclass(TruncatedAnswerError, ProtocolError)
    assert issubclass(TruncatedAnswerError, LinkError)


def test_an_answer_in_two_parts_is_put_together(card: Card, insert: Insert) -> None:
    insert(Raw(b"\x00\x07hel", later=b"lo\x90\x00", later_s=0.1))
    card.connect()
    assert card.send(ODD).data == b"hello"


def test_a_card_that_never_answers_ends_at_the_deadline(card: Card, insert: Insert) -> None:
    insert(None)
    card.connect()
    begin = time.monotonic()
    with pytest.raises(CardTimeoutError, match=r"0\.3 s"):
        card.send(ODD, timeout_s=0.3)
    assert 0.3 <= time.monotonic() - begin < SOON_S
    insert()
    card.connect()
    assert card.send(READ).data == b"hello"


def test_without_a_handle_on_the_card_the_call_is_left_behind(
    insert: Insert, other: PcscTransport
) -> None:
    """As with a real reader: the caller goes on, the reader is usable once the card is pulled."""
    silent = insert(None)
    card = Card(other, timeout_s=PATIENT_S)
    card.connect()
    assert card.send(READ).data == b"hello"
    begin = time.monotonic()
    with pytest.raises(CardTimeoutError):
        card.send(ODD, timeout_s=0.3)
    assert time.monotonic() - begin < SOON_S
    with pytest.raises(CardRemovedError):
        card.send(READ)
    silent.pull()
    insert()
    card.connect()
    assert card.send(READ).data == b"hello"
    card.disconnect()


def test_a_pulled_card_is_missed_and_a_new_one_welcome(card: Card, insert: Insert) -> None:
    first = insert()
    card.connect()
    first.pull()
    with pytest.raises(CardRemovedError):
        card.send(READ)
    with pytest.raises(NoCardError):
        card.connect(timeout_s=0.6)
    second = insert(good=b"other\x90\x00")
    card.connect()
    assert card.send(READ).data == b"other"
    assert 1 in second.power


def test_a_swapped_card_is_never_spoken_to_unpowered(card: Card, insert: Insert) -> None:
    first = insert()
    card.connect()
    card.send(READ)
    first.pull()
    second = insert(good=b"other\x90\x00")
    with pytest.raises(CardRemovedError):
        card.send(READ)
    with pytest.raises(CardRemovedError):
        card.send(READ)
    assert not second.commands
    with card.transaction():
        assert card.send(READ).data == b"other"
    assert second.power.count(1) >= 1


def test_a_swap_is_not_forgotten_by_disconnecting(card: Card, insert: Insert) -> None:
    first = insert()
    card.connect()
    first.pull()
    second = insert(good=b"other\x90\x00")
    with pytest.raises(CardRemovedError):
        card.send(READ)
    card.disconnect()
    card.connect()
    assert card.send(READ).data == b"other"
    assert 1 in second.power


def test_connecting_again_is_quick_while_nothing_was_lost(card: Card, insert: Insert) -> None:
    insert()
    with pytest.raises(NoCardError):
        card.connect(timeout_s=0.0)
    card.connect()
    begin = time.monotonic()
    for _ in range(3):
        card.disconnect()
        card.connect()
    assert time.monotonic() - begin < 1.4, "each of the three looked for a removal, half a second"


def test_a_reset_by_another_program_is_named_and_the_next_transaction_mends_it(
    card: Card, insert: Insert, other: PcscTransport
) -> None:
    insert()
    card.connect()
    other.connect(timeout_s=5)
    other.reset(timeout_s=5)
    other.disconnect()
    for _ in range(2):
        with pytest.raises(CardResetError, match="80100068"):
            card.send(READ)
    with card.transaction():
        assert card.send(READ).data == b"hello"


def test_a_transaction_keeps_others_away_until_the_deadline(
    card: Card, insert: Insert, other: PcscTransport
) -> None:
    insert()
    second = Card(other, name="other")
    with card.transaction():
        card.send(READ)
        begin = time.monotonic()
        with (
            pytest.raises(CardTimeoutError, match="another program holds it"),
            second.transaction(timeout_s=0.4),
        ):
            pass
        assert 0.4 <= time.monotonic() - begin < SOON_S
        assert card.send(READ).data == b"hello"
    with second.transaction():
        assert second.send(READ).data == b"hello"
    with card.transaction():
        assert card.send(READ).data == b"hello"


def test_disconnecting_leaves_the_card_to_others(
    card: Card, insert: Insert, other: PcscTransport
) -> None:
    insert()
    card.connect()
    other.connect(timeout_s=5)
    other.disconnect()
    assert card.send(READ).data == b"hello"


def test_reset_powers_the_card_off_and_on(card: Card, insert: Insert) -> None:
    scripted = insert()
    card.connect()
    scripted.power.clear()
    assert card.reset() == card.atr
    assert scripted.power == [0, 1]


def test_a_reader_must_fit_and_only_one(pcscd: PrivatePcscd) -> None:
    with pytest.raises(NoReaderError, match="hil virtual reader 1 00 00"):
        PcscTransport("^nothing like it$").connect(timeout_s=1)
    with pytest.raises(AmbiguousReaderError, match="Make the pattern fit one"):
        PcscTransport("virtual reader 2").connect(timeout_s=1)
    with pytest.raises(UsageError, match="regular expression"):
        PcscTransport("(")


def test_short_commands_never_reach_the_reader(card: Card, insert: Insert) -> None:
    scripted = insert()
    card.connect()
    for raw in (b"", b"\x00", b"\x02", b"\xff", b"\x00\xa4\x00"):
        with pytest.raises(UsageError):
            card.transport.transmit(raw, timeout_s=1)
    assert not scripted.commands


def test_another_reader_works_while_one_hangs(
    card: Card, insert: Insert, pcscd: PrivatePcscd, reader: int
) -> None:
    insert(None)
    card.connect()
    neighbour = (reader + 1) % MAX_READERS
    with ScriptedCard(pcscd.vpcd_ports[neighbour], lambda _: GOOD):
        second = Card(PcscTransport(pcscd.reader_patterns[neighbour]), timeout_s=5.0)
        second.connect()
        errors: list[Exception] = []

        def hang() -> None:
            try:
                card.send(ODD, timeout_s=1.0)
            except CardTimeoutError as err:
                errors.append(err)

        thread = threading.Thread(target=hang)
        thread.start()
        time.sleep(0.1)
        assert second.send(READ).data == b"hello"
        thread.join(5)
        assert len(errors) == 1
        second.disconnect()


KILLED = """
import os, signal, sys, threading, time
from hil.bench.pcscd import PrivatePcscd
from hil.equipment.card import Card, NoPcscServiceError
from hil.equipment.card.pcsc import PcscTransport
from hil.wire.apdu import CommandApdu
from tests.card.scripted_card import ScriptedCard

how = signal.Signals[sys.argv[1]]
silent = sys.argv[2] == "in a command"
read = CommandApdu(0, 0xB0, 0, 0, le=5)

def wait_ended(service):
    deadline = time.monotonic() + 10
    while not service.ended():
        assert time.monotonic() < deadline, "the service goes on"
        time.sleep(0.01)

with PrivatePcscd.start() as service:
    os.environ.update(service.environment)
    with ScriptedCard(service.vpcd_port, lambda _: None if silent else b"hello" + bytes((0x90, 0))):
        card = Card(PcscTransport(service.reader_patterns[0], interrupt=service.cut))
        card.connect()
        if silent:
            threading.Timer(0.3, os.kill, (service.pid, how)).start()
        else:
            assert card.send(read).data == b"hello"
            os.kill(service.pid, how)
            wait_ended(service)
        for _ in range(2):
            try:
                card.send(read, timeout_s=5)
            except Exception as err:
                print(type(err).__name__)
        wait_ended(service)
        try:
            card.connect(timeout_s=1)
        except NoPcscServiceError as err:
            print(err)
"""


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("when", ["between commands", "in a command"])
def test_a_service_that_ends_is_named(how: str, when: str) -> None:
    """In a process of its own: libpcsclite binds a process to one service."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, how, when],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # Which one depends on whether the reader or the service goes first.
    first = ("NoPcscServiceError", "TruncatedAnswerError", "CardRemovedError")
    assert lines[0] in first, done.stdout + done.stderr
    assert lines[1] in ("NoPcscServiceError", "CardRemovedError")
    assert "8010001D" in lines[2]


def test_no_service_at_all_is_named(tmp_path: Path) -> None:
    code = (
        "from hil.equipment.card.pcsc import PcscTransport\n"
        "from hil.equipment.card import NoPcscServiceError\n"
        "try:\n    PcscTransport('x').connect(timeout_s=1)\n"
        "except NoPcscServiceError as err:\n    print(err)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "the PC/SC service is not running (8010001D)" in done.stdout
