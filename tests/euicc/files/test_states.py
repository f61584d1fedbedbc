"""Files deactivated, reached by links and short ids, and closed, each with its refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.wire import tlv
from tests.euicc.enabled_card import CSIM, TS48, USIM, card_with
from tests.euicc.files.asking import ask, fcp, reopened
from tests.euicc.playground import (
    BINARY,
    CLOSED,
    CYCLIC,
    LINEAR,
    LINK,
    LINKED_DF,
    OBJECTS,
    STUBBORN,
)
from tests.euicc.terminal import Terminal


def test_a_deactivated_file(terminal: Terminal, tmp_path: Path) -> None:
    terminal.select(BINARY)
    assert terminal.raw("00040000") == "9000"
    assert terminal.raw("00B000000A") == "6984"
    assert terminal.raw("00D600000100") == "6984"
    again = reopened(terminal, tmp_path)
    answer = again.select(BINARY)
    assert answer.sw == 0x6283
    assert tlv.find(tlv.decode_all(answer.data)[0].children(), 0x8A) == b"\x04"
    assert again.raw("00A4000C026F01") == "6283"
    assert again.raw("00B081000A") == "6984"
    assert again.raw("00040000") == "9000"
    assert again.raw("00440000") == "9000"
    assert again.raw("00440000") == "9000"
    assert again.raw("00B000000A").endswith("9000")


def test_files_with_records_and_objects_too(terminal: Terminal) -> None:
    for fid, command in (
        (LINEAR, "00B2010405"),
        (LINEAR, "00A2010401FF"),
        (LINEAR, "00DC0104050000000000"),
        (CYCLIC, "8032000003000001"),
        (OBJECTS, "80CB00800181"),
        (OBJECTS, "80DB008003810155"),
    ):
        terminal.select(fid)
        assert terminal.raw("00040000") == "9000"
        assert terminal.raw(command) == "6984", command
        assert terminal.raw("00440000") == "9000"


def test_one_that_stays_usable(terminal: Terminal) -> None:
    terminal.select(STUBBORN)
    assert terminal.raw("00040000") == "9000"
    assert terminal.raw("00B0000006").endswith("9000")
    assert terminal.raw("00D6000001AA") == "9000"


def test_files_named_by_id_and_path(terminal: Terminal) -> None:
    assert terminal.raw("00040000026F01") == "9000"
    assert terminal.raw("00B000000A") == "6984"
    terminal.select(0x3F00)
    assert terminal.raw("00440800047F506F01") == "9000"
    assert terminal.raw("00B000000A").endswith("9000")
    terminal.select(0x3F00)
    assert terminal.raw("00040900047F506F01") == "9000"
    assert terminal.raw("00B000000A") == "6984"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("80040000", "6E00"),
        ("00040100026F01", "6A86"),
        ("00040001026F01", "6A86"),
        ("00040800", "6700"),
        ("00040000016F", "6700"),
        ("00040000026FFF", "6A82"),
        ("00040000025F01", "6981"),
        ("00040000026F05", "6982"),
        ("00440000026F05", "6982"),
        ("00040000026F09", "6982"),
    ],
)
def test_states_refused(terminal: Terminal, command: str, sw: str) -> None:
    terminal.select(BINARY)
    assert terminal.raw(command) == sw
    # The current file is still the one before.
    assert terminal.raw("00B000000A").endswith("9000")


def test_no_file_to_switch(terminal: Terminal) -> None:
    assert terminal.raw("00040000") == "6986"


def test_a_link_shows_what_its_target_has(terminal: Terminal, tmp_path: Path) -> None:
    terminal.select(LINK)
    assert terminal.raw("00DC010405" + b"12345".hex()) == "9000"
    again = reopened(terminal, tmp_path)
    again.select(LINEAR)
    assert ask(again, "00B2010405") == b"12345".hex() + " 9000"


def test_a_link_to_a_df(terminal: Terminal) -> None:
    shown = fcp(terminal, LINKED_DF)
    assert shown[0x83] == b"\x5f\x01"
    assert terminal.select(0x4F3A).sw == 0x9000
    by_link = ask(terminal, "00B201041C")
    # Still in the link: its parent is the DF with the link.
    assert terminal.raw("00A4030C") == "9000"
    assert terminal.raw("80F2000000")[:20].find("7F50") > 0
    terminal.select(0x3F00)
    terminal.select(0x7F10)
    terminal.select(0x5F3A)
    terminal.select(0x4F3A)
    assert ask(terminal, "00B201041C") == by_link
    assert by_link.endswith(" 9000")


def test_short_file_ids(terminal: Terminal) -> None:
    assert terminal.raw("00B081000A").endswith("9000")
    assert terminal.raw("00B0890007").endswith("9000")
    assert terminal.raw("00B0850006") == "6A82"
    assert terminal.raw("00B09F0001") == "6A86"
    terminal.select(0x3F00)
    assert terminal.raw("00B0890007") == "6A82"


def test_a_closed_file(terminal: Terminal) -> None:
    assert terminal.select(CLOSED).sw == 0x9000
    assert terminal.raw("00B0000006") == "6982"
    assert terminal.raw("00D6000001FF") == "6982"


def test_csim_is_read(tmp_path: Path, ts48_packages: dict[str, bytes]) -> None:
    card = card_with(tmp_path / "ts48", ts48_packages[TS48])
    terminal = Terminal(card)
    assert terminal.select(CSIM).sw == 0x9000
    assert len(terminal.read(CSIM, 0x6F22)) == 10
    terminal.select(0x6F32)
    assert terminal.raw("00B0000001").endswith("9000")
    terminal.select(USIM)
    terminal.select(0x5F3B)
    assert len(terminal.read(0x4F20)) == 9
    card.close()
