"""Commands that search, change, make and remove files, each with its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard
from hil.wire import tlv
from tests.euicc.enabled_card import ADM1, CSIM, TS48, TS48_BER_TLV, USIM, card_with, opened_again
from tests.euicc.playground import (
    ARR,
    BINARY,
    CLOSED,
    CYCLIC,
    DF,
    GUARDED,
    LINEAR,
    LINK,
    LINKED_DF,
    OBJECTS,
    STUBBORN,
    playground,
)
from tests.euicc.terminal import Terminal, profile


@pytest.fixture(scope="module")
def package() -> bytes:
    return playground(profile())


@pytest.fixture
def card(tmp_path: Path, package: bytes) -> Iterator[VirtualCard]:
    card = card_with(tmp_path / "card", package)
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    terminal = Terminal(card)
    terminal.select(0x3F00)
    terminal.select(DF)
    return terminal


def ask(terminal: Terminal, command: str) -> str:
    """All of the answer, 61xx followed; data, a blank, status word."""
    answer = terminal.raw(command)
    if answer[:2] == "61":
        answer = terminal.raw("00C00000" + answer[2:])
    return f"{answer[:-4]} {answer[-4:]}".strip()


def fcp(terminal: Terminal, fid: int) -> dict[int, bytes]:
    (template,) = tlv.decode_all(terminal.select(fid).data)
    return {one.tag: one.value for one in template.children()}


def reopened(terminal: Terminal, tmp_path: Path) -> Terminal:
    assert isinstance(terminal.card, VirtualCard)
    again = Terminal(opened_again(terminal.card, tmp_path / "card"))
    again.select(0x3F00)
    again.select(DF)
    return again


# SEARCH RECORD


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


# Cyclic files


def records(terminal: Terminal, count: int, length: int) -> list[str]:
    return [terminal.raw(f"00B2{n + 1:02X}04{length:02X}")[:-4] for n in range(count)]


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
    for refused in ("00DC010403AABBCC", "00DC000203AABBCC", "00DC010303AABBCC"):
        assert terminal.raw(refused) == "6A86"
    assert terminal.raw("00DC000304AABBCCDD") == "6700"


# ACTIVATE and DEACTIVATE


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


# BER-TLV files


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


# Links, SFIs, directories


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


# CREATE, DELETE, RESIZE


def create(body: str) -> str:
    return f"00E00000{len(bytes.fromhex(body)) + 2:02X}62{len(bytes.fromhex(body)):02X}{body}"


NEW = "82024121 83026F20 8A0105 8B036F0601 8002000A 880150".replace(" ", "")
NEW_RECORDS = "82054221000402 83026F21 8A0105 8B036F0601 80020008 8800".replace(" ", "")
NEW_DF = "82027821 83025F20 8A0105 8B036F0601 81020100 C609900180 830101 83010A".replace(" ", "")


def test_create_and_delete(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.raw(create(NEW)) == "9000"
    # It is current, empty, and has its SFI.
    assert ask(terminal, "00B000000A") == "FF" * 10 + " 9000"
    assert terminal.raw("00D60000020102") == "9000"
    again = reopened(terminal, tmp_path)
    assert ask(again, "00B08A0002") == "0102 9000"
    assert again.raw(create(NEW)) == "6A89"
    assert again.raw("00E40000026F20") == "9000"
    assert again.raw("00B0000002") == "6986"
    assert again.raw("00B08A0002") == "6A82"
    gone = reopened(again, tmp_path)
    assert gone.select(0x6F20).sw == 0x6A82
    assert gone.raw(create(NEW)) == "9000"
    assert ask(gone, "00B000000A") == "FF" * 10 + " 9000"


def test_directories_come_and_go_with_what_is_in_them(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.raw(create(NEW_DF)) == "9000"
    assert terminal.raw(create(NEW_RECORDS)) == "9000"
    assert terminal.raw("00DC010404AABBCCDD") == "9000"
    again = reopened(terminal, tmp_path)
    assert fcp(again, 0x5F20)[0xC6].hex().upper() == "90014083010183010A"
    again.select(0x6F21)
    assert again.raw("00B2010404") == "AABBCCDD9000"
    assert again.raw("0070000001") == "019000"
    assert again.raw("01A40004023F00")[:2] == "61"
    for fid in ("7F50", "5F20", "6F21"):
        assert again.raw(f"01A4000C02{fid}") == "9000"
    again.select(0x3F00)
    again.select(DF)
    assert again.raw("00E40000025F20") == "9000"
    # The other channel was in it: it finds itself in the DF above.
    assert again.raw("01B2010404") == "6986"
    assert again.raw("81F2000000")[:20].find("7F50") > 0
    gone = reopened(again, tmp_path)
    assert gone.select(0x5F20).sw == 0x6A82


def test_memory_is_charged_and_given_back(terminal: Terminal) -> None:
    def free() -> int:
        details = tlv.decode_all(fcp(terminal, 0x3F00)[0xA5])
        return int.from_bytes(tlv.require(details, 0x83, where="A5"), "big")

    before = free()
    terminal.select(DF)
    assert terminal.raw(create(NEW)) == "9000"
    assert free() == before - 24 - 10
    terminal.select(DF)
    assert terminal.raw("80D400000A 6208 83026F20 80020064") == "9000"
    assert free() == before - 24 - 100
    terminal.select(DF)
    terminal.select(OBJECTS)
    assert terminal.raw("80DB0080EF8481ED" + "00" * 236) == "63F1"
    assert terminal.raw("80DB00000100") == "9000"
    assert free() == before - 24 - 100 - (12 + 240 - 0x40)
    terminal.select(DF)
    terminal.select(OBJECTS)
    assert terminal.raw("80DB00800184") == "9000"
    terminal.select(0x3F00)
    terminal.select(DF)
    assert terminal.raw("00E40000026F20") == "9000"
    assert free() == before


def test_memory_ends(tmp_path: Path, package: bytes) -> None:
    card = card_with(tmp_path / "small", package, memory=100_000)
    terminal = Terminal(card)
    terminal.select(0x3F00)
    terminal.select(DF)
    big = NEW.replace("8002000A", "8002FF00")
    assert terminal.raw(create(big)) == "9000"
    assert terminal.raw(create(big.replace("6F20", "6F21").replace("880150", "8800"))) == "6A84"
    assert terminal.select(0x6F21).sw == 0x6A82
    assert terminal.raw("80D400000A620883026F018002FFFF") == "6A84"
    assert terminal.raw("00B081000A").endswith("9000")
    card.close()


def test_resize(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.raw("80D400000A620883026F018002000C") == "9000"
    assert ask(terminal, "00B000000C") == b"0123456789".hex() + "FFFF 9000"
    assert terminal.raw("80D400000A620883026F0180020004") == "9000"
    assert terminal.raw("80D400000A620883026F028002000F") == "9000"
    assert terminal.raw("80D400000A620883026F038002000C") == "9000"
    again = reopened(terminal, tmp_path)
    assert ask(again, "00B0810004") == b"0123".hex() + " 9000"
    assert fcp(again, LINEAR)[0x82].hex() == "4221000503"
    assert fcp(again, LINK)[0x82].hex() == "4221000503"
    again.select(CYCLIC)
    assert records(again, 4, 3) == ["000009", "000005", "000001", "FFFFFF"]
    assert again.raw("80D400000B620983026F04A503860180") == "9000"
    details = tlv.decode_all(fcp(again, OBJECTS)[0xA5])
    assert tlv.find(details, 0x86) == b"\x00\x80"
    assert ask(again, "80CB00800181") == "81036F6E65 9000"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (create(NEW).replace("00E0", "80E0", 1), "6E00"),
        (create(NEW).replace("00E00000", "00E00100", 1), "6A86"),
        ("00E00000", "6700"),
        ("00E000000A6108" + "00" * 8, "6A80"),
        ("00E00000036205AA", "6A80"),
        (create(NEW.replace("83026F20", "")), "6A80"),
        (create(NEW.replace("8A0105", "")), "6A80"),
        (create(NEW.replace("8B036F0601", "")), "6A80"),
        (create(NEW.replace("8B036F0601", "8C0100")), "6A80"),
        (create(NEW.replace("8002000A", "")), "6A80"),
        (create(NEW.replace("8002000A", "80020000")), "6A80"),
        (create(NEW.replace("82024121", "82024321")), "6A80"),
        (create(NEW.replace("83026F20", "83027FFF")), "6A80"),
        (create(NEW.replace("83026F20", "83013F")), "6A80"),
        (create(NEW.replace("83026F20", "83026F01")), "6A89"),
        (create(NEW.replace("880150", "8801F8")), "6A80"),
        (create(NEW.replace("8A0105", "8A010C")), "6A80"),
        (create(NEW_RECORDS.replace("80020008", "80020009")), "6A80"),
        (create(NEW_DF.replace("C609900180830101" + "83010A", "")), "6A80"),
        ("00E40000", "6700"),
        ("00E40000016F", "6700"),
        ("00E40000026FFF", "6A82"),
        ("00E40000023F00", "6985"),
        ("00E40000026F02", "6985"),
        ("80E40000026F01", "6E00"),
        ("00D400000A620883026F0180020004", "6E00"),
        ("80D400010A620883026F0180020004", "6A86"),
        ("80D400000A620883026FFF80020004", "6A82"),
        ("80D400000A620883026F0280020007", "6A80"),
        ("80D4000006620483026F01", "6A80"),
        ("80D4000006620480020004", "6A80"),
        ("80D400000A620883026F0980020004", "6982"),
        ("80D400000A620883025F0180020004", "6981"),
    ],
)
def test_management_refused(terminal: Terminal, command: str, sw: str) -> None:
    before = fcp(terminal, BINARY)
    assert terminal.raw(command) == sw
    assert fcp(terminal, BINARY) == before
    assert terminal.raw("00B000000A").endswith("9000")


def test_an_sfi_is_given_once(terminal: Terminal) -> None:
    assert terminal.raw(create(NEW.replace("880150", "880108"))) == "6A80"
    assert terminal.raw("00B081000A").startswith(b"0123".hex())


def test_rights_to_manage(terminal: Terminal) -> None:
    terminal.select(0x3F00)
    assert terminal.raw(create(NEW)) == "6982"
    assert terminal.raw(create(NEW_DF)) == "6982"
    assert terminal.raw("00E40000022F05") == "6982"
    assert terminal.raw(f"0020000A08{ADM1}") == "9000"
    assert terminal.raw(create(NEW.replace("8B036F0601", "8B032F0602"))) == "9000"
    terminal.select(0x3F00)
    assert terminal.raw("00E40000022F05") == "9000"
    terminal.select(DF)
    assert terminal.raw("80D400000A620883026F0980020008") == "9000"
    assert terminal.raw("00E40000026F09") == "9000"
    assert terminal.select(GUARDED).sw == 0x6A82


def test_rules_made_anew_count_at_once(terminal: Terminal) -> None:
    assert terminal.raw(f"0020000A08{ADM1}") == "9000"
    terminal.select(ARR)
    rule = "80017F9000".ljust(80, "F")
    assert terminal.raw(f"00DC030428{rule}") == "9000"
    terminal.select(CLOSED)
    assert terminal.raw("00B0000006").endswith("9000")


def test_applications_are_not_deleted_as_files(terminal: Terminal) -> None:
    terminal.select(USIM)
    assert terminal.raw(f"0020000A08{ADM1}") == "9000"
    assert terminal.raw("00E40000027FFF") == "6985"
    assert terminal.select(USIM).sw == 0x9000


@pytest.mark.parametrize(
    "command",
    [
        create(NEW),
        "00E40000026F01",
        "80D400000A620883026F0180020004",
        "80DB0080038101FF",
        "8032830003000001",
        "00040000026F01",
    ],
)
def test_memory_trouble_changes_nothing(
    terminal: Terminal, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    terminal.select(OBJECTS)
    with monkeypatch.context() as patch:
        patch.setattr("hil.virtual.euicc.nvm.os.pwrite", full)
        assert terminal.raw(command) == "6581"
    terminal.select(0x3F00)
    terminal.select(DF)
    assert terminal.select(0x6F20).sw == 0x6A82
    assert ask(terminal, "00B081000A") == b"0123456789".hex() + " 9000"
    assert ask(terminal, "80CB00840181") == "81036F6E65 9000"
    terminal.select(CYCLIC)
    assert records(terminal, 3, 3) == ["000009", "000005", "000001"]


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
