"""Test and emergency profiles, enabled at the terminal (SGP.02, ESx), and MasterDelete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import cat_events, dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.isdp_keys import derive
from hil.wire.put_key import put_key
from tests.euicc.terminal import BASE_KEYS, Terminal, factory, profile

BOOTSTRAP, TEST, LIVE = isd_p_aid(0x10), isd_p_aid(0x20), isd_p_aid(0x21)
ENABLE_TEST, DISABLE_TEST, ENABLE_EMERGENCY, DISABLE_EMERGENCY = 0x3A0A, 0x3A0B, 0x3A0C, 0x3A0D
ENABLED, DISABLED = 0x3F, 0x1F


def local(terminal: Terminal, group: int, aid: bytes | None = None) -> int:
    """Send a local function, plain; return its status word."""
    terminal.select(ISD_R_AID)
    body = b"" if aid is None else tlv.encode(0x4F, aid)
    return terminal.send(CommandApdu(0x80, 0xE2, 0x88, 0, dgi.encode(group, body))).sw


@pytest.fixture
def card(tmp_path: Path) -> Iterator[VirtualCard]:
    """LIVE is enabled, and may not be disabled; TEST is there; the bootstrap profile falls back."""
    bootstrap = profile(iccid="8900100000000000033", profile_class="provisioning")
    made = factory(bootstrap_profile=bootstrap.hex(), fallback_after_s=0)
    card = open_card(tmp_path / "nvm", made)
    terminal = Terminal(card)
    terminal.install(TEST, profile())
    live = profile(
        iccid="8900100000000000025",
        imsi="262011234567890",
        profile_class="operational",
        pol=b"\x05",
    )
    terminal.install(LIVE, live)
    terminal.isd_r(isdr_commands.enable_profile(LIVE))
    card.reset()
    yield card
    card.close()


def enabled(terminal: Terminal) -> bytes:
    (one,) = [aid for aid, state in terminal.states().items() if state == ENABLED]
    return one


def test_test_profile_and_back(terminal: Terminal, card: VirtualCard) -> None:
    assert local(terminal, DISABLE_TEST) == 0x6985
    # POL1 of the profile it takes the place of is not asked.
    assert local(terminal, ENABLE_TEST) == 0x9000
    assert enabled(terminal) == TEST
    card.reset()
    assert local(terminal, ENABLE_TEST) == 0x6985
    assert local(terminal, DISABLE_EMERGENCY) == 0x6985
    assert local(terminal, DISABLE_TEST) == 0x9000
    assert enabled(terminal) == LIVE
    card.reset()
    assert terminal.states() == {BOOTSTRAP: DISABLED, TEST: DISABLED, LIVE: ENABLED}


def test_only_a_test_profile_is_one(terminal: Terminal) -> None:
    for aid in (LIVE, BOOTSTRAP, isd_p_aid(0x99)):
        assert local(terminal, ENABLE_TEST, aid) == 0x6A88
    assert local(terminal, ENABLE_TEST, TEST) == 0x9000


def test_no_fall_back_while_a_test_profile_is_enabled(terminal: Terminal) -> None:
    local(terminal, ENABLE_TEST)
    for _ in range(4):
        assert terminal.send(cat_events.location_status(2)).sw == 0x9000
    assert enabled(terminal) == TEST
    local(terminal, DISABLE_TEST)
    for _ in range(2):
        terminal.send(cat_events.location_status(2))
    assert enabled(terminal) == BOOTSTRAP


def test_emergency_profile(terminal: Terminal) -> None:
    assert local(terminal, ENABLE_EMERGENCY) == 0x6A88
    # Emergency and fall-back attribute exclude each other.
    assert terminal.isd_r(isdr_commands.set_emergency(BOOTSTRAP)).sw == 0x6985
    assert terminal.isd_r(isdr_commands.set_emergency(isd_p_aid(0x99))).sw == 0x6A88
    assert terminal.isd_r(isdr_commands.set_emergency(TEST)).sw == 0x9000
    listed = terminal.isd_r(isdr_commands.get_status(TEST)).data
    assert tlv.find(tlv.decode_all(listed)[0].children(), 0x53) == b"\x02"
    assert local(terminal, ENABLE_EMERGENCY) == 0x9000
    assert enabled(terminal) == TEST
    assert local(terminal, DISABLE_TEST) == 0x6985
    assert local(terminal, DISABLE_EMERGENCY) == 0x9000
    assert enabled(terminal) == LIVE


def test_the_emergency_profile_comes_before_the_test_profile(terminal: Terminal) -> None:
    emergency = isd_p_aid(0x22)
    terminal.install(emergency, profile(iccid="8900100000000000041"))
    terminal.isd_r(isdr_commands.set_emergency(emergency))
    assert local(terminal, ENABLE_TEST, TEST) == 0x9000
    assert local(terminal, ENABLE_EMERGENCY) == 0x9000
    assert local(terminal, ENABLE_TEST, TEST) == 0x6985
    assert local(terminal, DISABLE_EMERGENCY) == 0x9000
    assert enabled(terminal) == LIVE


def test_the_fall_back_attribute_does_not_move_to_the_emergency_profile(
    terminal: Terminal,
) -> None:
    terminal.isd_r(isdr_commands.set_emergency(TEST))
    assert terminal.isd_r(isdr_commands.set_fallback(TEST)).sw == 0x6985


def test_other_groups_stay_closed(terminal: Terminal) -> None:
    for group in (0x3A03, 0x3A04, 0x3A05, 0x3A07, 0x3A08, 0x3A09, 0x3A01, 0x3A0E):
        assert local(terminal, group, TEST) == 0x6985
    assert enabled(terminal) == LIVE


def test_local_change_survives_power_loss_and_an_order_ends_it(
    terminal: Terminal, card: VirtualCard
) -> None:
    local(terminal, ENABLE_TEST)
    card.power_off()
    card.power_on()
    assert local(terminal, ENABLE_TEST) == 0x6985
    assert terminal.isd_r(isdr_commands.enable_profile(LIVE)).sw == 0x9000
    assert local(terminal, DISABLE_TEST) == 0x6985


TOKEN_KEY = bytes(range(0x70, 0x80))


def give_token_key(terminal: Terminal, aid: bytes) -> None:
    keys = derive(BASE_KEYS, aid)
    session = terminal.secure(keys, aid)
    assert session.send(put_key(0x70, [TOKEN_KEY], keys.dek)).sw == 0x9000


def test_master_delete(terminal: Terminal) -> None:
    order = isdr_commands.master_delete(LIVE, TOKEN_KEY)
    assert terminal.isd_r(order).sw == 0x6985
    local(terminal, ENABLE_TEST)
    assert terminal.isd_r(order).sw == 0x6A88
    give_token_key(terminal, LIVE)
    assert terminal.isd_r(isdr_commands.master_delete(LIVE, bytes(16))).sw == 0x6982
    other = isdr_commands.master_delete(LIVE, TOKEN_KEY, token_id=b"\x02")
    mixed = CommandApdu(0x80, 0xE4, 0, 0x40, order.data[:-16] + other.data[-16:], 256)
    assert terminal.isd_r(mixed).sw == 0x6982
    assert terminal.isd_r(isdr_commands.master_delete(isd_p_aid(0x99), TOKEN_KEY)).sw == 0x6A88


def test_master_delete_does_not_ask_pol1(terminal: Terminal) -> None:
    pinned = isd_p_aid(0x23)
    terminal.install(pinned, profile(iccid="8900100000000000058", pol=b"\x02"))
    give_token_key(terminal, pinned)
    assert terminal.isd_r(isdr_commands.delete_profile(pinned)).sw == 0x69E1
    assert terminal.isd_r(isdr_commands.master_delete(pinned, TOKEN_KEY)).sw == 0x9000
    assert pinned not in terminal.states()


def test_master_delete_spares_the_fall_back_profile(terminal: Terminal) -> None:
    give_token_key(terminal, BOOTSTRAP)
    assert terminal.isd_r(isdr_commands.master_delete(BOOTSTRAP, TOKEN_KEY)).sw == 0x6985
