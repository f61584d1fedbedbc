"""TLS-PSK with OpenSSL at the other end: it takes us for a client, and for a server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from hil.wire.tls.alerts import Alert, TlsError
from hil.wire.tls.client import TlsClient
from hil.wire.tls.engine import Engine
from hil.wire.tls.messages import Suite
from hil.wire.tls.server import TlsServer
from tests.wire import openssl

IDENTITY = "8001028110"
PSK = bytes(range(1, 17))
GCM, CBC = Suite.PSK_AES_128_GCM_SHA256, Suite.PSK_AES_128_CBC_SHA256
NAMES = {GCM: "PSK-AES128-GCM-SHA256", CBC: "PSK-AES128-CBC-SHA256"}
WAYS = [(GCM, True), (CBC, True), (CBC, False)]


class Wire:
    """An engine on a socket."""

    def __init__(self, engine: Engine, connection: socket.socket) -> None:
        self.engine = engine
        self.connection = connection
        connection.settimeout(openssl.DEADLINE_S)

    def flush(self) -> None:
        self.connection.sendall(self.engine.outgoing())

    def step(self) -> bool:
        """Take what comes; return whether the link still stands."""
        data = self.connection.recv(65_536)
        try:
            if not data:
                self.engine.end_of_stream()
            self.engine.receive(data)
        finally:
            self.flush()
        return bool(data)

    def until_established(self) -> None:
        self.flush()
        while not self.engine.established:
            self.step()

    def read(self, wanted: bytes) -> None:
        found = b""
        while wanted not in found:
            found += self.engine.read()
            if wanted not in found:
                self.step()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.settimeout(openssl.DEADLINE_S)
        yield one


def at(port: int, engine: TlsClient) -> Wire:
    return Wire(engine, socket.create_connection(("127.0.0.1", port)))


def foreign_client(
    listener: socket.socket, *options: str, psk: bytes = PSK, identity: str = IDENTITY
) -> list[str]:
    port = listener.getsockname()[1]
    return [
        "s_client", "-connect", f"127.0.0.1:{port}", "-psk", psk.hex(),
        "-psk_identity", identity, *options,
    ]  # fmt: skip


def our_server() -> TlsServer:
    return TlsServer(lambda identity: PSK if identity == IDENTITY.encode() else None)


@pytest.mark.parametrize(("suite", "etm"), WAYS)
def test_openssl_serves_us(suite: Suite, etm: bool) -> None:
    with openssl.server(PSK, "-cipher", NAMES[suite], identity=IDENTITY) as (port, process):
        engine = TlsClient(IDENTITY.encode(), PSK, encrypt_then_mac=etm)
        wire = at(port, engine)
        wire.until_established()
        assert engine.suite is suite
        engine.write(b"from the card " * 2000 + b"END\n")
        wire.flush()
        process.wait_for(b"END\n")
        process.say(b"from the server\n")
        wire.read(b"from the server\n")
        assert f"CIPHER is {NAMES[suite]}".encode() in process.output
        engine.close()
        wire.flush()
        while not engine.peer_closed:
            wire.step()
        wire.connection.close()


@pytest.mark.parametrize("options", [("-serverpref",), ("-no_etm",), ("-psk_hint", "SM-SR")])
def test_openssl_serves_us_whatever_else_it_is_told(options: tuple[str, ...]) -> None:
    with openssl.server(PSK, *options, identity=IDENTITY) as (port, _):
        wire = at(port, TlsClient(IDENTITY.encode(), PSK))
        wire.until_established()
        wire.connection.close()


def test_openssl_refuses_our_wrong_key() -> None:
    with openssl.server(PSK, identity=IDENTITY) as (port, _):
        wire = at(port, TlsClient(IDENTITY.encode(), bytes(16)))
        with pytest.raises(TlsError) as caught:
            wire.until_established()
        wire.connection.close()
    assert caught.value.from_peer
    assert caught.value.alert in (Alert.BAD_RECORD_MAC, Alert.DECRYPT_ERROR)


def test_openssl_that_knows_no_pre_shared_suites_of_ours_refuses_us() -> None:
    with openssl.server(PSK, "-cipher", "PSK-AES256-GCM-SHA384") as (port, _):
        wire = at(port, TlsClient(IDENTITY.encode(), PSK))
        with pytest.raises(TlsError) as caught:
            wire.until_established()
        wire.connection.close()
    assert (caught.value.alert, caught.value.from_peer) == (Alert.HANDSHAKE_FAILURE, True)


@pytest.mark.parametrize(("suite", "etm"), WAYS)
def test_openssl_is_our_client(listener: socket.socket, suite: Suite, etm: bool) -> None:
    options = ["-tls1_2", "-cipher", NAMES[suite], *([] if etm else ["-no_etm"])]
    with openssl.running(*foreign_client(listener, *options)) as process:
        engine = our_server()
        wire = Wire(engine, listener.accept()[0])
        wire.until_established()
        assert engine.suite is suite
        assert engine.identity == IDENTITY.encode()
        process.say(b"hello from openssl\n")
        wire.read(b"hello from openssl\n")
        engine.write(b"script " * 5000 + b"END\n")
        wire.flush()
        process.wait_for(b"END\n")
        engine.close()
        wire.flush()
        while wire.step():
            continue
        wire.connection.close()
        process.wait_for(f"Cipher is {NAMES[suite]}".encode())
        assert b"Extended master secret: no" in process.output


def test_openssl_that_would_rather_speak_tls_1_3_comes_down_to_1_2(listener: socket.socket) -> None:
    with openssl.running(*foreign_client(listener, "-cipher", NAMES[GCM])):
        wire = Wire(our_server(), listener.accept()[0])
        wire.until_established()
        wire.connection.close()


@pytest.mark.parametrize(
    ("who", "alert", "printed"),
    [
        ({"psk": bytes(16)}, Alert.BAD_RECORD_MAC, b"bad record mac"),
        ({"identity": "stranger"}, Alert.UNKNOWN_PSK_IDENTITY, b"unknown psk identity"),
    ],
)
def test_openssl_with_a_wrong_key_or_identity_is_refused(
    listener: socket.socket, who: dict[str, bytes | str], alert: Alert, printed: bytes
) -> None:
    call = foreign_client(listener, "-tls1_2", "-cipher", NAMES[GCM], **who)  # type: ignore[arg-type]
    with openssl.running(*call) as process:
        wire = Wire(our_server(), listener.accept()[0])
        with pytest.raises(TlsError) as caught:
            wire.until_established()
        process.wait_for(printed)
        wire.connection.close()
    assert (caught.value.alert, caught.value.from_peer) == (alert, False)


def test_openssl_of_an_old_version_is_refused(listener: socket.socket) -> None:
    call = foreign_client(listener, "-tls1_1", "-cipher", "PSK-AES128-CBC-SHA256:@SECLEVEL=0")
    with openssl.running(*call) as process:
        wire = Wire(our_server(), listener.accept()[0])
        with pytest.raises(TlsError) as caught:
            wire.until_established()
        process.wait_for(b"protocol version")
        wire.connection.close()
    assert caught.value.alert == Alert.PROTOCOL_VERSION


def test_openssl_that_wants_to_renegotiate_is_declined(listener: socket.socket) -> None:
    with openssl.running(*foreign_client(listener, "-tls1_2", "-cipher", NAMES[GCM])) as process:
        wire = Wire(our_server(), listener.accept()[0])
        wire.until_established()
        process.wait_for(b"Verify return code")
        process.say(b"R\n")
        wire.step()
        process.wait_for(b"no renegotiation")
        wire.connection.close()
