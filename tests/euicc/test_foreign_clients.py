"""What card managers and test benches send that our own terminals do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard
from hil.wire import tlv
from hil.wire.identifiers import ISD_R_AID
from tests.euicc.enabled_card import AID, USIM, card_with
from tests.euicc.operator import MNO_SD
from tests.euicc.terminal import Terminal, profile


@pytest.fixture(scope="module")
def enabled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualCard]:
    card = card_with(tmp_path_factory.mktemp("enabled"), profile())
    yield card
    card.close()


@pytest.fixture
def own(enabled: VirtualCard) -> Terminal:
    enabled.reset()
    return Terminal(enabled)


def selected(answer: str) -> bytes:
    """The AID in the FCI template of a good answer."""
    assert answer.endswith("9000"), answer
    template, rest = tlv.decode_one(bytes.fromhex(answer[:-4]))
    assert (template.tag, rest) == (0x6F, b"")
    return tlv.require(template.children(), 0x84, where="FCI")


def test_no_aid_selects_the_issuers_domain(own: Terminal, terminal: Terminal) -> None:
    assert selected(own.raw("00A4040000")) == MNO_SD
    assert own.raw("00A40400").startswith("6C")
    assert own.raw("00A4040C") == "9000"
    assert own.raw("00A4040200") == "6A82"
    assert selected(terminal.raw("00A4040000")) == ISD_R_AID


def test_select_by_name_knows_the_answers_that_select_by_id_knows(own: Terminal) -> None:
    assert own.raw("00A4040807" + USIM[:7].hex()) == "6A86"
    assert own.raw("00A4000802" + "3F00") == "6A86"


@pytest.mark.parametrize("wrong", ["00A40304", "00A4030401"])
def test_a_wrong_le_does_not_go_up_twice(own: Terminal, wrong: str) -> None:
    own.select(0x7F10)
    own.select(0x5F3A)
    right = own.raw(wrong)
    assert right.startswith("6C")
    answer = own.raw("00A40304" + right[2:])
    assert answer.endswith("9000")
    assert "83027F10" in answer


def test_extended_lengths_are_refused_however_small(own: Terminal) -> None:
    own.select(0x2FE2)
    assert own.raw("00B00000" + "00000A") == "6700"
    assert own.raw("00A40004" + "0000023F00") == "6700"
    assert own.raw("00A40004" + "0000023F000000") == "6700"
    assert own.raw("00B000000A").endswith("9000")


def test_a_short_le_of_t1_does_nothing_twice(tmp_path: Path) -> None:
    card = card_with(tmp_path, profile(), protocol="T=1")
    terminal = Terminal(card)
    whole = terminal.raw("00A4040007" + USIM[:7].hex() + "00")
    part = terminal.raw("00A4040007" + USIM[:7].hex() + "10")
    assert part == whole[:32] + f"61{len(whole) // 2 - 2 - 16:02X}"
    assert part[:32] + terminal.raw("00C00000" + part[-2:]) == whole
    card.close()


def test_an_isd_p_tells_its_keys_and_itself(own: Terminal) -> None:
    own.select(AID)
    keys, _ = tlv.decode_one(bytes.fromhex(own.raw("80CA00E000")[:-4]))
    assert keys.tag == 0xE0
    assert [one.value.hex() for one in keys.children()] == ["01308810", "02308810", "03308810"]
    assert own.raw("80CA006600").startswith("66")
    assert own.raw("80CA005A00") == "6A88"


def test_load_has_two_kinds_of_blocks(own: Terminal) -> None:
    own.select(MNO_SD)
    assert [own.raw(f"80E8{p1}0001AA") for p1 in ("00", "80", "01")] == ["6982", "6982", "6A86"]


def test_a_bare_card_has_the_files_of_every_uicc(terminal: Terminal) -> None:
    found = {fid: terminal.raw(f"00A4000C02{fid}") for fid in ("2F00", "2F05", "2F08", "2FE2")}
    assert set(found.values()) == {"9000"}
    assert terminal.raw("00B0880000") == "3C3C0000009000"


def test_terminal_capability_has_something_to_say(own: Terminal) -> None:
    assert own.raw("80AA0000") == "6700"
    assert own.raw("80AA000005A903800101") == "9000"
    assert own.raw("80AA000004A902DF00") == "9000"
