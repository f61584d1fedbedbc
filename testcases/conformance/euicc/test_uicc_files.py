"""READ, UPDATE, SEARCH and INCREASE in an enabled profile, and who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import (
    BINARY,
    CLOSED,
    CONTENT,
    CYCLIC,
    DF,
    GUARDED,
    LINEAR,
    RECORDS,
    ask,
    row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
]
READ_BINARY, UPDATE_BINARY = "ETSI TS 102 221, 11.1.3", "ETSI TS 102 221, 11.1.4"
READ_RECORD, UPDATE_RECORD = "ETSI TS 102 221, 11.1.5", "ETSI TS 102 221, 11.1.6"
SEARCH, INCREASE = "ETSI TS 102 221, 11.1.7", "ETSI TS 102 221, 11.1.8"
ACCESS = "ETSI TS 102 221, 9.2"
ADM1 = "3535353535353535"


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """A profile with files of the lab's own, enabled."""
    return own_files.enabled(over_the_air, profile_maker)


@pytest.fixture
def uicc(esim: Esim, profile: LabProfile) -> Iterator[Card]:  # noqa: ARG001 - enabled
    """The card with that profile; held alone, its DF 7F50 is current."""
    with esim.card.transaction() as card:
        card.reset()
        own_files.select(card, DF)
        yield card


def hexed(value: bytes) -> str:
    """Return the answer with this data and 9000."""
    return f"{value.hex().upper()} 9000"


@pytest.mark.parametrize(
    ("fid", "command", "expected"),
    [
        row("EUICC-UICC-READ-01", READ_BINARY, "READ BINARY of a whole file", BINARY,
            "00B000000A", hexed(CONTENT)),
        row("EUICC-UICC-READ-02", READ_BINARY, "READ BINARY from an offset", BINARY,
            "00B0000403", hexed(CONTENT[4:7])),
        row("EUICC-UICC-READ-03", READ_BINARY, "READ BINARY of the last byte", BINARY,
            "00B0000901", hexed(CONTENT[9:])),
        row("EUICC-UICC-READ-04", READ_BINARY, "READ BINARY by SFI, with no file current", "",
            "00B0810203", hexed(CONTENT[2:5])),
        row("EUICC-UICC-READ-05", READ_BINARY, "READ BINARY behind the end (6B00)", BINARY,
            "00B0000A01", "6B00"),
        row("EUICC-UICC-READ-06", READ_BINARY, "READ BINARY with no file current (6986)", "",
            "00B000000A", "6986"),
        row("EUICC-UICC-READ-07", READ_BINARY, "READ BINARY of a linear fixed file (6981)", LINEAR,
            "00B0000005", "6981"),
        row("EUICC-UICC-READ-08", READ_BINARY, "READ BINARY by an SFI that is not there (6A82)",
            BINARY, "00B0930001", "6A82"),
        row("EUICC-UICC-READ-09", READ_RECORD, "READ RECORD by number", LINEAR, "00B2020405",
            hexed(RECORDS[1])),
        row("EUICC-UICC-READ-10", READ_RECORD, "READ RECORD by number and SFI", "", "00B2041405",
            hexed(RECORDS[3])),
        row("EUICC-UICC-READ-11", READ_RECORD, "READ RECORD next, the pointer not set", LINEAR,
            "00B2000205", hexed(RECORDS[0])),
        row("EUICC-UICC-READ-12", READ_RECORD, "READ RECORD previous, the pointer not set", LINEAR,
            "00B2000305", hexed(RECORDS[3])),
        row("EUICC-UICC-READ-13", READ_RECORD, "READ RECORD behind the last (6A83)", LINEAR,
            "00B2050405", "6A83"),
        row("EUICC-UICC-READ-14", READ_RECORD, "READ RECORD current, the pointer not set (6A83)",
            LINEAR, "00B2000405", "6A83"),
        row("EUICC-UICC-READ-15", READ_RECORD, "READ RECORD of a transparent file (6981)", BINARY,
            "00B2010405", "6981"),
        row("EUICC-UICC-READ-16", READ_RECORD, "READ RECORD with no file current (6986)", "",
            "00B2010405", "6986"),
        row("EUICC-UICC-READ-17", READ_RECORD, "READ RECORD in a mode that is none (6A86)", LINEAR,
            "00B2010705", "6A86"),
        row("EUICC-UICC-READ-18", READ_RECORD, "READ RECORD 1 of a cyclic file: the newest",
            CYCLIC, "00B2010403", hexed(bytes.fromhex("000009"))),
        row("EUICC-UICC-SEARCH-01", SEARCH, "SEARCH RECORD forward from record 1", LINEAR,
            f"00A2010405{b'first'.hex()}00", "0103 9000"),
        row("EUICC-UICC-SEARCH-02", SEARCH, "SEARCH RECORD forward from record 2", LINEAR,
            f"00A2020405{b'first'.hex()}00", "03 9000"),
        row("EUICC-UICC-SEARCH-03", SEARCH, "SEARCH RECORD backward from record 4", LINEAR,
            f"00A2040505{b'first'.hex()}00", "0301 9000"),
        row("EUICC-UICC-SEARCH-04", SEARCH, "SEARCH RECORD for a part of a record", LINEAR,
            f"00A2010402{b'ir'.hex()}00", "010304 9000"),
        row("EUICC-UICC-SEARCH-05", SEARCH, "SEARCH RECORD for what is not there (6282 or 6A83)",
            LINEAR, f"00A2010405{b'fifth'.hex()}00", "6282|6A83"),
        row("EUICC-UICC-SEARCH-06", SEARCH, "SEARCH RECORD, enhanced: from an offset", LINEAR,
            f"00A20106040402{b'rs'.hex()}00", "0103 9000"),
        row("EUICC-UICC-SEARCH-07", SEARCH, "SEARCH RECORD in a transparent file (6981)", BINARY,
            f"00A2010405{b'first'.hex()}00", "6981"),
        row("EUICC-UICC-SEARCH-08", SEARCH, "SEARCH RECORD from behind the last record (6A83)",
            LINEAR, f"00A2050405{b'first'.hex()}00", "6A83"),
    ],
)  # fmt: skip
def test_a_reading_command(uicc: Card, fid: str, command: str, expected: str) -> None:
    """A file is read.

    Preconditions: a profile with files of the lab's own is ENABLED; its DF 7F50 is current: a
    transparent file 0123456789, a linear fixed file first, other, first, third, a cyclic file.

    Steps:
    1. SELECT of the file of the title, if it needs one: 9000.
    2. The command of the title: the data of the file, or the status word of the title.
    """
    if fid:
        own_files.select(uicc, fid)
    answer = ask(uicc, command)
    assert answer in expected.split("|"), answer


@pytest.mark.conformance("EUICC-UICC-READ-19", section=READ_RECORD)
def test_the_record_pointer_of_a_linear_file(uicc: Card) -> None:
    """The record pointer of a linear file stops at both ends, and absolute reading leaves it.

    Preconditions: a linear fixed file of four records is current, the pointer not set.

    Steps:
    1. READ RECORD next four times: records 1 to 4.
    2. READ RECORD next: 6A83. READ RECORD current: record 4.
    3. READ RECORD 2: record 2. READ RECORD current: record 4 still.
    4. READ RECORD previous: record 3.
    5. SELECT of the same file: the pointer is not set any more, READ RECORD current is 6A83.
    """
    own_files.select(uicc, LINEAR)
    with step("1. and 2. Next"):
        assert [ask(uicc, "00B2000205") for _ in RECORDS] == [hexed(one) for one in RECORDS]
        assert ask(uicc, "00B2000205") == "6A83"
        assert ask(uicc, "00B2000405") == hexed(RECORDS[3])
    with step("3. Absolute"):
        assert ask(uicc, "00B2020405") == hexed(RECORDS[1])
        assert ask(uicc, "00B2000405") == hexed(RECORDS[3])
    with step("4. Previous"):
        assert ask(uicc, "00B2000305") == hexed(RECORDS[2])
    with step("5. SELECT"):
        own_files.select(uicc, LINEAR)
        assert ask(uicc, "00B2000405") == "6A83"


@pytest.mark.conformance("EUICC-UICC-READ-20", section=READ_RECORD)
def test_the_record_pointer_of_a_cyclic_file(uicc: Card) -> None:
    """The record pointer of a cyclic file goes round.

    Preconditions: a cyclic file of three records is current, the pointer not set.

    Steps:
    1. READ RECORD next four times: records 1, 2, 3, 1.
    2. READ RECORD previous: record 3.
    """
    own_files.select(uicc, CYCLIC)
    numbers = ["000009", "000005", "000001", "000009"]
    assert [ask(uicc, "00B2000203") for _ in numbers] == [f"{one} 9000" for one in numbers]
    assert ask(uicc, "00B2000303") == "000001 9000"


@pytest.mark.conformance("EUICC-UICC-SEARCH-09", section=SEARCH)
def test_a_search_sets_the_record_pointer(uicc: Card) -> None:
    """SEARCH RECORD sets the pointer to the first record it found, and leaves it if it found none.

    Preconditions: a linear fixed file is current.

    Steps:
    1. SEARCH RECORD from record 2: record 3. READ RECORD current: record 3.
    2. SEARCH RECORD for what is not there: 6282 or 6A83. READ RECORD current: record 3.
    """
    own_files.select(uicc, LINEAR)
    assert ask(uicc, f"00A2020405{b'first'.hex()}00") == "03 9000"
    assert ask(uicc, "00B2000405") == hexed(RECORDS[2])
    assert ask(uicc, f"00A2010405{b'fifth'.hex()}00") in ("6282", "6A83")
    assert ask(uicc, "00B2000405") == hexed(RECORDS[2])


@pytest.mark.conformance("EUICC-UICC-UPDATE-01", section=UPDATE_BINARY)
def test_a_transparent_file_is_updated(uicc: Card) -> None:
    """UPDATE BINARY writes where it is told to, and what is written outlasts a reset.

    Preconditions: a transparent file of ten bytes is current.

    Steps:
    1. UPDATE BINARY of three bytes at offset 4: 9000.
    2. READ BINARY: these three have changed, no other.
    3. The same after a reset.
    4. UPDATE BINARY of two bytes at offset 9: 6B00 or 6700, nothing has changed.
    """
    own_files.select(uicc, BINARY)
    changed = hexed(CONTENT[:4] + b"xyz" + CONTENT[7:])
    with step("1. and 2. UPDATE BINARY"):
        assert ask(uicc, f"00D6000403{b'xyz'.hex()}") == "9000"
        assert ask(uicc, "00B000000A") == changed
    with step("3. After a reset"):
        uicc.reset()
        own_files.select(uicc, DF, BINARY)
        assert ask(uicc, "00B000000A") == changed
    with step("4. Over the end"):
        assert ask(uicc, "00D60009024040") in ("6B00", "6700")
        assert ask(uicc, "00B000000A") == changed


@pytest.mark.conformance("EUICC-UICC-UPDATE-02", section=UPDATE_RECORD)
def test_a_record_is_updated(uicc: Card) -> None:
    """UPDATE RECORD writes one record, and only whole ones.

    Preconditions: a linear fixed file of four records is current.

    Steps:
    1. UPDATE RECORD 2: 9000. READ RECORD 1 to 4: the second has changed, no other.
    2. UPDATE RECORD 5: 6A83. UPDATE RECORD 2 with four bytes: 6700. Nothing has changed.
    3. The same after a reset.
    """
    own_files.select(uicc, LINEAR)
    changed = [hexed(one) for one in (RECORDS[0], b"fresh", *RECORDS[2:])]

    def read() -> list[str]:
        return [ask(uicc, f"00B20{number}0405") for number in range(1, 5)]

    with step("1. UPDATE RECORD"):
        assert ask(uicc, f"00DC020405{b'fresh'.hex()}") == "9000"
        assert read() == changed
    with step("2. Refused"):
        assert ask(uicc, f"00DC050405{b'fresh'.hex()}") == "6A83"
        assert ask(uicc, f"00DC020404{b'fres'.hex()}") == "6700"
        assert read() == changed
    with step("3. After a reset"):
        uicc.reset()
        own_files.select(uicc, DF, LINEAR)
        assert read() == changed


@pytest.mark.conformance("EUICC-UICC-UPDATE-03", section=UPDATE_RECORD)
def test_a_cyclic_file_is_updated(uicc: Card) -> None:
    """UPDATE RECORD previous of a cyclic file overwrites the oldest record, which is then record 1.

    Preconditions: a cyclic file of three records is current.

    Steps:
    1. UPDATE RECORD previous: 9000.
    2. READ RECORD 1 to 3: the new one, then the two newest of before.
    """
    own_files.select(uicc, CYCLIC)
    assert ask(uicc, "00DC0003030000AA") == "9000"
    read = [ask(uicc, f"00B20{number}0403") for number in (1, 2, 3)]
    assert read == ["0000AA 9000", "000009 9000", "000005 9000"]


@pytest.mark.conformance("EUICC-UICC-INCREASE-01", section=INCREASE)
def test_a_value_is_increased(uicc: Card) -> None:
    """INCREASE adds to record 1 and makes the sum the new record 1.

    Preconditions: a cyclic file of three records of three bytes is current, record 1 is 9.

    Steps:
    1. INCREASE by 000007: 000010 000007, 9000.
    2. READ RECORD 1 to 3: 16, 9, 5.
    3. INCREASE by FFFFF0: 9850; READ RECORD 1: 16.
    4. INCREASE in a linear fixed file: 6981.
    """
    own_files.select(uicc, CYCLIC)
    with step("1. INCREASE"):
        assert ask(uicc, "803200000300000700") == "000010000007 9000"
    with step("2. READ RECORD"):
        read = [ask(uicc, f"00B20{number}0403") for number in (1, 2, 3)]
        assert read == ["000010 9000", "000009 9000", "000005 9000"]
    with step("3. Over the maximum"):
        assert ask(uicc, "8032000003FFFFF000") == "9850"
        assert ask(uicc, "00B2010403") == "000010 9000"
    with step("4. No cyclic file"):
        own_files.select(uicc, LINEAR)
        assert ask(uicc, "803200000300000700") == "6981"


@pytest.mark.conformance("EUICC-UICC-ACCESS-01", section=ACCESS)
def test_what_is_never_allowed(uicc: Card) -> None:
    """A file whose rule is NEVER is neither read nor updated, not with ADM1 either.

    Preconditions: a file with that rule is current.

    Steps:
    1. READ BINARY and UPDATE BINARY: 6982 each, no data.
    2. VERIFY PIN of ADM1: 9000. READ BINARY and UPDATE BINARY: 6982 each.
    """
    own_files.select(uicc, CLOSED)
    for _ in range(2):
        assert ask(uicc, "00B0000006") == "6982"
        assert ask(uicc, "00D60000020000") == "6982"
        assert ask(uicc, f"0020000A08{ADM1}") == "9000"


@pytest.mark.conformance("EUICC-UICC-ACCESS-02", section=ACCESS)
def test_what_adm1_is_needed_for(uicc: Card) -> None:
    """A file that anybody reads is updated with ADM1 alone, until the next reset.

    Preconditions: a file with that rule is current; ADM1 was not presented.

    Steps:
    1. READ BINARY: its content. UPDATE BINARY: 6982.
    2. VERIFY PIN of ADM1: 9000. UPDATE BINARY: 9000.
    3. After a reset READ BINARY: the new content. UPDATE BINARY: 6982.
    """
    own_files.select(uicc, GUARDED)
    with step("1. Without"):
        assert ask(uicc, "00B0000007") == hexed(b"guarded")
        assert ask(uicc, f"00D6000002{b'GU'.hex()}") == "6982"
    with step("2. With ADM1"):
        assert ask(uicc, f"0020000A08{ADM1}") == "9000"
        assert ask(uicc, f"00D6000002{b'GU'.hex()}") == "9000"
    with step("3. After a reset"):
        uicc.reset()
        own_files.select(uicc, DF, GUARDED)
        assert ask(uicc, "00B0000007") == hexed(b"GUarded")
        assert ask(uicc, f"00D6000002{b'gu'.hex()}") == "6982"


@pytest.mark.conformance("EUICC-UICC-ACCESS-03", section="ETSI TS 102 221, 11.1.14 and 11.1.15")
def test_a_deactivated_file(uicc: Card) -> None:
    """A deactivated file is not read until it is activated again.

    Preconditions: a transparent file that anybody may deactivate is current.

    Steps:
    1. DEACTIVATE FILE: 9000.
    2. SELECT: 6283 (or 9000 with 8A 04). READ BINARY: 6984.
    3. ACTIVATE FILE: 9000. READ BINARY: its content.
    """
    own_files.select(uicc, BINARY)
    assert ask(uicc, "00040000") == "9000"
    assert ask(uicc, f"00A4000C02{BINARY}") in ("6283", "9000")
    assert ask(uicc, "00B000000A") == "6984"
    assert ask(uicc, "00440000") == "9000"
    assert ask(uicc, "00B000000A") == hexed(CONTENT)


@pytest.mark.conformance("EUICC-UICC-ACCESS-04", section="SGP.02, 3.2; ETSI TS 102 221, 8")
def test_the_files_are_those_of_the_enabled_profile(
    uicc: Card, esim: Esim, profile: LabProfile
) -> None:
    """EF.ICCID and EF.IMSI are those of the enabled profile, in the coding of the standard.

    Preconditions: a profile is ENABLED.

    Steps:
    1. EF.ICCID: ten bytes of swapped BCD digits, the ICCID of the profile.
    2. EF.IMSI in the USIM: its length, then the digits of the profile's IMSI.
    """
    own_files.select(uicc, "3F00", "2FE2")
    digits = ask(uicc, "00B000000A").split()[0]
    swapped = "".join(digits[n + 1] + digits[n] for n in range(0, 20, 2))
    assert swapped.rstrip("F") == profile.iccid
    assert esim.imsi() == profile.imsi
