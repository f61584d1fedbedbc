"""VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK: values, tries, attributes, what files make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.nvm import Nvm
from hil.virtual.euicc.pin_store import Pin, save_pin
from hil.wire import tlv
from hil.wire.profile_package.elements import Body
from hil.wire.profile_package.pins import PinCodes
from tests.euicc.enabled_card import AID, USIM, card_with, changed
from tests.euicc.terminal import Terminal, factory, profile

PIN1, PIN1_NEW = "30303030FFFFFFFF", "31323334FFFFFFFF"
PIN2 = "39393939FFFFFFFF"
PUK1 = "3131313131313131"
ADM1 = "3535353535353535"
UNIVERSAL = "3737373737373737"
WRONG = "3434343434343434"
FDN = 0x6F3B
LOCI = 0x6F7E
"""Rule 5 of EF.ARR: read and update with PIN1."""


def with_pin1(package: bytes) -> bytes:
    """The package with PIN1 enabled."""

    def change(body: Body) -> list[Body] | None:
        if not isinstance(body, PinCodes) or all(pin.reference != 1 for pin in body.pins):
            return None
        pin1, *others = body.pins
        return [replace(body, pins=(replace(pin1, attributes=7), *others))]

    return changed(package, change)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    folder = tmp_path / "card"
    card_with(folder, with_pin1(profile())).close()
    # The format of packages has no universal PIN: the maker of a card puts one in.
    nvm = Nvm(folder)
    with nvm.transaction() as change:
        save_pin(change, AID, "", Pin(0x11, bytes.fromhex(UNIVERSAL), None, 7, 3, 3))
    nvm.close()
    card = open_card(folder, factory())
    yield Terminal(card)
    card.close()


def reset(terminal: Terminal) -> None:
    assert isinstance(terminal.card, VirtualCard)
    terminal.card.reset()


def again(terminal: Terminal, tmp_path: Path) -> Terminal:
    """The same memory in a card that was opened anew."""
    assert isinstance(terminal.card, VirtualCard)
    terminal.card.close()
    return Terminal(open_card(tmp_path / "card", factory()))


def readable(terminal: Terminal) -> bool:
    assert terminal.select(USIM).sw == 0x9000
    assert terminal.select(LOCI).sw == 0x9000
    answer = terminal.raw("00B000000B")[-4:]
    assert answer in ("9000", "6982")
    return answer == "9000"


def changeable(terminal: Terminal) -> bool:
    """Whether the fixed dialling numbers of the USIM can be changed, which takes its PIN2."""
    for what in (USIM, FDN):
        assert terminal.select(what).sw == 0x9000
    answer = terminal.raw("00DC01041C" + "FF" * 28)
    assert answer in ("9000", "6982")
    return answer == "9000"


def test_the_tries_left_are_told_in_every_state(terminal: Terminal) -> None:
    """VERIFY without a value asks for the counter and changes nothing (11.1.9.1.2)."""
    terminal.select(USIM)
    assert terminal.raw(f"0020000108{WRONG}") == "63C2"
    assert terminal.raw("00200001") == "63C2"
    assert terminal.raw(f"0020000108{PIN1}") == "9000"
    assert terminal.raw("00200001") == "63C3"
    assert readable(terminal)
    assert terminal.raw(f"0026000108{PIN1}") == "9000"
    assert terminal.raw("0020000100") == "63C3"
    assert terminal.raw(f"0028000108{WRONG}") == "63C2"
    assert terminal.raw("00200001") == "63C2"


def pin_states(terminal: Terminal) -> str:
    (template,) = tlv.decode_all(terminal.select(USIM).data)
    return tlv.require(template.children(), 0xC6, where="FCP").hex().upper()


def test_a_file_opens_with_its_pin_on_all_channels_until_reset(terminal: Terminal) -> None:
    assert not readable(terminal)
    assert terminal.raw("0070000001") == "019000"
    assert terminal.raw(f"0120000108{PIN1}") == "9000"
    assert readable(terminal)
    reset(terminal)
    assert not readable(terminal)


def test_change(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.raw(f"0024000110{PIN1}{PIN1_NEW}") == "9000"
    assert readable(terminal)
    again_on = again(terminal, tmp_path)
    assert again_on.raw(f"0020000108{PIN1}") == "63C2"
    assert again_on.raw(f"0020000108{PIN1_NEW}") == "9000"
    assert readable(again_on)


def test_disable_and_enable(terminal: Terminal, tmp_path: Path) -> None:
    assert pin_states(terminal) == "9001E0830181830101" + "83010A"
    assert terminal.raw(f"0026000108{WRONG}") == "63C2"
    assert terminal.raw(f"0026000108{PIN1}") == "9000"
    assert pin_states(terminal) == "9001A0830181830101" + "83010A"
    card = again(terminal, tmp_path)
    assert readable(card)
    assert card.raw(f"0026000108{PIN1}") == "6984"
    assert card.raw(f"0020000108{PIN1}") == "6984"
    assert card.raw(f"0024000110{PIN1}{PIN1_NEW}") == "6984"
    assert card.raw(f"0028000108{WRONG}") == "63C2"
    assert card.raw(f"0028000108{PIN1}") == "9000"
    assert pin_states(card) == "9001E0830181830101" + "83010A"
    assert card.raw(f"0028000108{PIN1}") == "6985"
    reset(card)
    assert not readable(card)


@pytest.mark.parametrize("ins", ["20", "24", "26"])
def test_wrong_values_block_whatever_they_come_in(terminal: Terminal, ins: str) -> None:
    body = f"10{WRONG}{WRONG}" if ins == "24" else f"08{WRONG}"
    for left in (2, 1, 0):
        assert terminal.raw(f"00{ins}0001{body}") == f"63C{left}"
        reset(terminal)
    for right in (f"0020000108{PIN1}", f"0024000110{PIN1}{PIN1}", f"0026000108{PIN1}"):
        assert terminal.raw(right) == "6983"
    assert terminal.raw("00200001") == "6983"
    assert not readable(terminal)


def test_unblock_sets_enables_and_verifies(terminal: Terminal, tmp_path: Path) -> None:
    for left in (2, 1, 0):
        assert terminal.raw(f"0020000108{WRONG}") == f"63C{left}"
    assert terminal.raw("002C0001") == "63CA"
    assert terminal.raw(f"002C000110{WRONG}{PIN1_NEW}") == "63C9"
    assert terminal.raw("00200001") == "6983"
    assert terminal.raw(f"002C000110{PUK1}{PIN1_NEW}") == "9000"
    assert readable(terminal)
    assert terminal.raw("002C0001") == "63CA"
    card = again(terminal, tmp_path)
    assert card.raw("00200001") == "63C3"
    assert card.raw(f"0020000108{PIN1_NEW}") == "9000"


def test_unblock_enables_a_disabled_pin(terminal: Terminal) -> None:
    assert terminal.raw(f"0026000108{PIN1}") == "9000"
    assert terminal.raw(f"002C000110{PUK1}{PIN1}") == "9000"
    assert readable(terminal)
    reset(terminal)
    assert not readable(terminal)


def test_a_puk_is_blocked_for_ever(terminal: Terminal, tmp_path: Path) -> None:
    for left in range(9, -1, -1):
        assert terminal.raw(f"002C000110{WRONG}{PIN1}") == f"63C{left:X}"
    card = again(terminal, tmp_path)
    assert card.raw(f"002C000110{PUK1}{PIN1}") == "6983"
    assert card.raw("002C0001") == "6983"
    # The PIN itself is as it was.
    assert card.raw(f"0020000108{PIN1}") == "9000"


def test_a_right_value_gives_all_tries_back(terminal: Terminal) -> None:
    assert terminal.raw(f"0020000108{WRONG}") == "63C2"
    assert terminal.raw(f"0020000108{PIN1}") == "9000"
    reset(terminal)
    assert terminal.raw("00200001") == "63C3"


def test_a_try_is_spent_before_the_comparison(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerLostError(BaseException):
        pass

    def gone(*_: object) -> bool:
        raise PowerLostError

    for ins, body in (("20", f"08{PIN1}"), ("2C", f"10{PUK1}{PIN1}")):
        with monkeypatch.context() as patch:
            patch.setattr("hil.virtual.euicc.pin_commands.hmac.compare_digest", gone)
            with pytest.raises(PowerLostError):
                terminal.raw(f"00{ins}0001{body}")
    card = again(terminal, tmp_path)
    assert card.raw("00200001") == "63C2"
    assert card.raw("002C0001") == "63C9"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (f"0020010108{PIN1}", "6A86"),
        (f"0020000008{PIN1}", "6A86"),
        (f"0020002108{PIN1}", "6A86"),
        (f"0020000208{PIN1}", "6A88"),
        (f"0020008108{PIN2}", "6A88"),
        ("002000010730303030FFFFFF", "6700"),
        (f"0024000108{PIN1}", "6700"),
        ("00240001", "6700"),
        ("00260001", "6700"),
        (f"002C000108{PUK1}", "6700"),
        (f"0024010110{PIN1}{PIN1}", "6A86"),
        (f"0026010108{PIN1}", "6A86"),
        (f"0026810108{PIN1}", "6A86"),
        (f"0026911108{UNIVERSAL}", "6A86"),
        (f"0026000A08{ADM1}", "6985"),
        (f"0028000A08{ADM1}", "6985"),
        ("002C000A", "6A88"),
        (f"002C000A10{PUK1}{ADM1}", "6A88"),
        (f"8020000108{PIN1}", "6E00"),
        (f"8024000110{PIN1}{PIN1}", "6E00"),
    ],
)
def test_refusals(terminal: Terminal, command: str, sw: str) -> None:
    terminal.select(0x3F00)
    assert terminal.raw(command) == sw
    assert terminal.raw("00200001") == "63C3"


def test_a_local_pin_belongs_to_its_application(terminal: Terminal) -> None:
    isim = bytes.fromhex("A0000000871004FF49FF0589")
    terminal.select(USIM)
    assert not changeable(terminal)
    assert terminal.raw(f"0020008108{PIN2}") == "9000"
    assert changeable(terminal)
    terminal.select(isim)
    assert terminal.raw(f"0020008108{WRONG}") == "63C2"
    assert changeable(terminal)
    # The session ends: what was proven to the application ends with it, what is global stays.
    assert terminal.raw(f"0020000108{PIN1}") == "9000"
    assert terminal.raw(f"00A404440C{USIM.hex()}") == "9000"
    assert not changeable(terminal)
    assert readable(terminal)


def test_an_application_that_another_channel_has_keeps_its_pin(terminal: Terminal) -> None:
    terminal.select(USIM)
    assert terminal.raw("0070000001") == "019000"
    assert terminal.raw(f"01A4040C0C{USIM.hex()}") == "9000"
    assert terminal.raw(f"0020008108{PIN2}") == "9000"
    assert terminal.raw(f"00A404440C{USIM.hex()}") == "9000"
    assert changeable(terminal)


def test_a_closed_channel_ends_the_session_although_the_mf_is_current(terminal: Terminal) -> None:
    assert terminal.raw("0070000001") == "019000"
    assert terminal.raw(f"01A4040C0C{USIM.hex()}") == "9000"
    assert terminal.raw(f"0120008108{PIN2}") == "9000"
    assert terminal.raw("01A4000C023F00") == "9000"
    assert terminal.raw("00708001") == "9000"
    assert not changeable(terminal)


def test_the_universal_pin_stands_in_for_a_disabled_one(terminal: Terminal, tmp_path: Path) -> None:
    terminal.select(USIM)
    assert terminal.raw(f"0026910108{PIN1}") == "9000"
    assert not readable(terminal)
    assert terminal.raw(f"0020001108{WRONG}") == "63C2"
    assert terminal.raw(f"0020001108{UNIVERSAL}") == "9000"
    assert readable(terminal)
    card = again(terminal, tmp_path)
    assert not readable(card)
    assert card.raw(f"0020001108{UNIVERSAL}") == "9000"
    assert card.raw(f"0028000108{PIN1}") == "9000"
    reset(card)
    assert card.raw(f"0020001108{UNIVERSAL}") == "9000"
    assert not readable(card)


def test_adm_keys_count_and_change_like_pins(terminal: Terminal) -> None:
    assert terminal.raw(f"0024000A10{ADM1}{WRONG}") == "9000"
    assert terminal.raw(f"0020000A08{ADM1}") == "63C9"
    assert terminal.raw(f"0020000A08{WRONG}") == "9000"


def test_no_secret_reaches_the_log(terminal: Terminal, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        terminal.raw(f"0020000108{WRONG}")
        terminal.raw(f"002C000110{PUK1}{PIN1_NEW}")
    for secret in (WRONG, PUK1, PIN1_NEW):
        assert secret not in caplog.text.upper()
