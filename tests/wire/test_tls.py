"""TLS 1.2 with pre-shared keys: both ends against each other, hostile bytes, and the alerts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.wire.tls.alerts import Alert, TlsError
from hil.wire.tls.client import TlsClient
from hil.wire.tls.engine import Engine
from hil.wire.tls.messages import ClientHello, Kind, ServerHello, Suite, encode_message
from hil.wire.tls.records import Content, Record
from hil.wire.tls.secrets import premaster_secret, prf
from hil.wire.tls.server import TlsServer

IDENTITY, PSK = b"8001028110", bytes(range(16))
GCM, CBC = Suite.PSK_AES_128_GCM_SHA256, Suite.PSK_AES_128_CBC_SHA256
WAYS = [(GCM, True), (CBC, True), (CBC, False)]


def server(psk: bytes = PSK, **options: object) -> TlsServer:
    return TlsServer(lambda identity: psk if identity == IDENTITY else None, **options)  # type: ignore[arg-type]


def client(suite: Suite = GCM, *, etm: bool = True, psk: bytes = PSK) -> TlsClient:
    return TlsClient(IDENTITY, psk, suites=[suite], encrypt_then_mac=etm)


def converse(one: Engine, other: Engine, *, piece: int = 1 << 20) -> None:
    """Carry bytes to and fro, cut into pieces, until both are silent."""
    while True:
        silent = True
        for sender, receiver in ((one, other), (other, one)):
            data = sender.outgoing()
            silent = silent and not data
            for at in range(0, len(data), piece):
                receiver.receive(data[at : at + piece])
        if silent:
            return


def connected(suite: Suite = GCM, *, etm: bool = True) -> tuple[TlsClient, TlsServer]:
    ends = client(suite, etm=etm), server()
    converse(*ends)
    assert ends[0].established
    assert ends[1].established
    return ends


def test_the_pseudo_random_function_gives_the_known_answer() -> None:
    # Published test vector of the IETF TLS working group for P_SHA256.
    found = prf(
        bytes.fromhex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
    )
    assert found.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


def test_the_premaster_secret_is_made_as_rfc_4279_says() -> None:
    assert premaster_secret(b"\xaa\xbb\xcc").hex() == "00030000000003aabbcc"


@pytest.mark.parametrize(("suite", "etm"), WAYS)
@given(data=st.binary(max_size=40_000), piece=st.integers(1, 3000))
def test_data_go_both_ways_however_the_stream_is_cut(
    suite: Suite, etm: bool, data: bytes, piece: int
) -> None:
    ours, theirs = client(suite, etm=etm), server()
    converse(ours, theirs, piece=piece)
    assert ours.suite is theirs.suite is suite
    assert theirs.identity == IDENTITY
    ours.write(data)
    theirs.write(data[::-1])
    converse(ours, theirs, piece=piece)
    assert theirs.read() == data
    assert ours.read() == data[::-1]
    ours.close()
    converse(ours, theirs, piece=piece)
    assert ours.peer_closed
    assert theirs.peer_closed


def refused(ours: Engine, theirs: Engine, alert: Alert, *, from_peer: bool) -> None:
    with pytest.raises(TlsError) as caught:
        converse(ours, theirs)
    assert (caught.value.alert, caught.value.from_peer) == (alert, from_peer)


@pytest.mark.parametrize(("suite", "etm"), WAYS)
def test_a_wrong_key_ends_the_handshake(suite: Suite, etm: bool) -> None:
    ours, theirs = client(suite, etm=etm, psk=bytes(16)), server()
    refused(ours, theirs, Alert.BAD_RECORD_MAC, from_peer=False)
    assert not theirs.established
    with pytest.raises(TlsError, match="bad_record_mac") as caught:
        ours.receive(theirs.outgoing())
    assert caught.value.from_peer
    assert not ours.established


def test_a_handshake_changed_on_its_way_is_seen_by_the_server() -> None:
    ours, theirs = TlsClient(IDENTITY, PSK), server()
    hello = bytearray(ours.outgoing())
    place = hello.index(bytes.fromhex("00a8"), 43)
    hello[place : place + 2] = b"\x00\xaa"  # somebody would rather have the other suite
    theirs.receive(bytes(hello))
    ours.receive(theirs.outgoing())
    with pytest.raises(TlsError) as caught:
        theirs.receive(ours.outgoing())
    assert (caught.value.alert, caught.value.from_peer) == (Alert.DECRYPT_ERROR, False)


def test_a_server_that_saw_another_handshake_is_seen_by_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = client(), server()
    finish = theirs._send_finished
    monkeypatch.setattr(theirs, "_send_finished", lambda _label: finish(b"other finished"))
    refused(ours, theirs, Alert.DECRYPT_ERROR, from_peer=False)
    assert not ours.established


def test_an_unknown_identity_is_named() -> None:
    ours, theirs = TlsClient(b"somebody", PSK), server()
    refused(ours, theirs, Alert.UNKNOWN_PSK_IDENTITY, from_peer=False)


def test_no_common_suite_is_a_handshake_failure() -> None:
    refused(client(CBC), server(suites=[GCM]), Alert.HANDSHAKE_FAILURE, from_peer=False)


def test_the_server_prefers_in_its_own_order_and_may_give_a_hint() -> None:
    ours, theirs = TlsClient(IDENTITY, PSK), server(suites=[CBC, GCM], hint=b"SM-SR")
    converse(ours, theirs)
    assert ours.suite is CBC


@pytest.mark.parametrize("version", [b"\x03\x01", b"\x03\x02"])
def test_an_old_client_is_refused(version: bytes) -> None:
    hello = ClientHello(bytes(32), (GCM,), version=version).encode()
    theirs = server()
    with pytest.raises(TlsError) as caught:
        theirs.receive(Record(Content.HANDSHAKE, encode_message(Kind.CLIENT_HELLO, hello)).encode())
    assert caught.value.alert == Alert.PROTOCOL_VERSION
    assert theirs.outgoing() == bytes.fromhex("15030300020246")


@pytest.mark.parametrize(
    ("hello", "alert"),
    [
        (ServerHello(bytes(32), GCM, version=b"\x03\x02"), Alert.PROTOCOL_VERSION),
        (ServerHello(bytes(32), 0x002F), Alert.ILLEGAL_PARAMETER),
        (ServerHello(bytes(32), CBC), Alert.ILLEGAL_PARAMETER),
        (ServerHello(bytes(32), GCM, compression=1), Alert.ILLEGAL_PARAMETER),
        (ServerHello(bytes(32), GCM, {0x0017: b""}), Alert.UNSUPPORTED_EXTENSION),
        (ServerHello(bytes(32), GCM, {0xFF01: b"\x01\x00"}), Alert.HANDSHAKE_FAILURE),
    ],
)
def test_a_server_that_chooses_what_was_not_offered_is_refused(
    hello: ServerHello, alert: Alert
) -> None:
    message = encode_message(Kind.SERVER_HELLO, hello.encode())
    with pytest.raises(TlsError) as caught:
        client().receive(Record(Content.HANDSHAKE, message).encode())
    assert caught.value.alert == alert


@pytest.mark.parametrize(("suite", "etm"), WAYS)
@given(place=st.integers(5, 10_000), bit=st.integers(0, 7))
def test_a_changed_bit_ends_the_connection(suite: Suite, etm: bool, place: int, bit: int) -> None:
    ours, theirs = connected(suite, etm=etm)
    ours.write(b"X-Admin-Protocol" * 3)
    record = bytearray(ours.outgoing())
    record[5 + place % (len(record) - 5)] ^= 1 << bit
    with pytest.raises(TlsError) as caught:
        theirs.receive(bytes(record))
    assert caught.value.alert == Alert.BAD_RECORD_MAC
    assert theirs.read() == b""
    with pytest.raises(TlsError):
        theirs.write(b"more")
    with pytest.raises(TlsError, match="bad_record_mac"):
        ours.receive(theirs.outgoing())


def test_a_record_that_comes_twice_or_too_late_ends_the_connection() -> None:
    ours, theirs = connected()
    ours.write(b"one")
    record = ours.outgoing()
    theirs.receive(record)
    with pytest.raises(TlsError) as caught:
        theirs.receive(record)
    assert caught.value.alert == Alert.BAD_RECORD_MAC


def test_a_cut_link_is_not_a_close() -> None:
    ours, theirs = connected()
    ours.write(b"half")
    theirs.receive(ours.outgoing()[:-1])
    with pytest.raises(TlsError, match="before the TLS connection was closed"):
        theirs.end_of_stream()


def test_a_closed_link_is_no_error() -> None:
    ours, theirs = connected()
    ours.close()
    converse(ours, theirs)
    theirs.end_of_stream()


@pytest.mark.parametrize(
    ("raw", "alert"),
    [
        ("140303000101", Alert.UNEXPECTED_MESSAGE),  # ChangeCipherSpec out of place
        ("170303000100", Alert.UNEXPECTED_MESSAGE),  # data before the handshake
        ("1603030000", Alert.UNEXPECTED_MESSAGE),  # empty handshake record
        ("160303000414000000", Alert.UNEXPECTED_MESSAGE),  # Finished first
        ("160303000463000000", Alert.UNEXPECTED_MESSAGE),  # unknown message
        ("160303000401ffffff", Alert.DECODE_ERROR),  # a message that never ends
        ("1603030006010000020303", Alert.DECODE_ERROR),  # a ClientHello cut off
        ("180303000100", Alert.UNEXPECTED_MESSAGE),  # unknown content type
        ("1603034801", Alert.RECORD_OVERFLOW),
        ("160200000100", Alert.PROTOCOL_VERSION),
        ("150303000102", Alert.DECODE_ERROR),  # half an alert
        ("1603030002010015030300020100", Alert.UNEXPECTED_MESSAGE),  # alert inside
    ],
)
def test_each_breach_has_its_alert(raw: str, alert: Alert) -> None:
    theirs = server()
    with pytest.raises(TlsError) as caught:
        theirs.receive(bytes.fromhex(raw))
    assert caught.value.alert == alert
    assert theirs.outgoing().hex() == f"1503030002{'02'}{alert:02x}"


@given(st.binary(max_size=400))
def test_any_bytes_are_taken_or_refused(raw: bytes) -> None:
    for end in (server(), client()):
        try:
            end.receive(raw)
        except TlsError:
            continue
        assert not end.established


def test_renegotiation_is_declined_and_may_not_be_asked_for_for_ever() -> None:
    ours, theirs = connected()
    for _ in range(16):
        theirs._send(Content.HANDSHAKE, encode_message(Kind.HELLO_REQUEST, b""))
        ours.receive(theirs.outgoing())
    theirs.receive(ours.outgoing())
    ours.write(b"still here")
    theirs.receive(ours.outgoing())
    assert theirs.read() == b"still here"
    theirs._send(Content.HANDSHAKE, encode_message(Kind.HELLO_REQUEST, b""))
    with pytest.raises(TlsError) as caught:
        ours.receive(theirs.outgoing())
    assert caught.value.alert == Alert.UNEXPECTED_MESSAGE


def test_the_key_is_in_no_representation() -> None:
    ours, theirs = connected()
    shown = repr(ours) + repr(theirs) + repr(vars(ours)["_next_keys"])
    assert PSK.hex() not in shown
    assert repr(PSK) not in shown
