from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.contacts import GET_ATR, POWER_OFF, POWER_ON, RESET, Contacts, receive
from tests.euicc.terminal import factory

SELECT_MF = bytes.fromhex("00A4000C023F00")
OPEN_CHANNEL = bytes.fromhex("0070000001")
CLOSE_CHANNEL = bytes.fromhex("0070800100")


class Peer:
    """The other end of the contacts: vpcd's half of the protocol."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, payload: bytes) -> None:
        self.connection.sendall(len(payload).to_bytes(2, "big") + payload)

    def ask(self, payload: bytes) -> bytes:
        self.say(payload)
        return receive(self.connection)

    def control(self, code: int) -> None:
        self.say(bytes((code,)))

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def contacts(card: VirtualCard) -> Iterator[Contacts]:
    contacts = Contacts(card)
    yield contacts
    contacts.close()


@contextlib.contextmanager
def connected(address: tuple[str, int]) -> Iterator[Peer]:
    peer = Peer(socket.create_connection(address, timeout=5))
    try:
        yield peer
    finally:
        peer.close()


@pytest.fixture
def served(contacts: Contacts) -> tuple[str, int]:
    return contacts.serve("127.0.0.1", 0)


def test_atr_is_given_while_the_card_is_off(served: tuple[str, int], card: VirtualCard) -> None:
    card.power_off()
    with connected(served) as peer:
        assert peer.ask(bytes((GET_ATR,))) == card.atr
        assert not card.powered


def test_power_and_reset(served: tuple[str, int]) -> None:
    with connected(served) as peer:
        peer.control(POWER_ON)
        assert peer.ask(OPEN_CHANNEL).hex() == "019000"
        peer.control(RESET)
        assert peer.ask(OPEN_CHANNEL).hex() == "019000"
        peer.control(POWER_ON)
        assert peer.ask(OPEN_CHANNEL).hex() == "029000"
        peer.control(POWER_OFF)
        peer.control(POWER_ON)
        assert peer.ask(OPEN_CHANNEL).hex() == "019000"


def test_apdus_without_power_on_are_answered(served: tuple[str, int], card: VirtualCard) -> None:
    card.power_off()
    with connected(served) as peer:
        assert peer.ask(SELECT_MF).hex() == "9000"


@pytest.mark.parametrize("apdu", ["", "03", "FF", "00A4", "00A400"])
def test_short_apdus_get_6700(served: tuple[str, int], apdu: str) -> None:
    with connected(served) as peer:
        assert peer.ask(bytes.fromhex(apdu)).hex() == "6700"


def test_a_closed_connection_leaves_the_card_powered(served: tuple[str, int]) -> None:
    with connected(served) as peer:
        assert peer.ask(OPEN_CHANNEL).hex() == "019000"
    with connected(served) as peer:
        assert peer.ask(OPEN_CHANNEL).hex() == "029000"


def test_one_connection_holds_the_card(served: tuple[str, int]) -> None:
    with connected(served) as first:
        assert first.ask(SELECT_MF).hex() == "9000"
        with connected(served) as second:
            second.say(SELECT_MF)
            second.connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                second.connection.recv(1)
            assert first.ask(SELECT_MF).hex() == "9000"
            first.close()
            second.connection.settimeout(5)
            assert receive(second.connection).hex() == "9000"


def test_half_a_message_and_then_nothing(served: tuple[str, int]) -> None:
    with connected(served) as peer:
        peer.connection.sendall(b"\x00")
    with connected(served) as peer:
        peer.connection.sendall(b"\x00\x07\x00\xa4")
    with connected(served) as peer:
        assert peer.ask(SELECT_MF).hex() == "9000"


class Reader:
    """A vpcd that listens, as in its normal mode; sends length and payload apart, as vpcd 3.3."""

    def __init__(self, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port))
        self.listener.settimeout(5)
        self.address: tuple[str, int] = self.listener.getsockname()[:2]

    def card(self) -> Peer:
        connection, _ = self.listener.accept()
        return Peer(connection)

    def close(self) -> None:
        self.listener.close()


def test_the_card_comes_to_the_reader_and_comes_back(contacts: Contacts) -> None:
    reader = Reader()
    seated = threading.Semaphore(0)
    contacts.insert(*reader.address, connected=seated.release)
    for _ in range(3):
        peer = reader.card()
        assert seated.acquire(timeout=5)
        assert peer.ask(SELECT_MF).hex() == "9000"
        peer.close()
    reader.close()
    # The reader is gone for a while, then back on its port.
    later = Reader(reader.address[1])
    peer = later.card()
    assert peer.ask(SELECT_MF).hex() == "9000"
    peer.close()
    later.close()


def test_no_stall_when_length_and_payload_come_apart(contacts: Contacts) -> None:
    """With Nagle at the reader's end, an unacknowledged length holds the payload back 40 ms."""
    reader = Reader()
    contacts.insert(*reader.address, connected=lambda: None)
    peer = reader.card()
    peer.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        peer.connection.sendall(len(SELECT_MF).to_bytes(2, "big"))
        peer.connection.sendall(SELECT_MF)
        assert receive(peer.connection).hex() == "9000"
        times.append(time.perf_counter() - start)
    peer.close()
    reader.close()
    assert sorted(times)[len(times) // 2] < 0.02


def test_the_answer_goes_out_in_one_piece(
    served: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = []
    send = socket.socket.sendall

    def sendall(self: socket.socket, data: bytes) -> None:
        if threading.current_thread() is not threading.main_thread():
            pieces.append(len(data))
        send(self, data)

    monkeypatch.setattr(socket.socket, "sendall", sendall)
    with connected(served) as peer:
        assert peer.ask(SELECT_MF).hex() == "9000"
        assert len(peer.ask(bytes((GET_ATR,)))) == 22
    assert pieces == [2 + 2, 2 + 22]


def test_close_ends_everything_though_somebody_is_connected(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory())
    contacts = Contacts(card)
    address = contacts.serve("127.0.0.1", 0)
    with connected(address) as peer:
        assert peer.ask(SELECT_MF).hex() == "9000"
        start = time.monotonic()
        contacts.close()
        contacts.close()
        assert time.monotonic() - start < 3
        with contextlib.suppress(OSError):
            assert peer.connection.recv(1) == b""
    card.close()


def test_a_card_at_a_loss_says_6f00_and_goes_on(
    served: tuple[str, int], card: VirtualCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: bytes) -> bytes:
        raise RuntimeError("a defect")

    with connected(served) as peer:
        with monkeypatch.context() as patch:
            patch.setattr(card, "transmit", broken)
            assert peer.ask(SELECT_MF).hex() == "6f00"
        assert peer.ask(SELECT_MF).hex() == "9000"


def test_it_says_once_that_there_is_no_reader_and_goes_in_when_there_is(
    card: VirtualCard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hil.virtual.euicc.contacts._PATIENCE_S", 0.1)
    with socket.socket() as reader, contextlib.closing(Contacts(card)) as contacts:
        reader.bind(("127.0.0.1", 0))
        seated = threading.Event()
        contacts.insert(*reader.getsockname(), connected=seated.set)
        deadline = time.monotonic() + 5
        while "no vpcd reader at 127.0.0.1" not in caplog.text:
            assert time.monotonic() < deadline, "nothing was said"
            time.sleep(0.02)
        assert not seated.wait(0.3)
        reader.listen()
        assert seated.wait(5)
    assert caplog.text.count("no vpcd reader") == 1
