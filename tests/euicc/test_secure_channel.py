from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.scp03 import HostSession
from tests.euicc.terminal import (
    AUDIT_KEYS,
    IMAGE_KEYS,
    SECRETS,
    Secure,
    Terminal,
    factory,
)

AID = isd_p_aid(0x20)
INITIALIZE = "8050300008 0102030405060708 00"


def counter(terminal: Terminal, kvn: int = 0x30) -> int:
    """The counter that the next session with a key set would use."""
    terminal.select(ISD_R_AID)
    answer = terminal.send(CommandApdu(0x80, 0x50, kvn, 0, bytes(8), 256))
    assert answer.sw == 0x9000
    return int.from_bytes(answer.data[-3:], "big")


def test_answer_to_initialize_update_is_predictable(terminal: Terminal) -> None:
    terminal.select(ISD_R_AID)
    assert terminal.raw(INITIALIZE) == "6120"
    first = terminal.raw("00C0000020")
    assert first[20:26] == "300370"
    assert first[-10:] == "0000019000"
    assert terminal.raw(INITIALIZE) == "6120"
    assert terminal.raw("00C0000020") == first


def test_counter_moves_when_the_host_has_shown_its_keys(terminal: Terminal) -> None:
    assert counter(terminal) == 1
    assert counter(terminal) == 1
    terminal.secure(IMAGE_KEYS)
    assert counter(terminal) == 2
    assert counter(terminal, 0x31) == 1


def test_counter_may_move_at_initialize_update(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory(counter_moves="initialize-update"))
    try:
        terminal = Terminal(card)
        assert [counter(terminal) for _ in range(3)] == [1, 2, 3]
    finally:
        card.close()


def test_counter_survives_power_loss_and_a_new_process(tmp_path: Path) -> None:
    for session in (1, 2, 3):
        card = open_card(tmp_path, factory())
        try:
            terminal = Terminal(card)
            assert counter(terminal) == session
            terminal.secure(IMAGE_KEYS)
            card.power_off()
        finally:
            card.close()


def test_wrong_host_cryptogram_ends_the_session_and_moves_nothing(terminal: Terminal) -> None:
    terminal.select(ISD_R_AID)
    host = HostSession(IMAGE_KEYS, bytes(8))
    host.open(terminal.send(host.initialize_update()), aid=ISD_R_AID)
    good = host.external_authenticate(level=0x33)
    bad = CommandApdu(
        good.cla, good.ins, good.p1, good.p2, bytes((good.data[0] ^ 1,)) + good.data[1:]
    )
    assert terminal.send(bad).sw == 0x6300
    assert terminal.send(good).sw == 0x6985
    assert counter(terminal) == 1


def test_wrong_mac_of_external_authenticate(terminal: Terminal) -> None:
    terminal.select(ISD_R_AID)
    host = HostSession(IMAGE_KEYS, bytes(8))
    host.open(terminal.send(host.initialize_update()), aid=ISD_R_AID)
    good = host.external_authenticate(level=0x33)
    data = good.data[:-1] + bytes((good.data[-1] ^ 1,))
    bad = CommandApdu(good.cla, good.ins, good.p1, good.p2, data)
    assert terminal.send(bad).sw == 0x6982
    assert counter(terminal) == 1


def test_external_authenticate_bears_the_mark_of_secure_messaging(terminal: Terminal) -> None:
    """In class 80 the right C-MAC does not help; in class 84 it does (Amendment D, 7.1)."""
    terminal.select(ISD_R_AID)
    host = HostSession(AUDIT_KEYS, bytes(8))
    host.open(terminal.send(host.initialize_update()), aid=ISD_R_AID)
    proof = host.external_authenticate(level=0x33)
    assert terminal.send(replace(proof, cla=0x80)).sw == 0x6E00
    assert terminal.send(proof).sw == 0x9000


@pytest.mark.parametrize("channel", [1, 2, 3])
def test_the_handshake_on_another_channel(terminal: Terminal, channel: int) -> None:
    for _ in range(channel):
        assert terminal.raw("0070000001").endswith("9000")
    host = HostSession(AUDIT_KEYS, bytes(8))
    for command in (isdr_commands.select(ISD_R_AID), host.initialize_update()):
        answer = terminal.send(command.on_channel(channel))
    host.open(answer, aid=ISD_R_AID)
    proof = host.external_authenticate(level=0x33).on_channel(channel)
    assert proof.cla == 0x84 | channel
    assert terminal.send(proof).sw == 0x9000
    asked = host.wrap(CommandApdu(0x80, 0xCA, 0x00, 0x66, le=256)).on_channel(channel)
    assert host.unwrap(terminal.send(asked)).sw == 0x9000


def test_a_session_can_not_be_replayed(terminal: Terminal, card: VirtualCard) -> None:
    terminal.select(ISD_R_AID)
    host = HostSession(IMAGE_KEYS, bytes(8))
    host.open(terminal.send(host.initialize_update()), aid=ISD_R_AID)
    authenticate = host.external_authenticate(level=0x33)
    create = host.wrap(isdr_commands.create_isdp(AID, 1000))
    assert terminal.send(authenticate).sw == 0x9000
    assert terminal.send(create).sw == 0x9000
    card.reset()
    terminal.select(ISD_R_AID)
    terminal.send(HostSession(IMAGE_KEYS, bytes(8)).initialize_update())
    assert terminal.send(authenticate).sw == 0x6300
    assert terminal.send(create).sw == 0x6982


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_command_is_refused_and_ends_the_session(terminal: Terminal, place: int) -> None:
    session = terminal.secure()
    good = session.host.wrap(isdr_commands.create_isdp(AID, 1000))
    data = bytearray(good.data)
    data[place] ^= 0x40
    bad = CommandApdu(good.cla, good.ins, good.p1, good.p2, bytes(data), 256)
    assert terminal.send(bad).sw == 0x6982
    assert terminal.send(good).sw == 0x6982
    assert terminal.states() == {}


def test_commands_out_of_order_are_refused(terminal: Terminal) -> None:
    session = terminal.secure()
    first = session.host.wrap(isdr_commands.create_isdp(isd_p_aid(0x20), 1000))
    second = session.host.wrap(isdr_commands.create_isdp(isd_p_aid(0x21), 1000))
    assert terminal.send(second).sw == 0x6982
    assert terminal.send(first).sw == 0x6982
    assert terminal.states() == {}


def test_a_plain_command_ends_a_secure_session(terminal: Terminal) -> None:
    session = terminal.secure()
    assert terminal.raw("80CA00E000") == "6982"
    assert terminal.send(session.host.wrap(isdr_commands.get_status())).sw == 0x6982


def test_selecting_anew_ends_the_session(terminal: Terminal) -> None:
    session = terminal.secure()
    command = session.host.wrap(isdr_commands.create_isdp(AID, 1000))
    terminal.select(ISD_R_AID)
    assert terminal.send(command).sw == 0x6982


def test_reset_ends_the_session(terminal: Terminal, card: VirtualCard) -> None:
    session = terminal.secure()
    command = session.host.wrap(isdr_commands.create_isdp(AID, 1000))
    card.reset()
    terminal.select(ISD_R_AID)
    assert terminal.send(command).sw == 0x6982


def test_refusals_in_a_session_are_bare_and_the_session_goes_on(terminal: Terminal) -> None:
    session = terminal.secure()
    assert session.send(isdr_commands.enable_profile(AID)) == ResponseApdu(b"", 0x6A88)
    assert session.send(isdr_commands.create_isdp(AID, 1000)) == ResponseApdu(b"\x00", 0x9000)


def test_sessions_on_two_channels_do_not_meet(terminal: Terminal) -> None:
    session = terminal.secure()
    assert terminal.raw("0070000001") == "019000"
    assert terminal.raw("01A4040C10" + ISD_R_AID.hex()) == "9000"
    foreign = session.host.wrap(isdr_commands.create_isdp(AID, 1000)).on_channel(1)
    assert terminal.send(foreign).sw == 0x6982
    again = terminal.secure()
    assert again.send(isdr_commands.create_isdp(AID, 1000)).sw == 0x9000


@pytest.mark.parametrize(("kvn", "sw"), [("01", "6A88"), ("32", "6A88"), ("20", "6A88")])
def test_unknown_key_sets(terminal: Terminal, kvn: str, sw: str) -> None:
    terminal.select(ISD_R_AID)
    assert terminal.raw(f"8050{kvn}000800000000000000000000"[:26] + "00") == sw


@pytest.mark.parametrize("header", ["E60C00", "E40040", "F24002"])
def test_the_isd_r_does_nothing_without_a_secure_channel(terminal: Terminal, header: str) -> None:
    terminal.select(ISD_R_AID)
    assert terminal.raw(f"80{header}024F0000") == "6982"


def test_used_up_counter_blocks_the_key_set(tmp_path: Path) -> None:
    content = factory()
    content["isd_r"]["scp03"][0]["counter"] = 0xFFFFFF  # type: ignore[index]
    card = open_card(tmp_path, content)
    try:
        terminal = Terminal(card)
        terminal.select(ISD_R_AID)
        assert terminal.raw(INITIALIZE) == "6983"
    finally:
        card.close()


def test_no_answer_and_no_log_holds_a_key(
    terminal: Terminal, caplog: pytest.LogCaptureFixture, package: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = bytearray()
    original = terminal.card.transmit

    class Listening:
        def transmit(self, apdu: bytes) -> bytes:
            answer = original(apdu)
            answers.extend(answer)
            return answer

    terminal.card = Listening()
    terminal.install(AID, package)
    session: Secure = terminal.secure()
    for data in range(0x100):
        session.send(CommandApdu(0x80, 0xCA, 0, data, le=256))
    terminal.select(ISD_R_AID)
    for p1 in range(0x100):
        answers += bytes.fromhex(terminal.raw(f"80CA{p1:02X}E000"))
    logged = caplog.text.lower()
    for secret in SECRETS:
        assert secret not in answers
        assert secret.hex() not in logged


def test_level_01_sessions_are_served(terminal: Terminal) -> None:
    terminal.select(ISD_R_AID)
    host = HostSession(AUDIT_KEYS, bytes(8))
    host.open(terminal.send(host.initialize_update()), aid=ISD_R_AID)
    assert terminal.send(host.external_authenticate(level=0x01)).sw == 0x9000
    answer = terminal.send(host.wrap(isdr_commands.create_isdp(AID, 1000)))
    assert answer == ResponseApdu(b"\x00", 0x9000)
