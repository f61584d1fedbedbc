from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import cat, dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import decode_iccid, isd_p_aid
from tests.euicc.terminal import ICCID, Terminal, factory, profile

A, B = isd_p_aid(0x20), isd_p_aid(0x21)
SELECTABLE, PERSONALIZED, DISABLED, ENABLED = 0x07, 0x0F, 0x1F, 0x3F
ICCID_B = "8900100000000000025"
BOOTSTRAP = isd_p_aid(0x10)
ICCID_BOOTSTRAP = "8900100000000000033"


def set_fallback(aid: bytes) -> CommandApdu:
    return CommandApdu(0x80, 0xE2, 0x88, 0, dgi.encode(0x3A05, tlv.encode(0x4F, aid)), 256)


def iccid(terminal: Terminal) -> str:
    return decode_iccid(terminal.read(0x3F00, 0x2FE2))


@pytest.fixture
def with_bootstrap(tmp_path: Path) -> Iterator[Terminal]:
    bootstrap = profile(iccid=ICCID_BOOTSTRAP, profile_class="provisioning")
    card = open_card(tmp_path / "bootstrap", factory(bootstrap_profile=bootstrap.hex()))
    terminal = Terminal(card)
    yield terminal
    card.close()


def test_life_of_a_profile(terminal: Terminal, card: VirtualCard, package: bytes) -> None:
    assert terminal.states() == {}
    assert terminal.isd_r(isdr_commands.create_isdp(A, 60_000)).sw == 0x9000
    assert terminal.states() == {A: PERSONALIZED}
    assert terminal.isd_r(isdr_commands.delete_profile(A)).sw == 0x9000
    assert terminal.states() == {}
    terminal.install(A, package)
    assert terminal.states() == {A: DISABLED}
    assert terminal.isd_r(isdr_commands.disable_profile(A)).sw == 0x6985
    assert terminal.isd_r(isdr_commands.enable_profile(A)).sw == 0x9000
    assert terminal.states() == {A: ENABLED}
    assert terminal.isd_r(isdr_commands.enable_profile(A)).sw == 0x6985
    assert terminal.isd_r(isdr_commands.delete_profile(A)).sw == 0x6985
    card.reset()
    assert iccid(terminal) == ICCID
    assert terminal.isd_r(isdr_commands.disable_profile(A)).sw == 0x9000
    card.reset()
    assert terminal.read(0x3F00, 0x2FE2) == b"\xff" * 10
    assert terminal.isd_r(isdr_commands.delete_profile(A)).sw == 0x9000
    assert terminal.states() == {}
    assert terminal.select(A).sw == 0x6A82


def test_one_profile_at_most_is_enabled(terminal: Terminal, card: VirtualCard) -> None:
    terminal.install(A, profile())
    terminal.install(B, profile(iccid=ICCID_B))
    assert terminal.isd_r(isdr_commands.enable_profile(A)).sw == 0x9000
    assert terminal.isd_r(isdr_commands.enable_profile(B)).sw == 0x9000
    assert terminal.states() == {A: DISABLED, B: ENABLED}
    card.reset()
    assert iccid(terminal) == ICCID_B


def test_enabled_files_show_after_the_reset_only(terminal: Terminal, card: VirtualCard) -> None:
    terminal.install(A, profile())
    terminal.isd_r(isdr_commands.enable_profile(A))
    assert terminal.read(0x3F00, 0x2FE2) == b"\xff" * 10
    card.reset()
    assert iccid(terminal) == ICCID


def test_enable_asks_for_a_reset_once_the_terminal_knows_the_toolkit(terminal: Terminal) -> None:
    terminal.install(A, profile())
    assert terminal.send(cat.terminal_profile(b"\xff\xff")).sw == 0x9000
    answer = terminal.isd_r(isdr_commands.enable_profile(A))
    assert answer.sw >> 8 == 0x91
    # Whatever ends well says so too, until the command is fetched.
    assert terminal.select(0x3F00).sw == answer.sw
    assert terminal.raw("00A4000C022FE2") == f"{answer.sw:04X}"
    assert terminal.raw("00A4000C026FFF") == "6A82"
    refresh = terminal.fetch(answer.sw)
    assert refresh.encode().hex().upper() == "D009810301010482028182"
    assert terminal.done(refresh) == 0x9000
    assert terminal.raw("8012000010") == "6985"


@pytest.mark.parametrize(
    ("pol", "disable", "delete"),
    [(b"\x01", 0x69E1, 0x9000), (b"\x02", 0x9000, 0x69E1), (b"\x03", 0x69E1, 0x69E1)],
)
def test_policy_rules(
    terminal: Terminal, card: VirtualCard, pol: bytes, disable: int, delete: int
) -> None:
    terminal.install(A, profile(pol=pol))
    terminal.install(B, profile(iccid=ICCID_B))
    assert terminal.isd_r(isdr_commands.delete_profile(A)).sw == delete
    if delete == 0x9000:
        terminal.install(A, profile(pol=pol))
    terminal.isd_r(isdr_commands.enable_profile(A))
    card.reset()
    assert terminal.isd_r(isdr_commands.enable_profile(B)).sw == disable
    state = terminal.states()[A]
    assert state == (ENABLED if disable == 0x69E1 else DISABLED)
    if disable == 0x69E1:
        assert terminal.isd_r(isdr_commands.disable_profile(A)).sw == 0x69E1


def test_fallback_takes_the_place_of_what_is_disabled(with_bootstrap: Terminal) -> None:
    terminal = with_bootstrap
    assert iccid(terminal) == ICCID_BOOTSTRAP
    assert terminal.states() == {BOOTSTRAP: ENABLED}
    assert terminal.isd_r(isdr_commands.disable_profile(BOOTSTRAP)).sw == 0x6985
    terminal.install(A, profile())
    terminal.isd_r(isdr_commands.enable_profile(A))
    assert terminal.states() == {BOOTSTRAP: DISABLED, A: ENABLED}
    assert terminal.isd_r(isdr_commands.delete_profile(BOOTSTRAP)).sw == 0x6985
    assert terminal.isd_r(isdr_commands.disable_profile(A)).sw == 0x9000
    assert terminal.states() == {BOOTSTRAP: ENABLED, A: DISABLED}


def test_fallback_attribute_moves(with_bootstrap: Terminal) -> None:
    terminal = with_bootstrap
    assert terminal.isd_r(set_fallback(A)).sw == 0x6A88
    terminal.isd_r(isdr_commands.create_isdp(A, 1000))
    assert terminal.isd_r(set_fallback(A)).sw == 0x6985
    terminal.isd_r(isdr_commands.delete_profile(A))
    terminal.install(A, profile())
    assert terminal.isd_r(set_fallback(A)).sw == 0x9000
    answer = terminal.isd_r(isdr_commands.get_status())
    flags = [tlv.find(one.children(), 0x53) for one in tlv.decode_all(answer.data)]
    assert flags == [b"\x00", b"\x01"]


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (isdr_commands.create_isdp(isd_p_aid(0x10), 500_001), 0x6A84),
        (isdr_commands.create_isdp(bytes.fromhex("A0000005591010FFFFFFFF8900000100")), 0x6A80),
        (isdr_commands.create_isdp(isd_p_aid(0x10), load_file=bytes(16)), 0x6A88),
        (isdr_commands.create_isdp(isd_p_aid(0x10), module=bytes(16)), 0x6A88),
        (CommandApdu(0x80, 0xE6, 0x0C, 0, b"\x05abc", 256), 0x6A80),
        (CommandApdu(0x80, 0xE6, 0x04, 0, b"\x00" * 6, 256), 0x6A86),
        (isdr_commands.enable_profile(isd_p_aid(0x99)), 0x6A88),
        (isdr_commands.delete_profile(isd_p_aid(0x99)), 0x6A88),
        (isdr_commands.get_status(isd_p_aid(0x99)), 0x6A88),
        (CommandApdu(0x80, 0xF2, 0x40, 0x00, b"\x4f\x00", 256), 0x6A88),
        (CommandApdu(0x80, 0xF2, 0x40, 0x04, b"\x4f\x00", 256), 0x6A86),
        (CommandApdu(0x80, 0xE2, 0x88, 0, dgi.encode(0x3AFF, b"\x4f\x00"), 256), 0x6A88),
        (CommandApdu(0x80, 0xE2, 0x88, 0, b"\x3a\x03\x7f", 256), 0x6A80),
        (CommandApdu(0x80, 0xE2, 0x88, 1, b"\x3a\x03\x00", 256), 0x6A86),
        (CommandApdu(0x80, 0xE2, 0x91, 0, bytes.fromhex("BF3E035C015A"), 256), 0x6985),
        (CommandApdu(0x80, 0xE2, 0x91, 0, bytes.fromhex("BF5600"), 256), 0x6985),
        (CommandApdu(0x80, 0xD8, 0x00, 0x81, b"\x00", 256), 0x6A80),
        (CommandApdu(0x80, 0xDA, 0x00, 0x81, b"\x00", 256), 0x6D00),
    ],
)
def test_refusals_of_the_isd_r(terminal: Terminal, command: CommandApdu, sw: int) -> None:
    assert terminal.isd_r(command).sw == sw
    assert terminal.states() == {}


def test_an_isd_p_is_created_once(terminal: Terminal) -> None:
    assert terminal.isd_r(isdr_commands.create_isdp(A, 1000)).sw == 0x9000
    assert terminal.isd_r(isdr_commands.create_isdp(A, 1000)).sw == 0x6985


def test_granted_memory_is_gone_and_comes_back(terminal: Terminal) -> None:
    assert terminal.isd_r(isdr_commands.create_isdp(A, 400_000)).sw == 0x9000
    assert terminal.isd_r(isdr_commands.create_isdp(B, 200_000)).sw == 0x6A84
    assert terminal.isd_r(isdr_commands.delete_profile(A)).sw == 0x9000
    assert terminal.isd_r(isdr_commands.create_isdp(B, 200_000)).sw == 0x9000
    answer = terminal.isd_r(CommandApdu(0x80, 0xCA, 0xFF, 0x21, le=256))
    (resources,) = tlv.decode_all(answer.data)
    assert tlv.find(resources.children(), 0x82) == (300_000).to_bytes(4, "big")


def test_status_of_many_profiles_comes_in_pieces(terminal: Terminal) -> None:
    aids = [isd_p_aid(0x100 + n) for n in range(15)]
    session = terminal.secure()
    for aid in aids:
        assert session.send(isdr_commands.create_isdp(aid, 1000)).sw == 0x9000
    assert session.send(isdr_commands.get_status()).sw == 0x6310
    assert list(terminal.states()) == aids


def test_without_base_keys_an_isd_p_waits_for_its_key_set(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory(isd_p_base=None))
    try:
        terminal = Terminal(card)
        terminal.isd_r(isdr_commands.create_isdp(A, 1000))
        assert terminal.states() == {A: SELECTABLE}
        terminal.select(A)
        assert terminal.raw("8050300008 0102030405060708 00") == "6A88"
        answer = terminal.send(
            CommandApdu(0x80, 0xE2, 0x91, 0, b"\x84\x0a\x30\x01" + bytes(8), 256)
        )
        assert answer.data.hex() == "9f440103"
    finally:
        card.close()
