"""Administration sessions of the SM-SR: a virtual eUICC, a foreign TLS client, and every break."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.orders import ProfileRequest, Route
from hil.provisioning.sm_sr.admin_way import AdminLimits
from hil.provisioning.sm_sr.administration import AdministrationSettings
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.wire import admin_http, isdr_commands, tlv
from hil.wire.admin_http import AdminPost, ScriptStatus
from hil.wire.admin_session import PskIdentity
from hil.wire.apdu import ResponseApdu
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.identifiers import ISD_R_AID
from hil.wire.scp03 import KeySet
from hil.wire.tls.alerts import Alert, TlsError
from hil.wire.tls.client import TlsClient
from tests.provisioning.admin_air import AdminAir
from tests.provisioning.pumping import Pumping
from tests.provisioning.world import MSISDN, OPERATOR, World, eid_of, factory_of
from tests.wire import openssl

EID = eid_of(1)
PSK = bytes(range(0x30, 0x40))
IDENTITY = PskIdentity(EID, ISD_R_AID, 0x40)
PATIENT = Patience(answer_s=20.0)
HASTY = Patience(answer_s=0.5, back_off=1.0, overtake_s=0.1, attempts=40)
SCP81 = {"psk": PSK.hex(), "retries": 5, "retry_delay_s": 0}
LIMITS_OF_ALL = AdminLimits(commands=0, messages=0)


def with_scp81(*, has: bool = True) -> dict[str, Any]:
    factory = factory_of(EID)
    if has:
        factory["isd_r"]["scp81"] = dict(SCP81)
    return factory


class Field:
    """A world whose SM-SR and card meet by message and by TCP, in real time."""

    def __init__(self, world: World, air: AdminAir) -> None:
        self.world = world
        self.air = air

    @property
    def port(self) -> int:
        assert self.world.running_administration is not None
        return self.world.running_administration.port

    def order(self) -> str:
        request = ProfileRequest(amount=1, profile_type="test", targets=(EID,))
        return self.world.sm_dp.place(request, "operator").profiles[0].iccid

    def wait(self, job: str, *, state: str = "done") -> JobReport:
        with Pumping(self.world.sm_sr.jobs.queue):
            report = self.world.sm_sr.jobs.wait(job, timeout_s=60)
        assert report.state == state, (report, self.air.terminal.performed)
        return report

    def states(self) -> dict[str, str]:
        return {row.iccid: row.state for row in self.world.sm_sr.book.profiles(EID)}

    def card_says(self) -> list[int]:
        """Return the life cycles of the ISD-Ps, by the card itself."""
        self.air.power_off()
        self.air.power_on()
        self.air._over.set()
        self.air._thread.join(10)
        factory = self.air._factory["isd_r"]["scp03"][1]
        enc, mac, dek = (bytes.fromhex(factory[name]) for name in ("enc", "mac", "dek"))
        keys = KeySet(0x31, enc, mac, dek)
        session = self.air.terminal.terminal.secure(keys)
        answer = session.send(isdr_commands.get_status())
        rows = tlv.decode_all(answer.data)
        return [tlv.require(one.children(), 0x9F70, where="E3")[0] for one in rows]


MakeField = Callable[..., Field]


@pytest.fixture
def make_field(make_world: Callable[..., World], tmp_path: Path) -> Iterator[MakeField]:
    made: list[Field] = []

    def make(*, has: bool = True, patience: Patience = PATIENT, **settings: Any) -> Field:  # noqa: ANN401
        factory = with_scp81(has=has)
        air = AdminAir(tmp_path / "card", factory, MSISDN)
        world = make_world(
            route=Route.SM_SR,
            carrier=air,
            patience=patience,
            administration=AdministrationSettings(**settings),
        )
        world.factories[EID] = factory
        world.maker.produce(factory, msisdn=MSISDN)
        world.register_euicc()
        made.append(Field(world, air))
        return made[-1]

    yield make
    for one in made:
        one.air.power_off()


def test_a_large_job_goes_in_a_session_called_by_one_message(make_field: MakeField) -> None:
    field = make_field()
    iccid = field.order()
    report = field.wait(field.world.sm_sr.download(OPERATOR, iccid, enable=True))
    assert [state for _, state in report.commands] == ["done"] * len(report.commands)
    assert report.messages == field.air.sent == 1
    assert field.states() == {iccid: "enabled"}
    assert field.card_says() == [0x3F]


def test_small_jobs_go_by_message_and_large_ones_too_where_the_caller_says_so(
    make_field: MakeField,
) -> None:
    field = make_field()
    iccid = field.order()
    report = field.wait(field.world.sm_sr.download(OPERATOR, iccid, way="sms"))
    assert report.messages > 20
    assert 0x40 not in field.air.terminal.performed
    field.wait(field.world.sm_sr.enable(OPERATOR, EID, iccid))
    assert 0x40 not in field.air.terminal.performed
    assert field.states() == {iccid: "enabled"}


def test_a_caller_may_ask_for_a_session_where_none_is_chosen(make_field: MakeField) -> None:
    field = make_field(limits=AdminLimits(automatic=False))
    first, second = field.order(), field.order()
    assert field.wait(field.world.sm_sr.download(OPERATOR, first)).messages > 20
    assert field.wait(field.world.sm_sr.download(OPERATOR, second, way="https")).messages == 1
    assert field.states() == {first: "disabled", second: "disabled"}


def test_every_management_goes_in_sessions_where_the_limits_say_so(make_field: MakeField) -> None:
    field = make_field(limits=LIMITS_OF_ALL)
    sm_sr = field.world.sm_sr
    first, second = field.order(), field.order()
    field.wait(sm_sr.download(OPERATOR, first, enable=True))
    field.wait(sm_sr.download(OPERATOR, second))
    field.wait(sm_sr.enable(OPERATOR, EID, second))
    field.wait(sm_sr.delete(OPERATOR, EID, first))
    field.wait(sm_sr.audit(OPERATOR, EID))
    assert field.states() == {second: "enabled"}
    assert field.card_says() == [0x3F]


def test_an_euicc_without_scp81_is_reached_by_message(make_field: MakeField) -> None:
    field = make_field(has=False)
    assert field.world.sm_sr.book.eis(EID).scp81_kvns == ()
    iccid = field.order()
    with pytest.raises(Refusal, match="no SCP81") as caught:
        field.world.sm_sr.download(OPERATOR, iccid, way="https")
    assert caught.value.code is RefusalCode.NO_ROUTE
    assert field.wait(field.world.sm_sr.download(OPERATOR, iccid)).messages > 20


def test_a_lost_request_is_repeated(make_field: MakeField) -> None:
    field = make_field(patience=HASTY)
    lost: list[bytes] = []

    def drop_first(messages: list[bytes]) -> list[bytes]:
        if lost:
            return messages
        lost.extend(messages)
        return []

    field.air.down = drop_first
    report = field.wait(field.world.sm_sr.download(OPERATOR, field.order()))
    assert report.messages >= 2


@pytest.mark.parametrize("pieces", [0, 1, 2, 3, 4, 5, 7, 9, 12])
def test_a_link_that_breaks_changes_nothing_in_the_end(make_field: MakeField, pieces: int) -> None:
    field = make_field()
    field.air.terminal.unplug_after = pieces
    iccid = field.order()
    report = field.wait(field.world.sm_sr.download(OPERATOR, iccid, enable=True))
    # A command that ran twice would be refused: the ISD-P exists, the session is over.
    assert [state for _, state in report.commands] == ["done"] * len(report.commands)
    assert field.states() == {iccid: "enabled"}


@pytest.mark.parametrize("arrival", [1, 2, 3, 4, 5, 6])
def test_an_answer_that_is_lost_with_its_link_is_given_again(
    make_field: MakeField, arrival: int
) -> None:
    field = make_field()
    field.air.terminal.lose_arrival = arrival
    iccid = field.order()
    report = field.wait(field.world.sm_sr.download(OPERATOR, iccid, enable=True))
    # Nothing is left open: the resuming card says itself that a script did not arrive.
    assert [state for _, state in report.commands] == ["done"] * len(report.commands)
    assert "verify" not in [name for name, _ in report.commands]
    assert field.states() == {iccid: "enabled"}


@pytest.mark.parametrize("pieces", [3, 4, 5, 6])
def test_a_card_that_loses_its_power_ends_with_one_truth(
    make_field: MakeField, pieces: int
) -> None:
    field = make_field(limits=LIMITS_OF_ALL)
    iccid = field.order()
    sm_sr = field.world.sm_sr
    field.air.terminal.stop_after = pieces
    with Pumping(sm_sr.jobs.queue):
        job = sm_sr.download(OPERATOR, iccid)
        wait_for(lambda: not field.air._thread.is_alive())
        field.air.power_off()
        field.air.power_on()
        report = sm_sr.jobs.wait(job, timeout_s=60)
    if report.state == "failed":
        # The packets of an SCP03t session do not survive a reset: the next try clears and succeeds.
        field.wait(sm_sr.download(OPERATOR, iccid))
    assert field.states() == {iccid: "disabled"}
    assert field.card_says() == [0x1F]


def test_an_sm_sr_that_is_killed_goes_on_with_the_session(make_field: MakeField) -> None:
    port = openssl.free_port()
    field = make_field(port=port, patience=HASTY)
    iccid = field.order()
    sm_sr = field.world.sm_sr
    taken: list[object] = []
    real = sm_sr.jobs.queue.take_response

    def die_after_two(row: Any, response: bytes) -> None:  # noqa: ANN401
        taken.append(row)
        if len(taken) > 2:
            raise OSError("killed")
        real(row, response)

    sm_sr.jobs.queue.take_response = die_after_two  # type: ignore[method-assign]
    with Pumping(sm_sr.jobs.queue):
        job = sm_sr.download(OPERATOR, iccid, enable=True)
        wait_for(lambda: len(taken) > 2)
    field.world.close()
    field.world.open()
    report = field.wait(job)
    assert [state for _, state in report.commands] == ["done"] * len(report.commands)
    assert field.states() == {iccid: "enabled"}


def wait_for(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- foreign cards: OpenSSL, and a client that breaks the rules ---


class ForeignCard:
    """A card of another maker: TLS of ours, everything else by hand."""

    def __init__(self, port: int, *, identity: bytes = IDENTITY.encode(), psk: bytes = PSK) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.tls = TlsClient(identity, psk)
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.tls.outgoing())

    def post(self, raw: bytes) -> bytes:
        """Send a request; return everything up to the end of the answer."""
        while not self.tls.established:
            self.step()
        self.tls.write(raw)
        self.flush()
        found = b""
        while not found.endswith(b"\r\n\r\n"):
            if not self.step():
                break
            found += self.tls.read()
        return found

    def step(self) -> bool:
        data = self.socket.recv(65_536)
        self.tls.receive(data)
        self.flush()
        return bool(data)

    def close(self) -> None:
        self.socket.close()


AGENT = admin_http.agent_id(EID, ISD_R_AID)


def first_post(**changes: Any) -> AdminPost:  # noqa: ANN401
    return AdminPost(**({"uri": "/admin", "host": "h", "agent_id": AGENT} | changes))


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (first_post().encode(), b"204"),
        (first_post(uri="/other").encode(), b"404"),
        (first_post(uri="/admin?command=x").encode(), b"404"),
        (first_post().encode().replace(b"POST", b"GET"), b"405"),
        (first_post().encode().replace(b"remote-admin/1.0", b"remote-admin/9.9"), b"400"),
        (first_post(agent_id=admin_http.agent_id(eid_of(2), ISD_R_AID)).encode(), b"403"),
        (
            first_post(status=ScriptStatus.OK, body=b"x")
            .encode()
            .replace(b"application/vnd.globalplatform", b"text/html; x"),
            b"415",
        ),
        (first_post(uri="/admin?command=999", status=ScriptStatus.OK, body=b"x").encode(), b"204"),
    ],
)
def test_each_breach_has_its_status(make_field: MakeField, raw: bytes, status: bytes) -> None:
    card = ForeignCard(make_field().port)
    assert card.post(raw).startswith(b"HTTP/1.1 " + status)
    assert card.tls.peer_closed
    card.close()


@pytest.mark.parametrize(
    ("who", "alert"),
    [
        ({"psk": bytes(16)}, Alert.BAD_RECORD_MAC),
        ({"identity": b"stranger"}, Alert.UNKNOWN_PSK_IDENTITY),
        ({"identity": PskIdentity(eid_of(2), ISD_R_AID, 0x40).encode()}, 115),
        ({"identity": PskIdentity(EID, ISD_R_AID, 0x41).encode()}, Alert.UNKNOWN_PSK_IDENTITY),
    ],
)
def test_a_card_with_a_wrong_key_gets_no_session(
    make_field: MakeField, who: dict[str, bytes], alert: int
) -> None:
    card = ForeignCard(make_field().port, **who)
    with pytest.raises(TlsError) as caught:
        card.post(first_post().encode())
    assert caught.value.alert == alert
    card.close()


def test_a_slow_client_is_left_and_does_not_hold_up_the_others(make_field: MakeField) -> None:
    field = make_field(idle_s=3.0)
    slow = socket.create_connection(("127.0.0.1", field.port), 10)
    slow.sendall(b"\x16\x03\x03")
    report = field.wait(field.world.sm_sr.download(OPERATOR, field.order()))
    assert report.messages == 1
    slow.settimeout(10)
    assert slow.recv(100) == b""
    slow.close()


def test_garbage_gets_an_alert(make_field: MakeField) -> None:
    with socket.create_connection(("127.0.0.1", make_field().port), 10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100).hex() == "1503030002020a"


def test_openssl_plays_a_card_and_installs_nothing_twice(make_field: MakeField) -> None:
    field = make_field(limits=LIMITS_OF_ALL)
    field.air.down = lambda _messages: []  # the card itself hears nothing: openssl comes instead
    sm_sr = field.world.sm_sr
    with Pumping(sm_sr.jobs.queue), openssl.running(
        "s_client", "-connect", f"127.0.0.1:{field.port}", "-psk", PSK.hex(), "-quiet",
        "-psk_identity", IDENTITY.encode().decode(), "-tls1_2",
        "-cipher", "PSK-AES128-GCM-SHA256",
    ) as card:  # fmt: skip
        job = sm_sr.audit(OPERATOR, EID)
        card.say(first_post().encode())
        card.wait_for(b"\r\n0\r\n\r\n")
        head, _, rest = bytes(card.output).partition(b"\r\n\r\n")
        assert f"Content-Type: {admin_http.COMMANDS}".lower().encode() in head.lower()
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n") if b": " in line)
        uri = fields[b"x-admin-next-uri"].decode()
        script = CommandScript.decode(rest.split(b"\r\n")[1])
        assert script.commands[0].header.hex() == "80f24002"
        answer = ResponseScript.of([ResponseApdu(b"", 0x6A88)]).encode()
        post = first_post(uri=uri, status=ScriptStatus.OK, body=answer)
        card.say(post.encode())
        card.wait_for(b"HTTP/1.1 204")
        report = sm_sr.jobs.wait(job, timeout_s=60)
    assert report.state == "done", report
    assert field.states() == {}


def test_a_card_that_does_not_know_the_application_fails_the_job(make_field: MakeField) -> None:
    field = make_field(limits=LIMITS_OF_ALL)
    field.air.down = lambda _messages: []
    sm_sr = field.world.sm_sr
    with Pumping(sm_sr.jobs.queue):
        job = sm_sr.audit(OPERATOR, EID)
        card = ForeignCard(field.port)
        head = card.post(first_post().encode())
        uri = head.partition(b"ext-URI: ")[2].partition(b"\r\n")[0].decode()
        card.post(first_post(uri=uri, status=ScriptStatus.UNKNOWN_APPLICATION).encode())
        report = sm_sr.jobs.wait(job, timeout_s=60)
    card.close()
    assert "unknown-application" in report.reason
