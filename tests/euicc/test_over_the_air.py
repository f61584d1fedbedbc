from __future__ import annotations

import itertools

import pytest

from hil.virtual.euicc import VirtualCard
from hil.virtual.euicc.remote_scripts import RemoteScripts
from hil.wire import cat, isdr_commands, scp80, sms, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.identifiers import ISD_R_TAR, isd_p_aid, tar_of
from hil.wire.scp80 import OtaKeySet, ResponsePacket, SecurityParameters, Spi
from hil.wire.tlv import Tlv
from tests.euicc.terminal import OTA_KEYS, SENDER, Terminal, messages, packets_for, profile

AID = isd_p_aid(0x10)
DISABLED = 0x1F
ALL_TERMINALS = cat.terminal_profile(b"\xff" * 20)


def script(*commands: CommandApdu) -> bytes:
    return CommandScript.of(commands).encode()


def receipts(
    terminal: Terminal, sw: int, *, tar: bytes = ISD_R_TAR, spi: bytes = scp80.SGP02_SPI
) -> list[ResponsePacket]:
    """Fetch all proofs of receipt sent by SMS-SUBMIT."""
    parts = sms.Reassembler()
    found = []
    while sw >> 8 == 0x91:
        command = terminal.fetch(sw)
        sw = terminal.done(command)
        if command.kind != cat.CommandType.SEND_SHORT_MESSAGE:
            continue
        submit = sms.SmsSubmit.decode(command.tpdu)
        assert submit.destination == SENDER
        whole = parts.add("", submit.user_data, now_s=0)
        if whole is not None:
            assert whole.kind == "response"
            parameters = SecurityParameters(spi, tar)
            found.append(scp80.unwrap_response(whole.payload, parameters, OTA_KEYS))
    assert sw == 0x9000
    return found


def send(terminal: Terminal, tpdus: list[bytes]) -> int:
    sw = 0x9000
    for tpdu in tpdus:
        answer = terminal.envelope(tpdu)
        assert answer.data == b""
        sw = answer.sw
    return sw


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    assert terminal.send(ALL_TERMINALS).sw == 0x9000
    return terminal


def test_the_published_message_enables_a_profile(ready: Terminal) -> None:
    """Worked vector A: the whole ENVELOPE, and its proof of receipt byte for byte."""
    ready.install(AID, profile())
    envelope = (
        "80c200005dd15b82028381860580103254768b4e400881214365877ff6227052000000003d027000"
        "0038151639121200000167468a44cbabebeb3bc14d7baf1d5b6a5478e23be52de84e7a528758710823244e80"
        "301cbd240f4b486cf1ce5f10b902"
    )
    assert bytes.fromhex("a0000005591010ffffffff8900001000") == AID
    assert ready.raw(envelope)[:2] == "91"
    sw = int(ready.raw("00A4000C023F00"), 16)
    receipt = ready.fetch(sw)
    assert sms.SmsSubmit.decode(receipt.tpdu).user_data.hex() == (
        "027100002412000001df292d2a9f93d816c519d8b64540ab2fd60175d0503fc61b471ddb3c2aa09ed8"
    )
    refresh = ready.fetch(ready.done(receipt))
    assert refresh.kind == cat.CommandType.REFRESH
    assert ready.done(refresh) == 0x9000
    # The same message again: counter low, echoed, nothing done.
    sw = int(ready.raw(envelope), 16)
    assert sms.SmsSubmit.decode(ready.fetch(sw).tpdu).user_data.hex() == (
        "0271000014120000016c6171f7ff4719ae3fea57600d3d8428"
    )


def test_several_commands_in_several_messages(ready: Terminal) -> None:
    commands = [isdr_commands.create_isdp(isd_p_aid(0x30 + n), 1000) for n in range(4)]
    tpdus = messages(script(*commands), 1)
    assert len(tpdus) == 3
    (receipt,) = receipts(ready, send(ready, tpdus))
    assert (receipt.status, receipt.counter) == (0, 1)
    response = ResponseScript.decode(receipt.data)
    assert response.executed == 4
    assert [one.encode().hex() for one in response.answers] == ["009000"] * 4
    assert len(ready.states()) == 4


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_messages_in_any_order(ready: Terminal, order: tuple[int, ...]) -> None:
    commands = [isdr_commands.create_isdp(isd_p_aid(0x30 + n), 1000) for n in range(4)]
    tpdus = messages(script(*commands), 1)
    (receipt,) = receipts(ready, send(ready, [tpdus[n] for n in order]))
    assert ResponseScript.decode(receipt.data).executed == 4


def test_doubled_messages_change_nothing(ready: Terminal) -> None:
    commands = [isdr_commands.create_isdp(isd_p_aid(0x30 + n), 1000) for n in range(4)]
    tpdus = messages(script(*commands), 1)
    (receipt,) = receipts(ready, send(ready, [tpdus[0], tpdus[0], tpdus[1], tpdus[1], tpdus[2]]))
    assert ResponseScript.decode(receipt.data).executed == 4
    assert ready.envelope(tpdus[2]).sw == 0x9000


def test_parts_are_lost_at_reset(ready: Terminal, card: VirtualCard) -> None:
    commands = [isdr_commands.create_isdp(isd_p_aid(0x30 + n), 1000) for n in range(4)]
    tpdus = messages(script(*commands), 1)
    send(ready, tpdus[:2])
    card.reset()
    assert send(ready, tpdus[2:]) == 0x9000
    assert ready.states() == {}


@pytest.mark.parametrize("first", [1, 7, 0x0123456789])
def test_replay_and_older_counters(ready: Terminal, card: VirtualCard, first: int) -> None:
    one = isdr_commands.create_isdp(isd_p_aid(0x30), 1000)
    other = isdr_commands.create_isdp(isd_p_aid(0x31), 1000)
    (receipt,) = receipts(ready, send(ready, messages(script(one), first)))
    assert receipt.status == scp80.ResponseStatus.OK
    card.reset()
    ready.send(ALL_TERMINALS)
    for counter in {first, first - 1, 0}:
        (receipt,) = receipts(ready, send(ready, messages(script(other), counter)))
        assert receipt.status == scp80.ResponseStatus.COUNTER_LOW
        assert receipt.data == b""
    assert list(ready.states()) == [isd_p_aid(0x30)]
    (receipt,) = receipts(ready, send(ready, messages(script(other), first + 1)))
    assert receipt.status == scp80.ResponseStatus.OK


def test_counter_is_stored_before_the_script_runs(
    ready: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_lost(*_: object) -> bytes:
        raise OSError("power lost")

    tpdus = messages(script(isdr_commands.create_isdp(AID, 1000)), 5)
    with monkeypatch.context() as patch:
        patch.setattr(RemoteScripts, "run", power_lost)
        assert ready.envelope(tpdus[0]).sw == 0x6581
    (receipt,) = receipts(ready, send(ready, tpdus))
    assert receipt.status == scp80.ResponseStatus.COUNTER_LOW
    assert ready.states() == {}


@pytest.mark.parametrize("first_octet", ["06", "12", "15", "02", "00", "0E", "14"])
def test_weaker_security_is_dropped_in_silence(ready: Terminal, first_octet: str) -> None:
    spi = bytes.fromhex(first_octet + "39")
    parameters = SecurityParameters(spi, ISD_R_TAR, kid_algorithm=5 if spi[0] & 3 == 1 else 2)
    packet = scp80.wrap_command(
        script(isdr_commands.create_isdp(AID, 1000)), 1, parameters, OTA_KEYS
    )
    (user_data,) = sms.split(packet)
    answer = ready.envelope(sms.SmsDeliver(SENDER, user_data).encode())
    assert (answer.data, answer.sw) == (b"", 0x9000)
    assert ready.states() == {}


@pytest.mark.parametrize(
    "keys",
    [
        OtaKeySet(1, OTA_KEYS.kic, bytes(16)),
        OtaKeySet(1, bytes(16), OTA_KEYS.kid),
        OtaKeySet(2, OTA_KEYS.kic, OTA_KEYS.kid),
    ],
    ids=["kid", "kic", "kvn"],
)
def test_wrong_keys_are_dropped_and_move_no_counter(ready: Terminal, keys: OtaKeySet) -> None:
    create = script(isdr_commands.create_isdp(AID, 1000))
    assert send(ready, messages(create, 1000, keys=keys)) == 0x9000
    assert ready.states() == {}
    (receipt,) = receipts(ready, send(ready, messages(create, 1)))
    assert receipt.status == scp80.ResponseStatus.OK


def test_any_flipped_bit_is_dropped(ready: Terminal) -> None:
    (tpdu,) = messages(script(isdr_commands.delete_profile(AID)), 1)
    start = 20  # behind address, time stamp and length: user data header and packet
    for place in range(start, len(tpdu), 5):
        broken = bytearray(tpdu)
        broken[place] ^= 0x10
        answer = ready.envelope(bytes(broken))
        assert (answer.data, answer.sw) == (b"", 0x9000)
    (receipt,) = receipts(ready, send(ready, [tpdu]))
    assert ResponseScript.decode(receipt.data).answers[0].sw == 0x6A88


def test_receipt_by_delivery_report(terminal: Terminal) -> None:
    spi = Spi(por_by_submit=False).encode()
    (tpdu,) = messages(script(isdr_commands.delete_profile(AID)), 1, spi=spi)
    answer = terminal.envelope(tpdu)
    assert answer.sw == 0x9000
    assert answer.data[:3].hex() == "027100"
    parameters = SecurityParameters(spi, ISD_R_TAR)
    receipt = scp80.unwrap_response(answer.data[3:], parameters, OTA_KEYS)
    assert ResponseScript.decode(receipt.data).answers[0].sw == 0x6A88


def test_a_long_receipt_is_announced_in_the_report(ready: Terminal) -> None:
    for n in range(6):
        ready.isd_r(isdr_commands.create_isdp(isd_p_aid(0x30 + n), 1000))
    spi = Spi(por_by_submit=False).encode()
    (tpdu,) = messages(script(isdr_commands.get_status()), 1, spi=spi)
    answer = ready.envelope(tpdu)
    parameters = SecurityParameters(spi, ISD_R_TAR)
    report = scp80.unwrap_response(answer.data[3:], parameters, OTA_KEYS)
    assert report.status == scp80.ResponseStatus.ANSWER_BY_SUBMIT
    (receipt,) = receipts(ready, answer.sw, spi=spi)
    (status,) = ResponseScript.decode(receipt.data).answers
    assert len(tlv.decode_all(status.data)) == 6


def test_no_receipt_is_sent_when_none_is_asked_for(ready: Terminal) -> None:
    spi = Spi(por=scp80.ProofOfReceipt.NEVER).encode()
    assert send(ready, messages(script(isdr_commands.create_isdp(AID, 1000)), 1, spi=spi)) == 0x9000
    assert AID in ready.states()


def test_execution_ends_at_the_first_error(ready: Terminal) -> None:
    commands = script(
        isdr_commands.create_isdp(AID, 1000),
        isdr_commands.enable_profile(AID),
        isdr_commands.delete_profile(AID),
    )
    (receipt,) = receipts(ready, send(ready, messages(commands, 1)))
    response = ResponseScript.decode(receipt.data)
    assert response.executed == 2
    assert [one.sw for one in response.answers] == [0x9000, 0x6985]
    assert list(ready.states()) == [AID]


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xaa\x05\x22\x09", bytes.fromhex("AA03990100"), b"\xae\x80"]
)
def test_a_script_of_bad_format_is_answered(ready: Terminal, data: bytes) -> None:
    (receipt,) = receipts(ready, send(ready, messages(data, 1)))
    assert receipt.status == 0
    assert ResponseScript.decode(receipt.data).bad_format is not None


def test_unknown_tar(ready: Terminal) -> None:
    tar = bytes.fromhex("0000FE")
    data = script(isdr_commands.get_status())
    (receipt,) = receipts(ready, send(ready, messages(data, 1, tar=tar)), tar=tar)
    assert receipt.status == scp80.ResponseStatus.TAR_UNKNOWN


def test_a_profile_comes_over_the_air(ready: Terminal, card: VirtualCard) -> None:
    package = profile()
    counter = itertools.count(1)
    create = script(isdr_commands.create_isdp(AID, 60_000))
    receipts(ready, send(ready, messages(create, next(counter))))
    for packet in packets_for(AID, package):
        item, _ = tlv.decode_one(packet.command)
        data = CommandScript((Tlv(item.tag, item.value),)).encode()
        tpdus = messages(data, next(counter), tar=tar_of(AID), reference=next(counter) % 256)
        (receipt,) = receipts(ready, send(ready, tpdus), tar=tar_of(AID))
        (answer,) = ResponseScript.decode(receipt.data).items
        assert answer.encode() == packet.expected
    assert ready.states() == {AID: DISABLED}


def test_script_of_indefinite_length_is_answered_so(ready: Terminal) -> None:
    data = CommandScript.of([isdr_commands.delete_profile(AID)], indefinite=True).encode()
    (receipt,) = receipts(ready, send(ready, messages(data, 1)))
    assert receipt.data.hex() == "af8023026a880000"


@pytest.mark.parametrize("envelope", ["80C2000006D60482028281", "80C2000009D30782020181900101"])
def test_other_envelopes_are_taken(terminal: Terminal, envelope: str) -> None:
    assert terminal.raw(envelope) == "9000"


@pytest.mark.parametrize(
    "envelope", ["80C2000002D105", "80C20000 04 D1028202", "80C200000100", "80C2000004D1028B00"]
)
def test_broken_envelopes_are_refused(terminal: Terminal, envelope: str) -> None:
    assert terminal.raw(envelope) in ("6A80", "6700")


def test_text_messages_are_not_for_the_card(terminal: Terminal) -> None:
    text = sms.SmsDeliver(SENDER, b"hello", pid=0, dcs=0x04, has_header=False).encode()
    answer = terminal.envelope(text)
    assert (answer.data, answer.sw) == (b"", 0x9000)


def test_receipts_wait_for_the_terminal_profile(terminal: Terminal) -> None:
    tpdus = messages(script(isdr_commands.create_isdp(AID, 1000)), 1)
    assert send(terminal, tpdus) == 0x9000
    answer = terminal.send(ALL_TERMINALS)
    assert len(receipts(terminal, answer.sw)) == 1
