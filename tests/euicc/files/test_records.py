"""Records searched and increased, each with its refusals (TS 102 221, 11.1.7 and 11.1.8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.euicc.enabled_card import TS48, USIM, card_with
from tests.euicc.files.asking import ask, records, reopened
from tests.euicc.playground import BINARY, CYCLIC, LINEAR
from tests.euicc.terminal import Terminal


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00A2010405" + b"first".hex(), "0103 9000"),
        ("00A2020405" + b"first".hex(), "03 9000"),
        ("00A2040505" + b"first".hex(), "0301 9000"),
        ("00A2020505" + b"first".hex(), "01 9000"),
        ("00A2010402" + b"ir".hex(), "010304 9000"),
        ("00A2010406" + b"firstf".hex(), "6282"),
        ("00A2010401" + b"x".hex(), "6282"),
        # By SFI, the file is current afterwards.
        ("00A2011405" + b"first".hex(), "0103 9000"),
        # Enhanced: from an offset, and behind a value.
        ("00A2010604" + "0402" + b"rs".hex(), "0103 9000"),
        ("00A2010604" + "0403" + b"rs".hex(), "6282"),
        ("00A2010603" + "0C69" + b"r".hex(), "010304 9000"),
        ("00A2010603" + "0C72" + b"r".hex(), "6282"),
        ("00A2040604" + "0500" + b"fi".hex(), "0301 9000"),
        ("00A2000604" + "0600" + b"fi".hex(), "0103 9000"),
        ("00A2000604" + "0700" + b"fi".hex(), "0301 9000"),
        ("00A2000405" + b"first".hex(), "6A83"),
        ("00A2050405" + b"first".hex(), "6A83"),
        ("00A20104", "6700"),
        ("00A20106020400", "6700"),
        ("00A2010605" + "0200" + b"fir".hex(), "6A80"),
        ("00A2010605" + "1400" + b"fir".hex(), "6A80"),
        ("00A2010705" + b"first".hex(), "6A86"),
        ("00A2010305" + b"first".hex(), "6A86"),
        ("00A201FC05" + b"first".hex(), "6A86"),
        ("00A2019405" + b"first".hex(), "6A82"),
        ("00A2010C05" + b"first".hex(), "6981"),
        ("80A2010405" + b"first".hex(), "6E00"),
    ],
)
def test_search(terminal: Terminal, command: str, answer: str) -> None:
    terminal.select(LINEAR)
    assert ask(terminal, command) == answer


def test_search_moves_the_record_pointer_when_it_finds(terminal: Terminal) -> None:
    terminal.select(LINEAR)
    assert ask(terminal, "00A2020405" + b"first".hex()) == "03 9000"
    assert ask(terminal, "00B2000405") == b"first".hex() + " 9000"
    assert ask(terminal, "00B2000205") == b"third".hex().upper() + " 9000"
    assert ask(terminal, "00A2010401FE") == "6282"
    assert ask(terminal, "00B2000405") == b"third".hex().upper() + " 9000"
    # From the record after, and before, the current one.
    assert ask(terminal, "00A2000604" + "0600" + b"fi".hex()) == "6282"
    assert ask(terminal, "00A2000604" + "0700" + b"fi".hex()) == "0301 9000"
    # A refused one moves nothing, not even to the file of its SFI.
    assert ask(terminal, "00A2090C05" + b"first".hex()) == "6981"
    assert ask(terminal, "00B2000405") == b"first".hex() + " 9000"


def test_search_needs_a_file_and_the_right_to_read(terminal: Terminal) -> None:
    assert terminal.raw("00A2010401FF") == "6986"
    terminal.select(BINARY)
    assert terminal.raw("00A2010401FF") == "6981"


def test_increase(terminal: Terminal, tmp_path: Path) -> None:
    terminal.select(CYCLIC)
    assert ask(terminal, "8032000003000002") == "00000B000002 9000"
    assert records(terminal, 3, 3) == ["00000B", "000009", "000005"]
    assert ask(terminal, "80328300010A") == "0000150A 9000"
    again = reopened(terminal, tmp_path)
    again.select(CYCLIC)
    assert records(again, 3, 3) == ["000015", "00000B", "000009"]
    assert again.raw("8032000003FFFFFF") == "9850"
    assert ask(again, "8032000003FFFFEA") == "FFFFFFFFFFEA 9000"
    assert again.raw("803200000101") == "9850"
    assert records(again, 1, 3) == ["FFFFFF"]


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("0032000003000001", "6E00"),
        ("8032010003000001", "6A86"),
        ("8032C30003000001", "6A86"),
        ("8032000103000001", "6A86"),
        ("80320000", "6700"),
        ("8032000080" + "00" * 128, "6700"),
        ("8032950003000001", "6A82"),
        ("8032820003000001", "6981"),
        ("803200000300000109", "6C06"),
    ],
)
def test_increase_refused(terminal: Terminal, command: str, sw: str) -> None:
    terminal.select(CYCLIC)
    assert terminal.raw(command) == sw
    terminal.select(CYCLIC)
    assert records(terminal, 1, 3) == ["000009"]


def test_increase_is_a_right_of_its_own(tmp_path: Path, ts48_packages: dict[str, bytes]) -> None:
    """In TS.48 the rule of 7F10/6F44 names reading and updating with PIN1, but no INCREASE."""
    card = card_with(tmp_path / "ts48", ts48_packages[TS48])
    terminal = Terminal(card)
    for fid in (0x3F00, 0x7F10, 0x6F44):
        terminal.select(fid)
    assert terminal.raw("00B201041A").endswith("9000")
    assert terminal.raw("8032000003000001") == "6982"
    # That of EF.ACM does name it.
    terminal.select(USIM)
    terminal.select(0x6F39)
    assert ask(terminal, "8032000003000001").endswith("000001 9000")
    card.close()


def test_cyclic_files_turn(terminal: Terminal) -> None:
    terminal.select(CYCLIC)
    assert terminal.raw("00DC000303AABBCC") == "9000"
    assert records(terminal, 3, 3) == ["AABBCC", "000009", "000005"]
    assert [terminal.raw("00B2000203")[:-4] for _ in range(3)] == ["000009", "000005", "AABBCC"]
    assert terminal.raw("00B2000303")[:-4] == "000005"
    for refused in ("00DC010403AABBCC", "00DC000203AABBCC"):
        assert terminal.raw(refused) == "6A86"
    assert terminal.raw("00DC000304AABBCCDD") == "6700"


def test_next_and_previous_do_not_look_at_p1(terminal: Terminal) -> None:
    """P1 has no significance there; cards of the field ignore it, as of old (GSM 11.11, 9.2.5)."""
    terminal.select(LINEAR)
    first, other = (one.hex().upper() + " 9000" for one in (b"first", b"other"))
    assert ask(terminal, "00B2030205") == first
    assert ask(terminal, "00B2FF0205") == other
    assert ask(terminal, "00B2040305") == first
    assert terminal.raw("00DC090205" + b"fresh".hex()) == "9000"
    assert records(terminal, 2, 5)[1] == b"fresh".hex().upper()
    assert ask(terminal, "00B2000405") == b"fresh".hex().upper() + " 9000"
    terminal.select(CYCLIC)
    assert terminal.raw("00DC010303AABBCC") == "9000"
    assert records(terminal, 3, 3) == ["AABBCC", "000009", "000005"]


@pytest.mark.parametrize("ins", ["B2", "DC"])
def test_a_refused_command_leaves_the_record_pointer(terminal: Terminal, ins: str) -> None:
    data = "05" + ("AA" * 5 if ins == "DC" else "")
    terminal.select(LINEAR)
    assert ask(terminal, "00B2000205") == b"first".hex().upper() + " 9000"
    for refused in ("0903", "010F", "00FC", "098C", "091C", "0914"):
        assert terminal.raw(f"00{ins}{refused}{data}")[:2] in ("6A", "6C"), refused
    assert terminal.raw(f"00{ins}050405" + "AA" * 5 * (ins == "DC")) == "6A83"
    # One by the SFI of another file, too long or too short for it, moves nothing either.
    assert ask(terminal, "00B2000405") == b"first".hex().upper() + " 9000"
    assert ask(terminal, "00B2000205") == b"other".hex().upper() + " 9000"


def test_the_record_pointer_after_what_moves_the_file(terminal: Terminal) -> None:
    """It is undefined after SELECT and after the use of an SFI, of the current file too (8.2.2)."""
    terminal.select(LINEAR)
    for again in (f"00A4000C02{LINEAR:04X}", "00B2021405"):
        assert ask(terminal, "00B2000205").endswith("9000")
        assert terminal.raw(again).endswith("9000")
        assert terminal.raw("00B2000405") == "6A83"
        assert ask(terminal, "00B2000305") == b"third".hex().upper() + " 9000"
        terminal.select(LINEAR)
    # An SFI takes the current file elsewhere, where commands without one go on.
    assert ask(terminal, "00B0810002") == "3031 9000"
    assert terminal.raw("00B2010405") == "6981"
    assert ask(terminal, "00B2011C03") == "000009 9000"
    assert ask(terminal, "00B2000203") == "000009 9000"
