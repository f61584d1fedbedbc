"""Files made, removed and resized under access rules, with refusals (TS 102 222)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.wire import tlv
from tests.euicc.enabled_card import ADM1, USIM, card_with
from tests.euicc.files.asking import NEW, NEW_DF, NEW_RECORDS, ask, create, fcp, records, reopened
from tests.euicc.playground import ARR, BINARY, CLOSED, CYCLIC, DF, GUARDED, LINEAR, LINK, OBJECTS
from tests.euicc.terminal import Terminal


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
