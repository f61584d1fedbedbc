"""SCP81 at the card: HTTP administration sessions, with OpenSSL and h11 at the other end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.factory import read_factory
from hil.wire import admin_http, isdr_commands, scp80, sms, terminal_profile, tlv
from hil.wire.admin_session import AdminRequest, PskIdentity, RetryPolicy
from hil.wire.apdu import CommandApdu
from hil.wire.bip import OpenChannel
from hil.wire.cat_values import CommandType
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.identifiers import ISD_R_AID, ISD_R_TAR, isd_p_aid
from hil.wire.scp80 import ResponseStatus, SecurityParameters
from tests.euicc.admin_server import Answer, Hung, Server, commands
from tests.euicc.admin_terminal import AdminTerminal
from tests.euicc.terminal import EID, OTA_KEYS, Terminal, factory, messages, packets_for
from tests.wire import openssl

PSK = bytes(range(0xA0, 0xB0))
IDENTITY = PskIdentity(EID, ISD_R_AID, 0x40).encode()
AID = isd_p_aid(0x11)
QUIET = bytes.fromhex("1600")
"""SPI: checksum, ciphered, counter higher; no proof of receipt."""
SUITES = {"gcm": "PSK-AES128-GCM-SHA256", "cbc": "PSK-AES128-CBC-SHA256"}


def with_scp81(port: int, **changes: object) -> dict[str, object]:
    scp81 = {
        "kvn": 0x40,
        "psk": PSK.hex(),
        "address": "127.0.0.1",
        "port": port,
        "host": "sm-sr.test",
        "uri": "/admin",
        "retries": 2,
        "retry_delay_s": 0,
        **changes,
    }
    plain = factory()
    isd_r = plain["isd_r"]
    assert isinstance(isd_r, dict)
    return plain | {"isd_r": isd_r | {"scp81": scp81}}


class Bench:
    """A card that can lose its power, in a terminal that opens channels."""

    def __init__(self, folder: Path, made: dict[str, object]) -> None:
        self.folder = folder
        self.made = made
        self.counter = 0
        self.card: VirtualCard
        self.terminal: AdminTerminal
        self.power_on()

    def power_on(self) -> None:
        self.card = open_card(self.folder, self.made)
        self.card.power_on()
        self.terminal = AdminTerminal(Terminal(self.card))

    def lose_power(self) -> None:
        self.terminal.close()
        self.card.close()

    def trigger(self, data: bytes = b"\x81\x00", *, spi: bytes = QUIET) -> None:
        self.counter += 1
        for tpdu in messages(data, self.counter, spi=spi):
            self.terminal.serve(self.terminal.terminal.envelope(tpdu).sw)

    def end(self) -> None:
        self.terminal.close()
        self.card.close()


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    benches = []

    def make(port: int, *, greet: bool = True, **changes: object) -> Bench:
        bench = Bench(tmp_path / "nvm", with_scp81(port, **changes))
        benches.append(bench)
        if greet:
            bench.terminal.greet()
        return bench

    yield make
    for bench in benches:
        bench.end()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({IDENTITY: PSK}) as running:
        yield running


# --- against OpenSSL ---


@pytest.mark.parametrize("suite", SUITES)
def test_openssl_gives_the_card_a_script_and_gets_its_response(
    make_bench: MakeBench, suite: str
) -> None:
    script = CommandScript.of([isdr_commands.get_status()], indefinite=True).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nX-Admin-Protocol: {admin_http.PROTOCOL}\r\n"
        f"X-Admin-Next-URI: /admin?step=1\r\nContent-Type: {admin_http.COMMANDS}\r\n"
        f"Content-Length: {len(script)}\r\n\r\n"
    )
    with openssl.server(PSK, "-cipher", SUITES[suite], identity=IDENTITY.decode()) as (port, peer):
        bench = make_bench(port)
        bench.trigger()
        feeder = threading.Thread(target=converse, args=(peer, head.encode() + script))
        feeder.start()
        bench.terminal.run()
        feeder.join(openssl.DEADLINE_S)
        text = bytes(peer.output)
    assert b"POST /admin HTTP/1.1\r\nHost: sm-sr.test\r\n" in text
    assert f"X-Admin-From: //se-id/eid/{EID};//aa-id/aid/A000000559/".encode() in text
    assert b"POST /admin?step=1 HTTP/1.1" in text
    assert b"X-Admin-Script-Status: ok" in text
    assert f"CIPHER is {SUITES[suite]}".encode() in text
    # No ISD-P there: 6A88, in the indefinite form in which the command came.
    assert b"8\r\n" + bytes.fromhex("af8023026a880000") + b"\r\n0\r\n\r\n" in text


def converse(peer: openssl.OpensslProcess, answer: bytes) -> None:
    peer.wait_for(b"Content-Length: 0\r\n\r\n")
    peer.say(answer)
    peer.wait_for(b"\r\n0\r\n\r\n")
    peer.say(b"HTTP/1.1 204 No Content\r\n\r\n")


def test_openssl_with_another_key_is_left(make_bench: MakeBench) -> None:
    with openssl.server(bytes(16), identity=IDENTITY.decode()) as (port, peer):
        bench = make_bench(port, retries=0)
        bench.trigger()
        bench.terminal.run()
        peer.wait_for(b"bad record mac")
    assert CommandType.CLOSE_CHANNEL in bench.terminal.performed


# --- against a server of h11 and our TLS ---


def test_scripts_go_to_the_isd_r_and_to_isd_ps_and_the_profile_is_enabled_after_the_session(
    make_bench: MakeBench, server: Server, package: bytes
) -> None:
    packets = packets_for(AID, package)
    server.answers = [
        Answer(commands(isdr_commands.create_isdp(AID, 100_000))),
        Answer(tlv.encode(0xAA, b"".join(one.command for one in packets)), target=AID),
        Answer(commands(isdr_commands.enable_profile(AID))),
    ]  # fmt: skip
    bench = make_bench(server.port)
    bench.trigger()
    bench.terminal.run()
    first, *others = server.posts
    assert (first.uri, first.body, first.get("x-admin-script-status")) == ("/admin", b"", None)
    assert [post.uri for post in others] == ["/step/1", "/step/2", "/step/3"]
    scripts = [ResponseScript.decode(post.body) for post in others]
    assert scripts[0].answers[0].sw == 0x9000
    assert b"".join(one.encode() for one in scripts[1].items) == b"".join(
        one.expected or b"" for one in packets
    )
    assert scripts[2].answers[0].sw == 0x9000
    # REFRESH comes once the session is over, and not within it.
    kinds = bench.terminal.performed
    assert kinds.index(CommandType.REFRESH) > kinds.index(CommandType.CLOSE_CHANNEL)
    bench.card.reset()
    assert bench.terminal.terminal.states() == {AID: 0x3F}


def test_an_unknown_application_is_named_and_nothing_runs(
    make_bench: MakeBench, server: Server
) -> None:
    server.answers = [Answer(commands(isdr_commands.get_status()), target=AID)]
    bench = make_bench(server.port)
    bench.trigger()
    bench.terminal.run()
    assert server.posts[1].get("x-admin-script-status") == "unknown-application"
    assert server.posts[1].body == b""


def test_the_request_says_where_to_go_and_who_asks(make_bench: MakeBench, server: Server) -> None:
    bench = make_bench(9)
    request = AdminRequest(
        OpenChannel(bytes((127, 0, 0, 1)), server.port, None, None),
        kvn=0x40,
        kid=1,
        host=b"other.test",
        agent_id=b"//agent",
        uri=b"/start?a=b",
    )
    bench.trigger(request.encode())
    bench.terminal.run()
    (post,) = server.posts
    assert (post.uri, post.get("host"), post.get("x-admin-from")) == (
        "/start?a=b",
        "other.test",
        "//agent",
    )


def test_a_proof_of_receipt_goes_out_before_the_session(
    make_bench: MakeBench, server: Server
) -> None:
    bench = make_bench(server.port)
    bench.trigger(spi=scp80.SGP02_SPI)
    bench.terminal.run()
    (message,) = bench.terminal.messages
    packet = sms.read_part(sms.SmsSubmit.decode(message).user_data).payload
    parameters = SecurityParameters(scp80.SGP02_SPI, ISD_R_TAR)
    receipt = scp80.unwrap_response(packet, parameters, OTA_KEYS)
    assert (receipt.status, receipt.data) == (ResponseStatus.OK, b"")
    assert len(server.posts) == 1


@pytest.mark.parametrize("spi", ["0600", "1200", "1601"])
def test_a_weak_or_unauthentic_request_opens_nothing(
    make_bench: MakeBench, server: Server, spi: str
) -> None:
    bench = make_bench(server.port)
    bench.trigger(spi=bytes.fromhex(spi))
    assert CommandType.OPEN_CHANNEL not in bench.terminal.performed


def test_a_request_for_a_key_that_is_not_there_opens_nothing(
    make_bench: MakeBench, server: Server
) -> None:
    bench = make_bench(server.port)
    bench.trigger(AdminRequest(kvn=0x41, kid=1).encode())
    bench.trigger(AdminRequest(kvn=0x30, kid=1).encode())
    assert CommandType.OPEN_CHANNEL not in bench.terminal.performed


def test_a_replayed_request_opens_nothing(make_bench: MakeBench, server: Server) -> None:
    bench = make_bench(server.port)
    bench.trigger()
    bench.terminal.run()
    bench.counter -= 1
    bench.trigger()
    assert bench.terminal.performed.count(CommandType.OPEN_CHANNEL) == 1


def test_a_terminal_without_channels_is_not_asked_for_one(
    make_bench: MakeBench, server: Server
) -> None:
    bench = make_bench(server.port, greet=False)
    bench.terminal.greet(b"\xff" * 8)
    bench.trigger()
    assert bench.terminal.performed == []
    bench.terminal.greet()
    bench.terminal.run()
    assert len(server.posts) == 1


# --- broken links ---


COUNTED = CommandApdu(0x80, 0xE6, 0x0C, 0x00, isdr_commands.create_isdp(AID, 1000).data, 256)


def created(bench: Bench) -> int:
    return list(bench.terminal.terminal.states()).count(AID)


@pytest.mark.parametrize("pieces", range(9))
def test_a_link_that_breaks_anywhere_is_made_again_and_no_script_runs_twice(
    make_bench: MakeBench, server: Server, pieces: int
) -> None:
    server.answers = [Answer(commands(COUNTED)), Answer(commands(isdr_commands.get_status()))]
    bench = make_bench(server.port, retries=3)
    bench.terminal.unplug_after = pieces
    bench.trigger()
    bench.terminal.run_until(lambda: server.done)
    results = [ResponseScript.decode(body).answers[0].sw for body in server.results]
    assert results == [0x9000, 0x9000]


def test_a_server_that_hangs_up_gets_the_response_in_resume_mode(
    make_bench: MakeBench, server: Server
) -> None:
    server.answers = [Answer(commands(COUNTED)), Hung(), Answer(commands(COUNTED))]
    bench = make_bench(server.port)
    bench.trigger()
    bench.terminal.run_until(lambda: server.done)
    again = [post for post in server.posts if post.get("x-admin-resume") == "true"]
    assert [post.uri for post in again] == ["/step/1"]
    assert again[0].body == server.posts[1].body
    # The second script is another one, and finds what the first one made.
    assert [ResponseScript.decode(body).answers[0].sw for body in server.results] == [
        0x9000,
        0x6985,
    ]


def test_retries_end_and_wait_as_the_policy_says(make_bench: MakeBench) -> None:
    closed = openssl.free_port()
    bench = make_bench(closed, retries=2, retry_delay_s=90)
    bench.trigger()
    assert bench.terminal.timers == [90]
    bench.terminal.expire()
    bench.terminal.expire()
    assert bench.terminal.timers == []
    assert bench.terminal.performed.count(CommandType.OPEN_CHANNEL) == 3


def test_the_policy_of_the_request_comes_first(make_bench: MakeBench) -> None:
    bench = make_bench(openssl.free_port(), retries=2)
    bench.trigger(AdminRequest(retry=RetryPolicy(0, 0)).encode())
    assert bench.terminal.performed.count(CommandType.OPEN_CHANNEL) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
        b"garbage without an end" * 1000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.globalplatform.card-content-mgt\r\n"
        b"X-Admin-Targeted-Application: nobody\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_server_that_breaks_the_protocol_is_left_and_nothing_runs(
    make_bench: MakeBench, server: Server, raw: bytes
) -> None:
    server.answers = [raw]
    bench = make_bench(server.port, retries=0)
    bench.trigger()
    bench.terminal.run()
    assert len(server.posts) == 1
    assert bench.terminal.terminal.states() == {}


# --- power ---


def test_power_lost_before_the_response_is_sent_does_not_run_the_script_again(
    make_bench: MakeBench, server: Server
) -> None:
    server.answers = [Answer(commands(COUNTED)), Answer(commands(isdr_commands.get_status()))]
    bench = make_bench(server.port)
    bench.trigger()
    # The handshake takes two SEND DATA, the first request one: the next carries the response.
    bench.terminal.stop_after = 3
    bench.terminal.run_until(lambda: bench.terminal.stopped)
    bench.lose_power()
    bench.power_on()
    bench.terminal.greet()
    bench.terminal.run_until(lambda: server.done)
    results = [ResponseScript.decode(body).answers[0].sw for body in server.results]
    assert results == [0x9000, 0x9000]


def test_power_lost_while_a_script_runs_leaves_its_outcome_open(
    make_bench: MakeBench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [Answer(commands(COUNTED, COUNTED))]
    bench = make_bench(server.port)
    synced: list[int] = []

    class PowerLossError(Exception):
        pass

    def sync(file: int) -> None:
        synced.append(file)
        if len(synced) == 2:
            raise PowerLossError  # the script was noted as begun, its first command is not done

    bench.trigger()
    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(PowerLossError):
        bench.terminal.run()
    monkeypatch.undo()
    bench.lose_power()
    bench.power_on()
    bench.terminal.greet()
    bench.terminal.run_until(lambda: len(server.posts) > 1)
    post = server.posts[-1]
    assert (post.uri, post.get("x-admin-resume"), post.get("x-admin-script-status")) == (
        "/step/1",
        "true",
        None,
    )


def test_power_lost_in_a_script_without_an_answer_does_not_swallow_the_next_request(
    make_bench: MakeBench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = commands(COUNTED, COUNTED)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {admin_http.COMMANDS}\r\n"
    server.answers = [f"{head}Content-Length: {len(script)}\r\n\r\n".encode() + script]
    bench = make_bench(server.port, retries=0)
    synced: list[int] = []

    class PowerLossError(Exception):
        pass

    def sync(file: int) -> None:
        synced.append(file)
        if len(synced) == 2:
            raise PowerLossError

    bench.trigger()
    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(PowerLossError):
        bench.terminal.run()
    monkeypatch.undo()
    bench.lose_power()
    bench.power_on()
    server.answers = []
    bench.terminal.greet()
    assert len(server.posts) == 1
    bench.trigger()
    bench.terminal.run()
    assert [(post.uri, post.get("x-admin-resume")) for post in server.posts[1:]] == [
        ("/admin", None)
    ]


def test_the_key_is_not_readable_and_not_logged(
    make_bench: MakeBench, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    bench = make_bench(server.port)
    bench.trigger()
    bench.terminal.run()
    answer = bench.terminal.terminal.isd_r(CommandApdu(0x80, 0xCA, 0x00, 0xE0, b"", 256))
    assert bytes.fromhex("0140" "8510") in answer.data  # fmt: skip
    assert PSK not in answer.data
    assert PSK.hex() not in caplog.text.lower()
    assert PSK.hex() not in repr(read_factory(with_scp81(1)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"psk": "zz"},
        {"psk": "00"},
        {"psk": "00" * 17},
        {"kvn": 0x30},
        {"buffer": 1},
        {"address": "nowhere"},
        {"suites": []},
        {"suites": ["rc4"]},
        {"uri": "relative"},
        {"uri": "/a b"},
        {"colour": 1},
        {"retries": -1},
    ],
)
def test_a_wrong_factory_file_is_refused_by_name(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"isd_r\.scp81") as caught:
        open_card(tmp_path, with_scp81(1, **wrong))
    assert PSK.hex() not in str(caught.value)


def test_events_that_a_terminal_does_not_know_are_not_asked_for(
    tmp_path: Path, server: Server
) -> None:
    # A terminal refuses the whole list for one event, and the session would hear of nothing.
    bench = Bench(tmp_path / "nvm", with_scp81(server.port) | {"fallback_after_s": 60})
    bench.terminal.greet()
    assert bench.terminal.events == set()
    bench.trigger()
    bench.terminal.run()
    assert bench.terminal.events == {0x09, 0x0A}
    assert len(server.posts) == 1
    bench.end()


def test_profiles_of_terminals_are_read_by_bit() -> None:
    profile = terminal_profile.encode_profile({terminal_profile.Facility.OPEN_CHANNEL}, channels=2)
    assert (profile[11], profile[12]) == (0x01, 0x40)
    assert not terminal_profile.knows(profile, terminal_profile.CHANNELS)
