"""All servers behind HTTP: from the order to the installed profile, in every layout."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hil.errors import ConfigError, LinkError, LinkTimeoutError, ProductError, ProtocolError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.messages import ReceiptMessage
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest, Source
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from hil.provisioning.support_server.device_sessions import DevicePolicy
from hil.provisioning.support_server.jig import JigPolicy, JigSample, Window
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire.device_auth import Manner, Mode
from tests.provisioning.line_device import LineDevice
from tests.provisioning.serving import Bench, Clients
from tests.provisioning.world import eid_of, peer_keys

LAYOUTS = ("separate", "inside-sm-sr", "one-server")


@contextmanager
def serving(bench: Bench) -> Iterator[Clients]:
    with Servers(parse_config(bench.text(), "test")) as servers:
        clients = Clients(bench, json.loads(servers.ready_line())["actors"])
        try:
            yield clients
        finally:
            clients.close()


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Callable[[Bench], VirtualCard]]:
    with ExitStack() as stack:

        def make(bench: Bench) -> VirtualCard:
            made = open_card(tmp_path / "card", bench.factory)
            stack.callback(made.close)
            made.power_on()
            return made

        yield make


def device_of(bench: Bench, card: VirtualCard, **over: Any) -> LineDevice:  # noqa: ANN401 - fields
    keys = over.pop("keys", bench.device_keys)
    return LineDevice("DUT-1", bench.eid, keys, card, bench.trusted, **over)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_from_the_order_to_the_installed_profile(
    tmp_path: Path, card: Callable[[Bench], VirtualCard], layout: str
) -> None:
    bench = Bench(tmp_path / "state", layout=layout).secured(tmp_path / "certificates")
    with serving(bench) as clients:
        assert clients.actors["sm-sr-1"].startswith("https://")
        support, sm_sr = clients.support(), clients.sm_sr()
        assert sm_sr.euiccs() == (bench.eid,), "the eUICC maker brought the EIS"
        receipt = support.request_profiles(ProfileRequest(profile_type="test", amount=1))
        iccid = receipt.profiles[0].iccid
        device = device_of(bench, card(bench))
        station = LineStation(clients.support("station-1"), device)
        report = station.provision()
        assert (report.server_said, report.device_said) == ("passed", "passed")
        assert (report.iccid, report.eid) == (iccid, bench.eid)
        device.boot()
        assert device.last.result == "installed", device.last.reason
        assert station.report() is None
        assert support.outbox_waiting() == 0
        states = {row.iccid: row.state for row in sm_sr.euicc(bench.eid).profiles}
        assert states == {iccid: "enabled"}
        assert [image.state for image in support.images()] == ["installed"]
        sm_sr.set_policy(bench.eid, iccid, 1)
        wanted = ProfileRequest(profile_type="test", targets=(bench.eid,))
        second = support.request_profiles(wanted).profiles[0].iccid
        with pytest.raises(Refusal, match="POL2 of the enabled profile") as caught:
            support.build_image(second)
        assert caught.value.code is RefusalCode.POLICY
        with pytest.raises(Refusal, match="POL2 of the enabled profile"):
            station.provision()


def test_the_same_order_through_the_mno_and_from_the_makers_information(tmp_path: Path) -> None:
    bench = Bench(None)
    with serving(bench) as clients:
        through = clients.mno().request_profiles(ProfileRequest(amount=1, targets=(bench.eid,)))
        assert through.state == "delivered"
        assert clients.support().stored() == (through.profiles[0].iccid,)
        other = clients.sm_dp().place(
            ProfileRequest(profile_type="test", source=Source.EUM, amount=1)
        )
        assert other.profiles[0].iccid.startswith("8900102")
        assert clients.sm_dp().order(other.order_id) == other


def test_a_dedicated_line_carries_the_packets_and_nothing_comes_on_the_other(
    tmp_path: Path,
) -> None:
    bench = Bench(
        None,
        support={"links": {"main": "network", "line-7": "dedicated-line"}},
        sm_dp={"links": {"support-1": "line-7"}},
    )
    with serving(bench) as clients:
        clients.support().request_profiles(ProfileRequest(amount=1))
        reports = {row.name: row for row in clients.support().link_reports()}
        assert (reports["line-7"].kind, reports["line-7"].accepted) == ("dedicated-line", 1)
        assert reports["main"].accepted == 0


def test_jig_and_both_and_change_by_configuration_only(
    tmp_path: Path, card: Callable[[Bench], VirtualCard]
) -> None:
    bench = Bench(None)
    jig = JigPolicy(Window(1.7, 1.9), dwell_s=0.05, max_gap_s=1.0)
    volts = [1.8]
    clock = iter(range(0, 10**12, 20_000_000))
    with serving(bench) as clients:
        clients.support().request_profiles(ProfileRequest(amount=1))
        good = device_of(bench, card(bench))
        wrong = device_of(bench, good.card, keys=Bench(None).device_keys)

        def read() -> JigSample:
            return JigSample(next(clock), volts[0], volts_uncertainty=0.01)

        said: list[str] = []

        def tried(device: LineDevice, volt: float) -> bool:
            volts[0] = volt
            station = LineStation(
                clients.support("station-1"), device, jig=read, error_message=said.append
            )
            try:
                station.authenticate()
            except Refusal:
                return False
            return True

        clients.support().set_policy(DevicePolicy(Manner.BOTH, jig=jig))
        outcome = {
            (name, volt): tried(device, volt)
            for name, device in (("good", good), ("wrong", wrong))
            for volt in (1.8, 2.0)
        }
        assert outcome == {
            ("good", 1.8): True,
            ("good", 2.0): False,
            ("wrong", 1.8): False,
            ("wrong", 2.0): False,
        }
        assert any("2 V is above the window of 1.7 to 1.9 V" in text for text in said)
        assert any("its proof does not fit" in text for text in said)
        clients.support().unlock_device("DUT-1")
        clients.support().set_policy(DevicePolicy(Manner.JIG, jig=jig))
        result, _ = (
            LineStation(clients.support("station-1"), good, jig=read).authenticate()
            if (volts.__setitem__(0, 1.8) is None)
            else (None, "")
        )
        assert result is not None
        assert result.manner is Manner.JIG


def test_modes_and_manners_are_commanded_by_the_server(
    card: Callable[[Bench], VirtualCard],
) -> None:
    bench = Bench(None)
    with serving(bench) as clients:
        device = device_of(bench, card(bench))
        station = LineStation(clients.support("station-1"), device)
        station.command_mode(Mode.TEST)
        assert device.mode == "test"
        station.command_manner(Manner.JIG)
        assert device.manner is Manner.JIG


def test_without_the_session_of_a_device_nothing_is_sent(
    card: Callable[[Bench], VirtualCard],
) -> None:
    bench = Bench(None)
    with serving(bench) as clients:
        clients.support().request_profiles(ProfileRequest(amount=1))
        server = clients.support("station-1")
        offer = server.open_session()
        for session in (offer.session, "0" * 32):
            with pytest.raises(Refusal) as caught:
                server.fetch_image(session)
            assert caught.value.code in (RefusalCode.NOT_AUTHENTICATED, RefusalCode.UNKNOWN)
        with pytest.raises(Refusal, match="this needs line-station"):
            clients.support().open_session()


def test_who_is_not_known_or_not_allowed_is_refused(tmp_path: Path) -> None:
    bench = Bench(None)
    with serving(bench) as clients:
        url = clients.actors["sm-dp-1"]
        forged = PeerClient(url, "sm-dp-1", "operator-1", peer_keys())
        with pytest.raises(Refusal, match="could not prove itself"):
            forged.session()
        stranger = PeerClient(url, "sm-dp-1", "stranger", peer_keys())
        with pytest.raises(Refusal, match="shares no key set with 'stranger'"):
            stranger.session()
        with pytest.raises(Refusal, match="operator-1 is operator") as caught:
            clients.eum().isd_p_base(bench.eid)
        assert caught.value.code is RefusalCode.NOT_ALLOWED
        for client in (forged, stranger):
            client.close()


def test_secrets_go_by_role(tmp_path: Path) -> None:
    bench = Bench(None)
    with serving(bench) as clients:
        base = clients.eum("sm-dp-1").isd_p_base(bench.eid)
        assert base.enc.hex() == bench.factory["isd_p_base"]["enc"]
        isd_r = clients.eum("support-1").isd_r_keys(bench.eid, 0x30)
        assert isd_r.mac.hex() == bench.factory["isd_r"]["scp03"][0]["mac"]
        ota = clients.eum("sm-sr-1").ota_keys(bench.eid)
        assert ota.kic.hex() == bench.factory["isd_r"]["scp80"][0]["kic"]
        refused: list[Callable[[], object]] = [
            lambda: clients.eum("sm-dp-1").isd_r_keys(bench.eid, 0x30),
            lambda: clients.eum("support-1").ota_keys(bench.eid),
            lambda: clients.eum("sm-sr-1").isd_p_base(bench.eid),
            lambda: clients.eum("sm-sr-1").isd_r_keys(bench.eid, 0x3F),
            lambda: clients.eum("sm-sr-1").ota_keys(eid_of(9)),
        ]
        for ask in refused:
            with pytest.raises(Refusal):
                ask()


JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def sm_dp() -> Iterator[str]:
    """The URL of an SM-DP that nobody else talks to."""
    with serving(Bench(None)) as clients:
        yield clients.actors["sm-dp-1"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/sessions", b"rubbish", 400),
        ("POST", "/sessions", b'{"initiator": 1}', 422),
        ("POST", "/sessions", b'{"initiator": "operator-1", "nonce": "00"}', 422),
        ("POST", "/sessions", b'{"initiator": "operator-1", "nonce": "00", "x": 1}', 422),
        ("POST", "/sessions/proof", b'{"proof": "00"}', 401),
        ("POST", "/orders", b"{}", 401),
        ("GET", "/nothing", b"", 404),
        ("DELETE", "/orders", b"", 405),
        ("POST", "/sessions", b"[" * 100_000, 400),
        ("POST", "/sessions", b"x" * (9 * 1024 * 1024), 413),
    ],
    ids=["text", "types", "nonce", "extra", "token", "session", "path", "method", "deep", "long"],
)
def test_rubbish_is_refused_with_a_reason(
    sm_dp: str, method: str, path: str, body: bytes, status: int
) -> None:
    with httpx2.Client() as http:
        answer = http.request(method, sm_dp + path, content=body, headers=JSON)
        assert answer.status_code == status
        error = answer.json()["error"]
        assert error["code"]
        assert error["reason"]


def test_keys_of_a_refused_body_are_not_told_back(tmp_path: Path) -> None:
    with serving(Bench(None)) as clients, httpx2.Client() as http:
        secret = "ab" * 16 + "zz"
        body = json.dumps({"initiator": "operator-1", "nonce": secret}).encode()
        url = clients.actors["sm-dp-1"] + "/sessions"
        answer = http.post(url, content=body, headers=JSON)
        assert answer.status_code == 422
        assert "abab" not in answer.text


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one kind of answer to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def run() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65_536)
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        if threading.Event().wait(0.05):
            return
        connection.sendall(b" ")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda c: c.sendall(b"rubbish\r\n\r\n"), LinkError),
        (lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), ProtocolError),
        (lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), ProtocolError),
        (lambda c: c.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"), ProductError),
        (lambda c: c.sendall(b"HTTP/1.1 502 No\r\nContent-Length: 2\r\n\r\nno"), ProtocolError),
        (lambda c: None, LinkError),
        (lambda c: threading.Event().wait(0.6), LinkTimeoutError),
        (_trickle, LinkTimeoutError),
    ],
    ids=["no http", "no json", "other json", "broke", "no reason", "closed", "silent", "slow"],
)
def test_a_bad_server_ends_in_a_clear_error(
    answer: Callable[[socket.socket], None], error: type[Exception]
) -> None:
    with listening(answer) as url:
        client = PeerClient(url, "sm-dp-1", "operator-1", peer_keys(), timeout_s=0.3)
        with pytest.raises(error, match="sm-dp-1") as raised:
            client.session()
        assert isinstance(raised.value, ProductError) == (error is ProductError)
        client.close()


def test_an_absent_server_ends_in_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = PeerClient(f"http://127.0.0.1:{port}", "sm-dp-1", "operator-1", peer_keys())
    with pytest.raises(LinkError, match="is it running"):
        client.session()
    client.close()


def test_a_restarted_server_is_authenticated_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state")
    with serving(bench) as clients:
        port = int(clients.actors["sm-dp-1"].rpartition(":")[2])
        receipt = clients.sm_dp().place(ProfileRequest(amount=1))
    bench.sm_dp["port"] = port
    client = None
    for _ in range(2):
        with serving(bench) as clients:
            client = client or clients.of(PeerClient, "sm-dp-1")
            found = client.call("GET", f"/orders/{receipt.order_id}", ReceiptMessage)
            assert found.state == "waiting"
            clients._made.clear()
    assert client is not None
    client.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda row: row.update(extra=1), "extra"),
        (lambda row: row["actors"].append(row["actors"][0]), "twice"),
        (lambda row: row["keys"].append({**row["keys"][0], "between": ["mno-1", "x"]}), "no 'x'"),
        (lambda row: row["actors"][0].pop("sm_sr"), "sm_sr"),
        (lambda row: row["actors"][1].update(signing_key="00" * 32), "P-256"),
        (lambda row: row["actors"][1].update(signing_key="zz"), "hex"),
        (lambda row: row["actors"].clear(), "actors"),
        (lambda row: row["actors"][-1].update(host="mno-9"), "mno-9"),
    ],
    ids=["unknown key", "id twice", "no peer", "missing", "scalar", "hex", "none", "host"],
)
def test_a_wrong_configuration_is_refused_without_its_keys(
    spoil: Callable[[dict[str, Any]], None], reason: str
) -> None:
    bench = Bench(None)
    row = bench.config()
    spoil(row)
    with pytest.raises(ConfigError, match=reason) as caught:
        Servers(parse_config(json.dumps(row), "test"))
    assert bench.device_keys.auth.hex() not in str(caught.value)
