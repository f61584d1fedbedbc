"""Channels for the card: TCP links of the device, as TS 102 223 has them, and what is refused."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import open_card
from hil.virtual.euicc.contacts import Contacts
from hil.wire import bip, cat, toolkit_events
from hil.wire.admin_session import PskIdentity
from hil.wire.bip import BipError, OpenChannel
from hil.wire.cat_values import Result
from hil.wire.command_script import ResponseScript
from hil.wire.identifiers import ISD_R_AID, tar_of
from hil.wire.isdr_commands import create_isdp
from hil.wire.scp80 import wrap_command
from hil.wire.scp80_parameters import SecurityParameters
from hil.wire.sms import Address, SmsDeliver, split
from tests.euicc.admin_server import Answer, Server, commands
from tests.virtual_device.air import Air
from tests.virtual_device.conftest import AID, BASE_KEYS, EID, Workbench, command_mode, key_fields
from tests.virtual_device.test_over_the_air import OTA
from tests.virtual_device.wishing_card import Wish, WishingCard

PSK = bytes(range(16))
IDENTITY = PskIdentity(EID, ISD_R_AID, 0x40).encode()
BARE_REQUEST = b"\x81\x00"
EVENTS = bip.set_up_event_list(1, (9, 10))
LOOPBACK = bytes((127, 0, 0, 1))


@pytest.fixture
def far() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


@pytest.fixture
def wishing() -> Iterator[WishingCard]:
    card = WishingCard(EID)
    yield card
    card.close()


def opened(far: socket.socket, **changes: object) -> bytes:
    port: int = far.getsockname()[1]
    return OpenChannel(**({"address": LOOPBACK, "port": port} | changes)).encode(2)  # type: ignore[arg-type]


def result(wish: Wish) -> tuple[int, bytes]:
    answer = wish.answer(timeout_s=60)
    return answer.result, answer.additional


def test_bytes_go_both_ways_and_events_tell_of_them(
    workbench: Workbench, wishing: WishingCard, far: socket.socket
) -> None:
    workbench.start(esim=wishing.esim, poll_s=0.05)
    wishing.wish(EVENTS)
    answer = wishing.wish(opened(far)).answer(timeout_s=60)
    assert answer.encode().data.hex().startswith("81030240018202828183010038028100")
    link, _ = far.accept()
    link.settimeout(60)
    assert result(wishing.wish(bip.send_data(3, 1, b"hello"))) == (Result.DONE, b"")
    assert link.recv(100) == b"hello"
    link.sendall(b"x" * 600)
    event = toolkit_events.parse_event(wishing.envelope(timeout_s=60))
    assert (event.kind, event.available) == (9, 255)
    got = wishing.wish(bip.receive_data(4, 1, 237)).answer(timeout_s=60)
    assert (bip.data_of(got.objects), bip.length_of(got.objects)) == (b"x" * 237, 255)
    wishing.wish(bip.receive_data(5, 1, 237)).answer(timeout_s=60)
    got = wishing.wish(bip.receive_data(6, 1, 237)).answer(timeout_s=60)
    assert (len(bip.data_of(got.objects)), bip.length_of(got.objects)) == (126, 0)
    status = wishing.wish(bip.get_channel_status(7)).answer(timeout_s=60)
    assert bip.status_of(status.objects).established
    assert result(wishing.wish(bip.close_channel(8, 1))) == (Result.DONE, b"")
    assert link.recv(100) == b""
    link.close()


def test_a_dropped_link_is_reported_after_its_last_bytes_are_fetched(
    workbench: Workbench, wishing: WishingCard, far: socket.socket
) -> None:
    workbench.start(esim=wishing.esim, poll_s=0.05)
    wishing.wish(EVENTS)
    wishing.wish(opened(far)).answer(timeout_s=60)
    link, _ = far.accept()
    link.sendall(b"last words")
    link.close()
    event = toolkit_events.parse_event(wishing.envelope(timeout_s=60))
    assert event.kind == 9
    got = wishing.wish(bip.receive_data(3, 1, 200)).answer(timeout_s=60)
    assert bip.data_of(got.objects) == b"last words"
    event = toolkit_events.parse_event(wishing.envelope(timeout_s=60))
    assert event.status is not None
    assert (event.kind, event.status.established, event.status.information) == (10, False, 5)
    closed = (Result.BIP_ERROR, bytes((BipError.CHANNEL_CLOSED,)))
    assert result(wishing.wish(bip.receive_data(4, 1, 10))) == closed
    assert result(wishing.wish(bip.send_data(5, 1, b"x"))) == closed


def test_a_silent_link_drops(
    workbench: Workbench, wishing: WishingCard, far: socket.socket
) -> None:
    workbench.start(esim=wishing.esim, poll_s=0.05, channels={"idle_s": 0.1})
    wishing.wish(EVENTS)
    wishing.wish(opened(far)).answer(timeout_s=60)
    event = toolkit_events.parse_event(wishing.envelope(timeout_s=60))
    assert event.kind == 10


def test_a_small_buffer_holds_the_sender_back(
    workbench: Workbench, wishing: WishingCard, far: socket.socket
) -> None:
    workbench.start(esim=wishing.esim, poll_s=0.05, channels={"buffer": 100})
    answer = wishing.wish(opened(far)).answer(timeout_s=60)
    assert answer.result == Result.DONE_MODIFIED
    assert cat.find_object(answer.objects, bip.BUFFER_SIZE) == b"\x00\x64"
    link, _ = far.accept()
    whole = bytes(range(256)) * 4
    link.sendall(whole)
    found = b""
    deadline = time.monotonic() + 60
    while len(found) < len(whole) and time.monotonic() < deadline:
        got = wishing.wish(bip.receive_data(3, 1, 200)).answer(timeout_s=60)
        assert len(bip.data_of(got.objects)) <= 100
        found += bip.data_of(got.objects)
    assert found == whole
    link.close()


def test_what_cannot_be_done_has_its_result(
    workbench: Workbench, wishing: WishingCard, far: socket.socket
) -> None:
    device = workbench.start(esim=wishing.esim, poll_s=0.05, channels={"channels": 1})
    error = Result.BIP_ERROR
    assert result(wishing.wish(opened(far, address=bytes((10, 0, 0, 1))))) == (error, b"\x05")
    assert device.status().last_error.endswith("not in the allow list")
    assert result(wishing.wish(opened(far, protocol=1))) == (error, b"\x06")
    assert result(wishing.wish(opened(far, address=None))) == (Result.VALUES_MISSING, b"")
    assert result(wishing.wish(bip.send_data(3, 1, b"x"))) == (error, b"\x03")
    assert result(wishing.wish(bip.receive_data(3, 7, 1))) == (error, b"\x03")
    with socket.create_server(("127.0.0.1", 0)) as other:
        closed = other.getsockname()[1]
    assert result(wishing.wish(opened(far, port=closed))) == (error, b"\x07")
    assert result(wishing.wish(opened(far))) == (Result.DONE, b"")
    assert result(wishing.wish(opened(far))) == (error, b"\x01")
    assert result(wishing.wish(bip.set_up_event_list(4, (3,)))) == (
        Result.BEYOND_CAPABILITIES,
        b"",
    )


@pytest.mark.parametrize("mode", ["first", "test"])
def test_only_second_mode_lets_the_card_out(
    workbench: Workbench, wishing: WishingCard, far: socket.socket, mode: str
) -> None:
    device = workbench.start(esim=wishing.esim, poll_s=0.05)
    assert result(wishing.wish(opened(far))) == (Result.DONE, b"")
    command_mode(device, mode)
    closed = (Result.BIP_ERROR, bytes((BipError.CHANNEL_CLOSED,)))
    assert result(wishing.wish(bip.send_data(3, 1, b"x"))) == closed
    assert result(wishing.wish(opened(far))) == (Result.TERMINAL_BUSY, b"\x00")
    assert device.status().last_error == "channel of the eSIM refused: not in second mode"


def test_a_timer_runs_out_and_can_be_read_and_stopped(
    workbench: Workbench, wishing: WishingCard
) -> None:
    workbench.start(esim=wishing.esim, poll_s=0.05)
    assert result(wishing.wish(bip.start_timer(1, 1, 1)))[0] == Result.DONE
    assert toolkit_events.parse_timer(wishing.envelope(timeout_s=60)) == 1
    read = bytearray(bip.start_timer(2, 3, 50))
    read[read.index(b"\x27") + 1] = 0x02
    assert result(wishing.wish(bytes(read))) == (Result.CONTRADICTS_TIMER, b"")
    wishing.wish(bip.start_timer(3, 3, 50)).answer(timeout_s=60)
    answer = wishing.wish(bytes(read)).answer(timeout_s=60)
    assert cat.find_object(answer.objects, bip.TIMER_VALUE) in (b"\x00\x00\x05", b"\x00\x00\x94")


# --- the whole way: short message, card, device, server ---


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({IDENTITY: PSK}) as running:
        yield running


@pytest.fixture
def esim(tmp_path: Path, server: Server) -> Iterator[str]:
    scp80 = {"kvn": 1, "kic": OTA.kic.hex(), "kid": OTA.kid.hex(), "dek": "60" * 16, "counter": 0}
    scp81 = {"psk": PSK.hex(), "address": "127.0.0.1", "port": server.port, "retry_delay_s": 1}
    card = open_card(
        tmp_path / "card",
        {
            "eid": EID,
            "isd_r": {"scp80": [scp80], "scp03": [], "scp81": scp81},
            "isd_p_base": key_fields(BASE_KEYS),
        },
    )
    contacts = Contacts(card)
    host, port = contacts.serve("127.0.0.1", 0)
    yield f"socket:{host}:{port}"
    contacts.close()
    card.close()


@pytest.fixture
def air() -> Iterator[Air]:
    air = Air()
    yield air
    air.close()


def trigger(counter: int) -> bytes:
    parameters = SecurityParameters(bytes.fromhex("1600"), tar_of(ISD_R_AID))
    (user_data,) = split(wrap_command(BARE_REQUEST, counter, parameters, OTA))
    return SmsDeliver(Address("12345678"), user_data).encode()


def wait_until_done(server: Server) -> None:
    deadline = time.monotonic() + 60
    while not server.done and time.monotonic() < deadline:
        time.sleep(0.005)
    assert server.done, [post.uri for post in server.posts]


def test_a_session_goes_from_the_card_through_the_device_to_the_server(
    workbench: Workbench, air: Air, esim: str, server: Server
) -> None:
    server.answers = [Answer(commands(create_isdp(AID, 1000)))]
    workbench.start(esim=esim, radio=air.address)
    air.attach()
    assert air.deliver(trigger(1))["ok"] is True
    wait_until_done(server)
    assert ResponseScript.decode(server.results[0]).answers[0].sw == 0x9000


def test_a_session_goes_on_after_the_device_lost_its_power(
    workbench: Workbench, air: Air, esim: str, server: Server
) -> None:
    server.answers = [Answer(commands(create_isdp(AID, 1000)))] * 2
    server.hold_step = 1
    workbench.start(esim=esim, radio=air.address)
    air.attach()
    air.deliver(trigger(1))
    deadline = time.monotonic() + 60
    while len(server.posts) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    server.hold_step = None
    workbench.restart(esim=esim)
    wait_until_done(server)
    # The first script ran once before: the second one finds what it made.
    sws = [ResponseScript.decode(body).answers[0].sw for body in server.results]
    assert sws == [0x9000, 0x6985]
    assert [post.uri for post in server.posts if post.get("x-admin-resume")] == ["/step/1"]


def test_first_mode_keeps_the_card_from_its_server(
    workbench: Workbench, air: Air, esim: str, server: Server
) -> None:
    device = workbench.start(esim=esim, radio=air.address)
    air.attach()
    assert air.deliver(trigger(1))["ok"] is True
    wait_until_done(server)
    command_mode(device, "first")
    assert air.deliver(trigger(2))["ok"] is False
    assert len(server.posts) == 1
