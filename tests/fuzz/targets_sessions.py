"""Sessions of the card: keys on their way to it, SCP02, SCP03t, TLS, HTTP, toolkit and channels."""

from __future__ import annotations

from hil.errors import CodecError
from hil.virtual.euicc.admin_dialogue import AdminDialogue, Caller
from hil.virtual.euicc.install_error import InstallError
from hil.virtual.euicc.package_collector import PackageCollector
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.store_data import Chain
from hil.wire import admin_http, aes, bip, des, isdr_commands, tlv, toolkit_events
from hil.wire.admin_http import AdminPost
from hil.wire.admin_session import AdminRequest, PskIdentity, RetryPolicy
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.cat_events import read_location_status
from hil.wire.compact_script import MANAGEMENT_ANSWERS, read_commands
from hil.wire.ecc import P256, PrivateKey, PublicKey
from hil.wire.http_reader import HttpResponse, HttpResponseReader
from hil.wire.identifiers import ISD_R_AID
from hil.wire.key_blocks import AES, DES, PSK_TLS, CardKey, read_blocks
from hil.wire.key_establishment import Reference
from hil.wire.key_establishment_messages import read_challenge
from hil.wire.notification import Notification
from hil.wire.scp02 import CardSession as Scp02Card
from hil.wire.scp02 import DesKeySet
from hil.wire.scp02 import HostSession as Scp02Host
from hil.wire.scp03 import CardSession, HostSession, KeySet, card_challenge
from hil.wire.scp03t import TlvCardSession, TlvHostSession
from hil.wire.sms_address import Address
from hil.wire.tls.client import TlsClient
from hil.wire.tls.engine import Engine
from hil.wire.tls.messages import decode_identity, encode_identity
from hil.wire.tls.protection import CbcProtection, GcmProtection
from hil.wire.tls.secrets import DirectionKeys
from hil.wire.tls.server import TlsServer
from hil.wire.toolkit_parameters import AccessDomain, ToolkitParameters, read_security_level
from tests.fuzz.engine import Target, encoded

EID = "89049032123451234512345678901235"
_PSK = bytes(range(16))
_DEK = CardKey(AES, bytes(range(16)))
_KEYS = KeySet(0x30, bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
_IDENTITY = PskIdentity(EID, ISD_R_AID, 0x40)
_STATUS = bip.ChannelStatus(1, established=True)


def _zeros(size: int) -> bytes:
    return bytes(size)


def _key_blocks() -> list[bytes]:
    cipher, other = aes.Cbc(_DEK.value), (CardKey(DES, bytes(range(8))), CardKey(PSK_TLS, _PSK))
    keys = (CardKey(AES, _PSK), *other)
    return [b"".join(one.encode(cipher) for one in keys), CardKey(AES, _PSK).encode(cipher)]


def _commands_of(*commands: CommandApdu) -> bytes:
    return b"".join(bytes((len(one.encode()),)) + one.encode() for one in commands)


def _cut(raw: bytes) -> list[bytes]:
    """Cut an input into messages: a length byte before each."""
    found: list[bytes] = []
    at = 0
    while at < len(raw):
        found.append(raw[at + 1 : at + 1 + raw[at]])
        at += 1 + raw[at]
    return found


# Secure channels: the session is opened rightly, what follows is the input.


def _scp02() -> tuple[Scp02Host, Scp02Card]:
    keys = DesKeySet(0x20, bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
    host = Scp02Host(keys, bytes(8))
    card = Scp02Card(keys, bytes(8), card_challenge=bytes(6), counter=1)
    host.open(card.answer())
    card.authenticate(host.external_authenticate(0x03))
    return host, card


def _scp02_command(raw: bytes) -> object:
    return _scp02()[1].unwrap(CommandApdu.decode(raw))


def _scp03_pair() -> tuple[HostSession, CardSession]:
    host = HostSession(_KEYS, bytes(8))
    challenge = card_challenge(_KEYS, 1, ISD_R_AID)
    card = CardSession(_KEYS, host._handshake.request, challenge=challenge, counter=1)
    host.open(card.answer())
    card.authenticate(host.external_authenticate())
    card.unwrap(host.wrap(CommandApdu(0x80, 0xCA, 0x00, 0x66, le=256)))
    return host, card


def _scp03_response(raw: bytes) -> object:
    return _scp03_pair()[0].unwrap(ResponseApdu.decode(raw))


def _scp03t_pair() -> tuple[TlvHostSession, TlvCardSession]:
    host = TlvHostSession(_KEYS, bytes(8))
    challenge = card_challenge(_KEYS, 1, ISD_R_AID)
    card = TlvCardSession(_KEYS, host.request, challenge=challenge, counter=1)
    host.open(card.answer())
    card.authenticate(host.external_authenticate())
    return host, card


def _scp03t_command(raw: bytes) -> object:
    return _scp03t_pair()[1].unwrap(raw)


def _scp03t_answer(raw: bytes) -> object:
    host, card = _scp03t_pair()
    card.unwrap(host.wrap(b"piece"))
    return host.unwrap(raw)


def _scp03t_answers() -> list[bytes]:
    host, card = _scp03t_pair()
    card.unwrap(host.wrap(b"piece"))
    return [card.wrap(b"answer"), b"\x86\x00"]


# TLS: bytes of a peer, from the first one on, and behind a handshake.


def _hellos(server: bool) -> list[bytes]:
    ends = _ends()
    sent = [b"", b""]
    for _ in range(4):
        for ours, other in ((0, 1), (1, 0)):
            data = ends[ours].outgoing()
            sent[ours] += data
            ends[other].receive(data)
    assert ends[0].established
    return [sent[0] if server else sent[1]]


def _ends() -> tuple[TlsClient, TlsServer]:
    identity = _IDENTITY.encode()
    client = TlsClient(identity, _PSK, entropy=_zeros)
    return client, TlsServer(lambda name: _PSK if name == identity else None, entropy=_zeros)


def _fed(end: Engine, raw: bytes) -> object:
    for start in range(0, len(raw), 13):
        end.receive(raw[start : start + 13])
    assert len(end.read()) <= len(raw)
    return end.established


def _tls_server(raw: bytes) -> object:
    return _fed(_ends()[1], raw)


def _tls_client(raw: bytes) -> object:
    client = _ends()[0]
    client.outgoing()
    return _fed(client, raw)


def _direction(mac: int, salt: int) -> DirectionKeys:
    return DirectionKeys(bytes(mac), bytes(16), bytes(salt))


def _gcm(raw: bytes) -> object:
    return GcmProtection(_direction(0, 4)).open(0, 23, raw)


def _cbc(raw: bytes) -> object:
    return CbcProtection(_direction(32, 0), _zeros, encrypt_then_mac=False).open(0, 23, raw)


def _cbc_seeds() -> list[bytes]:
    keys = _direction(32, 0)
    return [CbcProtection(keys, _zeros, encrypt_then_mac=False).seal(0, 23, b"data" * 9)]


# HTTP of administration sessions.


def _responses(raw: bytes) -> list[HttpResponse]:
    reader = HttpResponseReader(max_body=4096)
    found: list[HttpResponse] = []
    for start in range(0, len(raw), 7):
        reader.feed(raw[start : start + 7])
        while (one := reader.next()) is not None:
            found.append(one)
    assert sum(len(one.body) for one in found) <= len(raw)
    return found


_SCRIPT = bytes.fromhex("AA0D220B80F24002024F00")
_HTTP = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.globalplatform.card-content-mgt;version=1.0"
    b"\r\nX-Admin-Protocol: globalplatform-remote-admin/1.0\r\nX-Admin-Next-URI: /next?a=1\r\n"
    b"X-Admin-Targeted-Application: //aid/A000000559/1010FFFFFFFF8900000100\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n%X\r\n%b\r\n0\r\n\r\n" % (len(_SCRIPT), _SCRIPT)
)
_END = b"HTTP/1.1 204 No Content\r\n\r\n"
_COUNTED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def _dialogue(raw: bytes) -> object:
    """What the card does with the answers of a server that has proved itself."""
    client, server = _ends()
    agent_id = admin_http.agent_id(EID, ISD_R_AID)
    ran: list[bytes] = []

    def run(_aid: bytes, script: bytes) -> bytes:
        ran.append(script)
        return b""

    dialogue = AdminDialogue(
        client,
        Caller("host", agent_id),
        AdminPost("/", "host", agent_id),
        run=run,
        note=lambda _progress: None,
    )
    for _ in range(4):
        server.receive(dialogue.outgoing())
        if answer := server.outgoing():
            dialogue.receive(answer)
    server.write(raw)
    dialogue.receive(server.outgoing())
    assert sum(map(len, ran)) <= len(raw)
    return dialogue.over


def _identity(raw: bytes) -> object:
    return admin_http.parse_agent_id(raw.decode("latin-1"))


def _target(raw: bytes) -> object:
    return admin_http.parse_target(raw.decode("latin-1"))


def _next_uri(raw: bytes) -> object:
    return admin_http.next_uri(raw.decode("latin-1"))


def _admin_requests() -> list[bytes]:
    connection = bip.OpenChannel(bytes((127, 0, 0, 1)), 443, access_name="hil.internet")
    full = AdminRequest(
        connection, _IDENTITY.encode(), 0x40, 1, RetryPolicy(3, 60), b"host", b"//se-id", b"/uri"
    )
    return [AdminRequest().encode(), full.encode()]


# Toolkit: what the terminal says.


def _opened_channel(raw: bytes) -> object:
    return bip.OpenChannel.of_objects(tlv.decode_all(raw))


def _channel_objects() -> list[bytes]:
    channel = bip.OpenChannel(bytes((127, 0, 0, 1)), 443, access_name="hil.internet")
    return [b"".join(one.encode() for one in channel.objects())]


def _answers_of_channels(raw: bytes) -> object:
    objects = tlv.decode_all(raw)
    return bip.data_of(objects), bip.length_of(objects), bip.status_of(objects)


def _channel_answers() -> list[bytes]:
    data = tlv.encode(bip.CHANNEL_DATA, b"abc") + tlv.encode(bip.CHANNEL_DATA_LENGTH, b"\x07")
    return [data + _STATUS.encode()]


def _event(raw: bytes) -> object:
    command = CommandApdu.decode(raw)
    return toolkit_events.parse_event(command), read_location_status(command)


def _timer(raw: bytes) -> object:
    return toolkit_events.parse_timer(CommandApdu.decode(raw))


def _events() -> list[bytes]:
    there = toolkit_events.channel_status(_STATUS).encode()
    location = bytes.fromhex("80C200000CD60A19010382028281") + b"\x1b\x01\x00"
    return [there, toolkit_events.data_available(_STATUS, 9).encode(), location]


# Content management.


def _chain(raw: bytes) -> object:
    chain = Chain()
    found = [chain.feed(CommandApdu.decode(one)) for one in _cut(raw)]
    assert len(chain.write()) < len(raw) + 64
    return found


def _chains() -> list[bytes]:
    first = CommandApdu(0x80, 0xE2, 0x08, 0x00, bytes(20))
    return [_commands_of(first, CommandApdu(0x80, 0xE2, 0x88, 0x01, bytes(9), 256))]


def _collected(raw: bytes) -> object:
    collector = PackageCollector(2048)
    return [collector.feed(raw[start : start + 11]) for start in range(0, len(raw), 11)]


def _compact(raw: bytes) -> object:
    return list(read_commands(raw, MANAGEMENT_ANSWERS))


def _access(raw: bytes) -> object:
    return AccessDomain.decode(raw)


def _points() -> list[bytes]:
    return [PrivateKey(P256, (7).to_bytes(32, "big")).public.encode()]


def _notifications() -> list[bytes]:
    return [Notification(EID, 1, 2, ISD_R_AID, bytes(8), bytes(7)).encode()]


TARGETS: dict[str, Target] = {
    "key-blocks": Target(lambda raw: read_blocks(raw, aes.Cbc(_DEK.value)), _key_blocks),
    "key-blocks-3des": Target(
        lambda raw: read_blocks(raw, des.Ecb(bytes(range(16)))),
        lambda: [CardKey(DES, bytes(range(8))).encode(des.Ecb(bytes(range(16))))],
    ),
    "key-reference": Target(
        Reference.decode, lambda: [Reference(kvn=0x30, key_id=1).encode()], again=encoded
    ),
    "key-challenge": Target(read_challenge, lambda: [tlv.encode(0x85, bytes(16))]),
    "public-key": Target(PublicKey.decode, _points),
    "scp02-command": Target(
        _scp02_command,
        lambda: [_scp02()[0].wrap(CommandApdu(0x80, 0xE2, 0x88, 0, bytes(20))).encode()],
    ),
    "scp03-response": Target(
        _scp03_response,
        lambda: [_scp03_pair()[1].wrap(ResponseApdu(b"answer", 0x9000)).encode()],
    ),
    "scp03t-command": Target(_scp03t_command, lambda: [_scp03t_pair()[0].wrap(b"piece")]),
    "scp03t-answer": Target(_scp03t_answer, _scp03t_answers),
    "tls-server": Target(_tls_server, lambda: _hellos(server=True)),
    "tls-client": Target(_tls_client, lambda: _hellos(server=False)),
    "tls-identity": Target(decode_identity, lambda: [encode_identity(b"card")]),
    "tls-gcm": Target(_gcm, lambda: [GcmProtection(_direction(0, 4)).seal(0, 23, b"data")]),
    "tls-cbc": Target(_cbc, _cbc_seeds),
    "psk-identity": Target(PskIdentity.decode, lambda: [_IDENTITY.encode()], again=encoded),
    "http-responses": Target(_responses, lambda: [_HTTP + _END, _COUNTED], mutations=400),
    "admin-dialogue": Target(_dialogue, lambda: [_HTTP, _HTTP + _END], mutations=120),
    "admin-agent-id": Target(
        _identity, lambda: [admin_http.agent_id(EID, ISD_R_AID).encode("ascii")]
    ),
    "admin-target": Target(_target, lambda: [admin_http.target(ISD_R_AID).encode("ascii")]),
    "admin-next-uri": Target(_next_uri, lambda: [b"/a?b=1", b"https://host:443/a"]),
    "admin-request": Target(AdminRequest.decode, _admin_requests, again=encoded),
    "open-channel": Target(_opened_channel, _channel_objects),
    "channel-answers": Target(_answers_of_channels, _channel_answers),
    "toolkit-event": Target(_event, _events),
    "toolkit-timer": Target(_timer, lambda: [toolkit_events.timer_expiration(1, 60).encode()]),
    "store-data-chain": Target(_chain, _chains, errors=(CodecError, RefusalError)),
    "package-pieces": Target(
        _collected, lambda: [bytes.fromhex("A0053003800101AA00")], errors=(InstallError,)
    ),
    "compact-script": Target(_compact, lambda: [bytes.fromhex("80F24002024F0080CA006600")]),
    "toolkit-parameters": Target(
        ToolkitParameters.decode, lambda: [bytes.fromhex("FF0000000002011606B00010B00011")]
    ),
    "security-level": Target(read_security_level, lambda: [b"", b"\x01\x16"]),
    "access-domain": Target(_access, lambda: [b"\x00", bytes.fromhex("02010203")]),
    "addressing": Target(
        isdr_commands.read_addressing,
        lambda: [isdr_commands.update_addressing(Address("12345678")).data[3:]],
    ),
    "deleted-profiles": Target(
        isdr_commands.deleted_profiles, lambda: [isdr_commands.deleted_answer((ISD_R_AID,))]
    ),
    "notification": Target(Notification.decode, _notifications, again=encoded),
}
