"""The card over its in-process and AT transports: deadlines, transactions, selection, errors."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from hil.equipment.card import (
    Card,
    CardRemovedError,
    CardTimeoutError,
    ProcedureError,
    StatusWordError,
    TruncatedAnswerError,
)
from hil.equipment.card.at import AtTransport
from hil.equipment.card.deadline import Abandon, Interrupt
from hil.equipment.card.inprocess import InProcessTransport, first_protocol
from hil.errors import UsageError
from hil.wire.apdu import CommandApdu
from tests.card.card_object import ScriptedObject
from tests.card.scripted_card import ATR_T0, ATR_T1

READ = CommandApdu(0x00, 0xB0, 0x00, 0x00, le=5)
GOOD = b"hello\x90\x00"


def card_with(script: ScriptedObject) -> Card:
    card = Card(InProcessTransport(script), timeout_s=5.0)
    card.connect()
    return card


def test_a_silent_object_ends_at_the_deadline_and_can_be_connected_again() -> None:
    release = threading.Event()
    calls = []

    def slow(_: bytes) -> bytes:
        calls.append(1)
        if len(calls) == 1:
            release.wait(10)
        return GOOD

    card = card_with(ScriptedObject(slow))
    begin = time.monotonic()
    with pytest.raises(CardTimeoutError, match=r"0\.1 s"):
        card.send(READ, timeout_s=0.1)
    assert time.monotonic() - begin < 1.0
    release.set()
    card.connect()
    assert card.send(READ).data == b"hello"
    card.disconnect()


@pytest.mark.parametrize("answer", [b"", b"\x90"])
def test_a_truncated_answer_is_an_error(answer: bytes) -> None:
    card = card_with(ScriptedObject(lambda _: answer))
    with pytest.raises(TruncatedAnswerError, match=f"{len(answer)} bytes"):
        card.send(READ)
    card.disconnect()


def test_an_object_that_breaks_off_is_a_removed_card() -> None:
    def broken(_: bytes) -> bytes:
        raise EOFError("power cut")

    card = card_with(ScriptedObject(broken))
    with pytest.raises(CardRemovedError, match="power cut"):
        card.send(READ)
    card.disconnect()


def test_an_error_in_the_object_is_not_swallowed() -> None:
    def broken(_: bytes) -> bytes:
        raise ZeroDivisionError

    card = card_with(ScriptedObject(broken))
    with pytest.raises(ZeroDivisionError):
        card.send(READ)
    card.disconnect()


def test_expect_names_command_and_status_word_but_not_the_data() -> None:
    card = card_with(ScriptedObject(lambda _: b"\x69\x82"))
    with pytest.raises(StatusWordError) as caught:
        card.expect(CommandApdu(0x00, 0x20, 0x00, 0x01, b"12345678"))
    assert "00200001 +8" in str(caught.value)
    assert "6982 security status not satisfied" in str(caught.value)
    assert "3132" not in str(caught.value)
    assert caught.value.sw == 0x6982
    assert card.expect(READ, 0x6982).sw == 0x6982
    card.disconnect()


def test_a_waiting_proactive_command_is_success() -> None:
    card = card_with(ScriptedObject(lambda _: b"\x91\x0b"))
    assert card.expect(READ).sw == 0x910B
    with pytest.raises(StatusWordError):
        card.expect(READ, 0x6985)
    card.disconnect()


def test_a_path_is_selected_step_by_step() -> None:
    script = ScriptedObject(lambda _: b"\x90\x00")
    card = card_with(script)
    card.select((0x3F00, 0x2FE2))
    card.select(0x2F00, channel=1)
    card.select(bytes.fromhex("A000000559"))
    assert [raw.hex() for raw in script.commands] == [
        "00a40004023f00",
        "00a40004022fe2",
        "01a40004022f00",
        "00a4040405a000000559",
    ]
    with pytest.raises(UsageError):
        card.select(())
    card.disconnect()


def test_a_long_file_is_read_in_blocks() -> None:
    content = bytes(range(256)) * 3

    def read(raw: bytes) -> bytes:
        offset = raw[2] << 8 | raw[3]
        return content[offset : offset + raw[4]] + b"\x90\x00"

    script = ScriptedObject(read)
    card = card_with(script)
    assert card.read_binary(700, 10) == content[10:710]
    assert [raw[4] for raw in script.commands] == [255, 255, 190]
    with pytest.raises(TruncatedAnswerError, match="ends after 768"):
        card.read_binary(800)
    card.disconnect()


def test_threads_never_get_each_others_answers() -> None:
    pending: list[bytes] = []

    def script(raw: bytes) -> bytes:
        if raw[1] == 0xC0:
            return pending.pop() + b"\x90\x00"
        pending.append(raw[5:])
        return bytes((0x61, raw[4]))

    card = card_with(ScriptedObject(script))
    wrong: list[bytes] = []

    def work(mark: int) -> None:
        data = bytes((mark,)) * 8
        for _ in range(50):
            answer = card.send(CommandApdu(0x80, 0xE2, 0, 0, data, 256))
            if answer.data != data:
                wrong.append(answer.data)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert not wrong
    card.disconnect()


def test_a_transaction_keeps_other_threads_out_and_nests() -> None:
    card = card_with(ScriptedObject(lambda _: GOOD))
    done = threading.Event()

    def intrude() -> None:
        card.send(READ)
        done.set()

    thread = threading.Thread(target=intrude)
    with card.transaction(), card.transaction():
        thread.start()
        assert not done.wait(0.1)
    assert done.wait(5)
    thread.join(5)
    card.disconnect()


def test_a_transaction_connects_by_itself() -> None:
    script = ScriptedObject(lambda _: GOOD)
    card = Card(InProcessTransport(script))
    with card.transaction():
        assert card.send(READ).data == b"hello"
    assert script.power == ["on"]
    assert card.atr == ATR_T0
    card.disconnect()


def test_reset_is_off_and_on() -> None:
    script = ScriptedObject(lambda _: GOOD)
    card = card_with(script)
    assert card.reset() == ATR_T0
    assert script.power == ["on", "off", "on"]
    card.disconnect()


@pytest.mark.parametrize(
    ("atr", "protocol"),
    [
        (ATR_T0.hex(), "T=0"),
        (ATR_T1.hex(), "T=1"),
        ("3b00", "T=0"),
        ("3b8001814f", "T=1"),
        ("3bf0110000811f", "T=1"),
    ],
)
def test_the_atr_names_the_protocol(atr: str, protocol: str) -> None:
    assert first_protocol(bytes.fromhex(atr)) == protocol


@pytest.mark.parametrize("atr", ["", "3b", "3b80", "3bf01100"])
def test_a_cut_atr_is_an_error(atr: str) -> None:
    with pytest.raises(ProcedureError, match="ATR"):
        first_protocol(bytes.fromhex(atr))


class Modem:
    """A device that passes APDUs to a card."""

    def __init__(self) -> None:
        self.card = ScriptedObject(
            lambda raw: b"\x61\x02" if raw[1] == 0xA4 else b"\x62\x00\x90\x00"
        )

    def csim(self, apdu: bytes) -> bytes:
        return self.card.transmit(apdu)


def test_the_card_in_a_device_is_a_card() -> None:
    modem = Modem()
    card = Card(AtTransport(modem))
    assert card.connect() == b""
    assert card.select(0x3F00).data == b"\x62\x00"
    assert [raw.hex() for raw in modem.card.commands] == ["00a40004023f00", "00c0000002"]
    with pytest.raises(UsageError, match="restart the device"):
        card.reset()
    card.disconnect()


def test_a_device_that_can_restart_its_card_does() -> None:
    restarted: list[bool] = []
    card = Card(AtTransport(Modem(), restart=lambda: restarted.append(True)))
    card.reset()
    assert restarted == [True]


def test_interrupt_fires_once_at_the_deadline_and_not_before() -> None:
    cut = threading.Event()
    fired: list[float] = []

    def interrupt() -> None:
        fired.append(time.monotonic())
        cut.set()

    deadline = Interrupt("the card", interrupt)
    assert deadline.call(lambda: 7, timeout_s=0.1) == 7
    begin = time.monotonic()
    with pytest.raises(CardTimeoutError):
        deadline.call(cut.wait, 10, timeout_s=0.2)
    assert 0.2 <= fired[0] - begin < 0.4
    time.sleep(0.3)
    assert len(fired) == 1
    assert deadline.call(lambda: 8, timeout_s=0.1) == 8
    deadline.close()


def test_a_late_call_cleans_up_after_itself_once() -> None:
    release, cleaned = threading.Event(), threading.Event()
    abandon = Abandon("the card", late=lambda: cleaned.set)
    with pytest.raises(CardTimeoutError):
        abandon.call(release.wait, 10, timeout_s=0.05)
    assert not cleaned.is_set()
    assert abandon.call(lambda: 5, timeout_s=5) == 5
    release.set()
    assert cleaned.wait(5)
    abandon.close()


def test_helper_threads_end() -> None:
    before = set(threading.enumerate())
    abandon = Abandon("the card")
    abandon.call(lambda: None, timeout_s=5)
    interrupt = Interrupt("the card", lambda: None)
    interrupt.call(lambda: None, timeout_s=5)
    started = set(threading.enumerate()) - before
    assert {one.name for one in started} == {"card-call", "card-deadline"}
    abandon.close()
    interrupt.close()
    for one in started:
        one.join(5)
        assert not one.is_alive()


def test_the_layer_is_light_until_it_is_used() -> None:
    code = (
        "import sys, hil.equipment.card, hil.equipment.card.pcsc, hil.bench.pcscd\n"
        "print([m for m in ('smartcard', 'cryptography', 'serial') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"
