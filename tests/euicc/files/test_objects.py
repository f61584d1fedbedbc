"""Objects of BER-TLV files, whole and in blocks, each with its refusals (TS 102 221, 11.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.wire import tlv
from tests.euicc.enabled_card import ADM1, TS48_BER_TLV, USIM, card_with
from tests.euicc.files.asking import ask, fcp, reopened
from tests.euicc.playground import BINARY, DF, OBJECTS
from tests.euicc.terminal import Terminal


def test_objects_of_the_package(terminal: Terminal) -> None:
    template = fcp(terminal, OBJECTS)
    assert template[0x82] == b"\x79\x21"
    details = {one.tag: one.value for one in tlv.decode_all(template[0xA5])}
    assert details[0x84] == b"\x01"
    assert int.from_bytes(details[0x86], "big") == 600
    assert int.from_bytes(details[0x85], "big") == 0x40
    assert int.from_bytes(details[0x83], "big") == 600 - 12
    assert ask(terminal, "80CB00800181") == "81036F6E65 9000"
    assert ask(terminal, "80CB008001A2") == "A2058003" + b"two".hex().upper() + " 9000"
    assert ask(terminal, "80CB0080015C") == "5C0281A2 9000"


def test_objects_come_and_go(terminal: Terminal, tmp_path: Path) -> None:
    terminal.select(OBJECTS)
    assert terminal.raw("80DB008005 9F7F02ABCD") == "9000"
    assert terminal.raw("80DB008003 8101FF") == "9000"
    assert terminal.raw("80DB008002 8300") == "9000"
    again = reopened(terminal, tmp_path)
    assert ask(again, "80CB0084015C") == "5C05A29F7F8183 9000"
    assert ask(again, "80CB008002 9F7F") == "9F7F02ABCD 9000"
    assert ask(again, "80CB00800183") == "8300 9000"
    assert again.raw("80DB008001A2") == "9000"
    assert again.raw("80CB008001A2") == "6A88"
    assert again.raw("80DB008001A2") == "6A88"
    assert ask(again, "80CB0080015C") == "5C049F7F8183 9000"


def test_a_long_object_in_blocks(terminal: Terminal, tmp_path: Path) -> None:
    value = bytes(number % 251 for number in range(500))
    whole = tlv.encode(0x84, value)
    terminal.select(OBJECTS)
    blocks = [whole[at : at + 200] for at in range(0, len(whole), 200)]
    answers = []
    for number, block in enumerate(blocks):
        p2 = 0x80 if not number else 0
        answers.append(terminal.raw(f"80DB00{p2:02X}{len(block):02X}{block.hex()}"))
        if not number:
            # Other commands that leave the file alone may come in between.
            assert terminal.raw("80F2000C") == "9000"
    assert answers == ["63F1", "63F1", "9000"]
    again = reopened(terminal, tmp_path)
    again.select(OBJECTS)
    assert again.raw("80CB00800184") == "6100"
    first = again.raw("00C0000000")
    assert first.endswith("62F1")
    # A wrong length costs nothing; the right one gets the rest.
    assert again.raw("80CB0000FF") == "6CF8"
    second = again.raw("80CB000000")
    assert second.endswith("9000")
    assert bytes.fromhex(first[:-4] + second[:-4]) == whole
    assert again.raw("80CB000000") == "6985"
    # Once more, please.
    assert again.raw("80CB004000") == second


def test_a_block_is_sent_again(terminal: Terminal) -> None:
    terminal.select(OBJECTS)
    assert terminal.raw("80DB0080048406AAAA") == "63F1"
    assert terminal.raw("80DB000002BBBB") == "63F1"
    assert terminal.raw("80DB004002CCCC") == "63F1"
    assert terminal.raw("80DB000002DDDD") == "9000"
    assert ask(terminal, "80CB00800184") == "8406AAAACCCCDDDD 9000"


@pytest.mark.parametrize(
    "between", ["00A4000C026F04", "80CB00800181", "00A4000C023F00", "00B081000A"]
)
def test_a_transfer_broken_off_changes_nothing(terminal: Terminal, between: str) -> None:
    terminal.select(OBJECTS)
    assert terminal.raw("80DB0080048106AAAA") == "63F1"
    terminal.raw(between)
    terminal.raw("00C0000000")
    assert terminal.raw("80DB000004BBBBBBBB") in ("6985", "6986")
    terminal.select(0x3F00)
    terminal.select(DF)
    terminal.select(OBJECTS)
    assert ask(terminal, "80CB00800181") == "81036F6E65 9000"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00CB00800181", "6E00"),
        ("00DB0080038101FF", "6E00"),
        ("80CB01800181", "6A86"),
        ("80CB00A00181", "6A86"),
        ("80CB00C00181", "6A86"),
        ("80CB0001", "6A86"),
        ("80CB0080", "6700"),
        ("80DB0080", "6700"),
        ("80CB000001", "6985"),
        ("80DB000001FF", "6985"),
        ("80CB00800185", "6A88"),
        ("80CB0080028101", "6A80"),
        ("80CB0080019F", "6A80"),
        ("80CB00800161", "6A80"),
        ("80DB008003 0101FF", "6A80"),
        ("80DB008003 5C01FF", "6A80"),
        ("80DB008004 818101FF", "6A80"),
        ("80DB008003 8180FF", "6A80"),
        ("80DB008002 8182", "6A80"),
        ("80DB008004 8101FFFF", "6A80"),
        ("80DB00800A 81820300" + "00" * 6, "6A84"),
        ("80CB00950181", "6A82"),
        ("80CB00810181", "6981"),
    ],
)
def test_objects_refused(terminal: Terminal, command: str, sw: str) -> None:
    terminal.select(OBJECTS)
    assert terminal.raw(command) == sw
    assert ask(terminal, "80CB00800181") == "81036F6E65 9000"


def test_other_structures_have_no_objects(terminal: Terminal) -> None:
    assert terminal.raw("80CB00800181") == "6986"
    terminal.select(BINARY)
    assert terminal.raw("80CB00800181") == "6981"
    terminal.select(OBJECTS)
    assert terminal.raw("00B0000001") == "6981"
    assert terminal.raw("00B2010401") == "6981"


def test_objects_in_ts48(tmp_path: Path, ts48_packages: dict[str, bytes]) -> None:
    card = card_with(tmp_path / "ts48", ts48_packages[TS48_BER_TLV])
    terminal = Terminal(card)
    terminal.select(USIM)
    template = fcp(terminal, 0x6FFE)
    assert template[0x82] == b"\x79\x21"
    assert ask(terminal, "80CB0080015C") == "5C00 9000"
    pin = terminal.raw("80DB0080048102CAFE")
    assert pin in ("9000", "6982")
    if pin == "6982":
        assert terminal.raw(f"0020000A08{ADM1}") == "9000"
        assert terminal.raw("80DB0080048102CAFE") == "9000"
    assert ask(terminal, "80CB00800181") == "8102CAFE 9000"
    card.close()
