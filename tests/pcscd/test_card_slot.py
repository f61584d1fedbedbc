"""The slot between a virtual card and vpcd: whole frames only, and a card that can be taken out."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from hil.bench import vpcd_relay
from hil.bench.vpcd_relay import CardSlot
from tests.pcscd.test_guardian import wait_until

TIMEOUT_S = 5.0


class Bench:
    """A slot with a reader side that we play ourselves."""

    def __init__(self) -> None:
        self.vpcd = socket.create_server(("127.0.0.1", 0))
        self.vpcd.settimeout(TIMEOUT_S)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.slot = CardSlot(self.listener)
        self.sockets: list[socket.socket] = []
        address = ("127.0.0.1", self.vpcd.getsockname()[1])
        self.thread = threading.Thread(target=self.slot.serve, args=(address,), daemon=True)
        self.thread.start()

    def insert(self) -> tuple[socket.socket, socket.socket]:
        """Return the reader's and the card's end."""
        card = socket.create_connection(("127.0.0.1", self.slot.port), timeout=TIMEOUT_S)
        reader, _ = self.vpcd.accept()
        reader.settimeout(TIMEOUT_S)
        self.sockets += [card, reader]
        return reader, card

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in (self.listener, self.vpcd, *self.sockets):
            one.close()
        self.thread.join(TIMEOUT_S)
        assert not self.thread.is_alive()


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench()
    yield one
    one.close()


def frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(2, "big") + payload


def receive(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError(data)
        data += part
    return data


def exchange(reader: socket.socket, card: socket.socket, command: bytes, answer: bytes) -> bytes:
    reader.sendall(frame(command))
    assert receive(card, 2 + len(command)) == frame(command)
    card.sendall(frame(answer))
    return receive(reader, 2 + len(answer))[2:]


def assert_closed(sock: socket.socket) -> None:
    try:
        assert sock.recv(100) == b""
    except ConnectionResetError:
        return


def test_frames_go_both_ways_up_to_the_longest(bench: Bench) -> None:
    reader, card = bench.insert()
    assert exchange(reader, card, b"\x00\xa4\x00\x04", b"\x90\x00") == b"\x90\x00"
    long = bytes(range(256)) * 255 + bytes(255)
    assert len(long) == 65_535
    assert exchange(reader, card, b"\x00\xb0\x00\x00", long) == long


def test_power_codes_pass_and_need_no_answer(bench: Bench) -> None:
    reader, card = bench.insert()
    reader.sendall(frame(b"\x01") + frame(b"\x04"))
    assert receive(card, 6) == frame(b"\x01") + frame(b"\x04")
    card.sendall(frame(b"\x3b\x00"))
    assert receive(reader, 4) == frame(b"\x3b\x00")


def test_a_frame_in_crumbs_arrives_whole(bench: Bench) -> None:
    reader, card = bench.insert()
    for byte in frame(b"\x00\xb0\x00\x00\x05"):
        reader.sendall(bytes((byte,)))
        time.sleep(0.002)
    assert receive(card, 7) == frame(b"\x00\xb0\x00\x00\x05")


def test_a_card_that_dies_in_its_answer_sends_nothing_on(bench: Bench) -> None:
    reader, card = bench.insert()
    reader.sendall(frame(b"\x00\xb0\x00\x00"))
    receive(card, 6)
    card.sendall(b"\x00\x0aabc")
    card.close()
    assert_closed(reader)


def test_a_card_that_dies_in_a_length_field_sends_nothing_on(bench: Bench) -> None:
    reader, card = bench.insert()
    reader.sendall(frame(b"\x00\xb0\x00\x00"))
    receive(card, 6)
    card.sendall(b"\x00")
    card.close()
    assert_closed(reader)


@pytest.mark.parametrize(
    "answer", [frame(b""), frame(b"\x90\x00") + frame(b"\x90\x00")], ids=["empty", "doubled"]
)
def test_an_answer_that_breaks_the_protocol_ends_the_card(bench: Bench, answer: bytes) -> None:
    reader, card = bench.insert()
    reader.sendall(frame(b"\x00\xb0\x00\x00"))
    receive(card, 6)
    card.sendall(answer)
    assert_closed(card)


def test_an_answer_nobody_asked_for_ends_the_card(bench: Bench) -> None:
    _, card = bench.insert()
    card.sendall(frame(b"\x90\x00"))
    assert_closed(card)


def test_cut_ends_a_command_in_flight_and_the_next_card_may_come(bench: Bench) -> None:
    bench.slot.cut()
    reader, card = bench.insert()
    reader.sendall(frame(b"\x00\xb0\x00\x00"))
    receive(card, 6)
    bench.slot.cut()
    assert_closed(reader)
    assert_closed(card)
    reader, card = bench.insert()
    assert exchange(reader, card, b"\x00\xb0\x00\x00", b"\x90\x00") == b"\x90\x00"


def test_the_second_card_waits_until_the_first_is_out(bench: Bench) -> None:
    reader, first = bench.insert()
    with socket.create_connection(("127.0.0.1", bench.slot.port), timeout=TIMEOUT_S) as second:
        assert exchange(reader, first, b"\x00\xb0\x00\x00", b"\x90\x01") == b"\x90\x01"
        first.close()
        assert_closed(reader)
        reader, _ = bench.vpcd.accept()
        reader.settimeout(TIMEOUT_S)
        bench.sockets.append(reader)
        assert exchange(reader, second, b"\x00\xb0\x00\x00", b"\x90\x02") == b"\x90\x02"


def test_the_reader_side_leaving_lets_the_card_go(bench: Bench) -> None:
    reader, card = bench.insert()
    reader.close()
    assert_closed(card)
    assert wait_until(bench.thread.is_alive)


def test_a_slow_acknowledger_costs_no_40_ms(bench: Bench) -> None:
    """Vpcd sends length and payload apart: with delayed acknowledgements that stalls (Nagle)."""
    reader, card = bench.insert()
    slowest = 0.0
    for _ in range(30):
        begin = time.perf_counter()
        reader.sendall(b"\x00\x05")
        reader.sendall(b"\x00\xb0\x00\x00\x05")
        receive(card, 7)
        card.sendall(frame(b"\x90\x00"))
        receive(reader, 4)
        slowest = max(slowest, time.perf_counter() - begin)
    assert slowest < 0.035, f"slowest exchange took {slowest * 1000:.1f} ms"


@pytest.mark.parametrize("payload", [b"\xff", b"\x03", b"\x05"])
def test_a_command_of_one_byte_has_an_answer(bench: Bench, payload: bytes) -> None:
    reader, card = bench.insert()
    assert exchange(reader, card, payload, b"\x67\x00") == b"\x67\x00"
    assert exchange(reader, card, b"\x00\xb0\x00\x00", b"\x90\x00") == b"\x90\x00"


@pytest.mark.parametrize("payload", [b"\x00", b"\x01", b"\x02"])
def test_a_command_that_looks_like_power_does_not_block_the_reader(
    bench: Bench, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd_relay, "_SILENCE_MS", 100)
    reader, card = bench.insert()
    reader.sendall(frame(payload))
    assert_closed(reader)
    assert receive(card, 3) == frame(payload)
    assert_closed(card)


def test_power_and_a_poll_later_is_no_command(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vpcd_relay, "_SILENCE_MS", 500)
    reader, card = bench.insert()
    reader.sendall(frame(b"\x00"))
    assert receive(card, 3) == frame(b"\x00")
    assert exchange(reader, card, b"\x04", b"\x3b\x00") == b"\x3b\x00"
    time.sleep(0.6)  # nothing is due now: a reader may be silent
    assert exchange(reader, card, b"\x04", b"\x3b\x00") == b"\x3b\x00"
