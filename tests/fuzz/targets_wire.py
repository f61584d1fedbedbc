"""The languages of :mod:`hil.wire`: bytes in, values or a CodecError out."""

from __future__ import annotations

from hil.wire import atr, dgi, es10, identifiers, scp80, smpp, sms, tlv
from hil.wire import device_frames as frames
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.cat import (
    CommandDetails,
    ProactiveCommand,
    TerminalResponse,
    envelope_sms_pp,
    parse_envelope,
)
from hil.wire.command_script import CommandScript, CompactResponse, ResponseScript
from hil.wire.ecc import P256, PrivateKey
from hil.wire.gp_certificate import Certificate
from hil.wire.isdr_commands import create_isdp, get_status
from hil.wire.key_establishment import Reference
from hil.wire.key_establishment_messages import KeyRequest
from hil.wire.put_key import PutKey
from hil.wire.scp03 import (
    CardSession,
    HostSession,
    InitializeUpdateAnswer,
    KeySet,
    parse_initialize_update,
)
from hil.wire.scp03t import parse_tlv_initialize_update
from hil.wire.scp80 import SGP02_SPI, OtaKeySet, SecurityParameters
from hil.wire.sms import SmsDeliver, SmsDeliverReport, SmsSubmit
from hil.wire.tls.messages import ClientHello, ServerHello
from hil.wire.tls.records import RecordReader
from tests.fuzz.engine import Target, encoded, joined

_KEYS = KeySet(0x30, bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
_OTA = OtaKeySet(1, bytes(range(16)), bytes(range(1, 17)), bytes(16))
_OTA_PARAMETERS = SecurityParameters(SGP02_SPI, identifiers.ISD_R_TAR)
_APDUS = [
    "00A4040010A0000005591010FFFFFFFF890000010000",
    "80F22002",
    "80CA006600",
    "80E2910006BF3E035C015A00",
    "00A40004023F00",
    "00D600000000FF" + "11" * 255,
]


def _hex(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text.replace(" ", "")) for text in texts]


def _script() -> bytes:
    return CommandScript.of((create_isdp(identifiers.isd_p_aid(0x10), 1000), get_status())).encode()


def _delivers() -> list[bytes]:
    packet = scp80.wrap_command(_script(), 1, _OTA_PARAMETERS, _OTA)
    parts = sms.split(packet, reference=7)
    return [SmsDeliver(sms.Address("12345678"), one).encode() for one in parts]


def _submits() -> list[bytes]:
    return [SmsSubmit(sms.Address("12345678"), b"\x00\x01\x02").encode()]


def _reports() -> list[bytes]:
    return [SmsDeliverReport(b"\x00\x01\x02").encode(), SmsDeliverReport(failure=0xD5).encode()]


def _scp80_command(raw: bytes) -> object:
    return scp80.unwrap_command(raw, _OTA)


def _scp80_response(raw: bytes) -> object:
    return scp80.unwrap_response(raw, _OTA_PARAMETERS, _OTA)


def _scp80_seeds() -> list[bytes]:
    return [scp80.wrap_command(_script(), 1, _OTA_PARAMETERS, _OTA)]


def _response_seeds() -> list[bytes]:
    response = scp80.ResponsePacket(
        identifiers.ISD_R_TAR, 1, 0, bytes.fromhex("AB0780010123029000")
    )
    return [scp80.wrap_response(response, _OTA_PARAMETERS, _OTA)]


def _secured_command(raw: bytes) -> object:
    """An SCP03 session just opened gets any APDU."""
    host = HostSession(_KEYS, bytes(8))
    card = CardSession(_KEYS, host._handshake.request, challenge=_challenge(), counter=1)
    host.open(card.answer())
    card.authenticate(host.external_authenticate())
    return card.unwrap(CommandApdu.decode(raw))


def _challenge() -> bytes:
    from hil.wire.scp03 import card_challenge  # noqa: PLC0415

    return card_challenge(_KEYS, 1, identifiers.ISD_R_AID)


def _secured_seeds() -> list[bytes]:
    host = HostSession(_KEYS, bytes(8))
    card = CardSession(_KEYS, host._handshake.request, challenge=_challenge(), counter=1)
    host.open(card.answer())
    host.external_authenticate()
    return [host.wrap(CommandApdu(0x80, 0xE2, 0x88, 0, bytes(20))).encode()]


def _initialize_answers() -> list[bytes]:
    host = HostSession(_KEYS, bytes(8))
    card = CardSession(_KEYS, host._handshake.request, challenge=_challenge(), counter=1)
    return [card.answer().data]


def _frame_seeds() -> list[bytes]:
    return [
        frames.encode(one)
        for one in (
            frames.Data(0, b"abc"),
            frames.Acknowledge(1, 2, 3),
            frames.Finish(bytes(32)),
            frames.Done(frames.TransferResult(0)),
            frames.Escape(),
        )
    ]


def _frame(raw: bytes) -> object:
    return frames.decode(raw.rstrip(b"\x00"))


def _deframe(raw: bytes) -> object:
    deframer = frames.Deframer()
    found = [
        one for start in range(0, len(raw), 7) for one in deframer.feed(raw[start : start + 7])
    ]
    assert len(deframer.pending) <= 2 * len(raw) + 1
    return found


def _smpp_seeds() -> list[bytes]:
    bind = smpp.Bind("esme", "secret")
    message = smpp.ShortMessage(
        source=smpp.Party(address="12345678"),
        destination=smpp.Party(address="87654321"),
        message=b"hello",
    )
    data = smpp.DataMessage(message.source, message.destination, b"hello")
    return [
        smpp.Pdu(smpp.Command.BIND_TRANSCEIVER, 1, bind).encode(),
        smpp.Pdu(smpp.Command.SUBMIT_SM, 2, message).encode(),
        smpp.Pdu(smpp.Command.ENQUIRE_LINK, 3).encode(),
        smpp.Pdu(smpp.Command.SUBMIT_SM_RESP, 4, smpp.Named("1")).encode(),
        smpp.Pdu(smpp.Command.DATA_SM, 5, data).encode(),
    ]


def _smpp_stream(raw: bytes) -> object:
    reader = smpp.StreamReader()
    found = []
    for start in range(0, len(raw), 5):
        found += [smpp.Pdu.decode(one) for one in reader.feed(raw[start : start + 5])]
    return found


def _smpp_pdu(raw: bytes) -> object:
    return smpp.Pdu.decode(raw)


def _certificates() -> list[bytes]:
    from hil.provisioning.certificates import Issuer  # noqa: PLC0415
    from hil.wire.gp_certificate import Role  # noqa: PLC0415

    issuer = Issuer(b"CI", PrivateKey.generate(P256))
    subject = PrivateKey.generate(P256).public
    return [issuer.issue(b"SM-DP", subject, role=Role.SM_DP, serial=b"\x01").encode()]


def _key_requests() -> list[bytes]:
    key = PrivateKey.generate(P256)
    request = KeyRequest.make(Reference(kvn=0x30, key_id=1), key.public, key, bytes(16))
    return [request.encode()]


def _records(raw: bytes) -> object:
    reader = RecordReader()
    found = []
    for start in range(0, len(raw), 11):
        reader.feed(raw[start : start + 11])
        while (record := reader.next()) is not None:
            found.append(record)
    return found


def _client_hello() -> bytes:
    return ClientHello(bytes(32), (0x00A8, 0x00AE), {1: b"\x04"}).encode()


def _server_hello() -> bytes:
    return ServerHello(bytes(32), 0x00A8, {1: b"\x04"}).encode()


def _terminal_response(raw: bytes) -> object:
    return TerminalResponse.decode(CommandApdu.decode(raw))


def _terminal_responses() -> list[bytes]:
    details = CommandDetails(1, 0x13, 0)
    return [TerminalResponse(details, 0).encode().encode()]


TARGETS: dict[str, Target] = {
    "apdu-command": Target(CommandApdu.decode, lambda: _hex(*_APDUS[:5]), again=encoded),
    "apdu-response": Target(ResponseApdu.decode, lambda: _hex("9000", "AABB6A82"), again=encoded),
    "atr": Target(atr.decode, lambda: _hex("3B9F97803FC7828031E073FE211F6409069200829000FB")),
    "tlv": Target(
        tlv.decode_all, lambda: _hex("6F188410A0000005591010FFFFFFFF8900000100A5049F6501FF")
    ),
    "dgi": Target(dgi.decode_all, lambda: _hex("3A03124F10" + "11" * 16), again=joined),
    "dgi-ber-lengths": Target(
        lambda raw: dgi.decode_all(raw, ber_lengths=True), lambda: _hex("7F498103010203")
    ),
    "scp80-command": Target(_scp80_command, _scp80_seeds),
    "scp80-response": Target(_scp80_response, _response_seeds),
    "scp03-opening": Target(
        lambda raw: parse_initialize_update(CommandApdu.decode(raw)),
        lambda: [bytes.fromhex("8050300008010203040506070800")],
    ),
    "scp03-command": Target(_secured_command, _secured_seeds),
    "scp03-initialize": Target(InitializeUpdateAnswer.decode, _initialize_answers, again=encoded),
    "scp03t-initialize": Target(
        parse_tlv_initialize_update, lambda: _hex("840A30010102030405060708")
    ),
    "sms-deliver": Target(SmsDeliver.decode, _delivers, again=encoded),
    "sms-submit": Target(SmsSubmit.decode, _submits, again=encoded),
    "sms-report": Target(SmsDeliverReport.decode, _reports, again=encoded),
    "sms-part": Target(
        sms.read_part,
        lambda: sms.split(scp80.wrap_command(_script(), 1, _OTA_PARAMETERS, _OTA), reference=7),
    ),
    "command-script": Target(CommandScript.decode, lambda: [_script()], again=encoded),
    "response-script": Target(
        ResponseScript.decode, lambda: _hex("AB0780010123029000"), again=encoded
    ),
    "compact-response": Target(CompactResponse.decode, lambda: _hex("019000"), again=encoded),
    "smpp-stream": Target(_smpp_stream, _smpp_seeds),
    "smpp-pdu": Target(_smpp_pdu, _smpp_seeds, again=encoded),
    "envelope": Target(
        lambda raw: parse_envelope(CommandApdu.decode(raw)),
        lambda: [envelope_sms_pp(one).encode() for one in _delivers()],
    ),
    "proactive-command": Target(
        ProactiveCommand.decode, lambda: _hex("D009810301010082028182"), again=encoded
    ),
    "terminal-response": Target(_terminal_response, _terminal_responses),
    "device-frame": Target(_frame, _frame_seeds, again=frames.encode),
    "device-stream": Target(_deframe, _frame_seeds, errors=(), refuses=False),
    "put-key": Target(
        lambda raw: PutKey.decode(raw, bytes(16)),
        lambda: [PutKey(0x31, (bytes(16), bytes(24), bytes(32))).encode(bytes(16))],
    ),
    "gp-certificate": Target(Certificate.decode, _certificates, again=encoded),
    "key-request": Target(KeyRequest.decode, _key_requests, again=encoded),
    "tls-records": Target(_records, lambda: _hex("160303000401020304 150303 0002 0228")),
    "tls-client-hello": Target(ClientHello.decode, lambda: [_client_hello()], again=encoded),
    "tls-server-hello": Target(ServerHello.decode, lambda: [_server_hello()], again=encoded),
    "euicc-info": Target(
        es10.decode_info,
        lambda: _hex("BF200B8203020300A9040402AABB"),
    ),
    "profiles-info": Target(
        es10.decode_profiles,
        lambda: _hex("BF2D1AA018E3165A0A984405000000000000F19F700101920141950102"),
    ),
}
