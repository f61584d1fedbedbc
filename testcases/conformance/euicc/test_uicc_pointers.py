"""What becomes current, searches from there, files deactivated or without SFI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import tlv
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import (
    BINARY,
    CYCLIC,
    DF,
    LINEAR,
    LINKED,
    RECORDS,
    SHARED,
    ask,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
]
CURRENT = "ETSI TS 102 221, 8.4 and 11.1.3"
SEARCH = "ETSI TS 102 221, 11.1.7"


@pytest.fixture
def uicc(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> Iterator[Card]:
    """The card with a profile with files of the lab's own enabled; its DF 7F50 is current."""
    own_files.enabled(over_the_air, profile_maker)
    with esim.card.transaction() as card:
        card.reset()
        own_files.select(card, DF)
        yield card


@pytest.mark.conformance("EUICC-UICC-CURRENT-01", section=CURRENT)
def test_a_df_has_no_current_file(uicc: Card) -> None:
    """SELECT of a DF leaves no EF current, and SELECT of an EF no record.

    Preconditions: a profile with files of the lab's own is ENABLED; its DF 7F50 is current.

    Steps:
    1. SELECT of a transparent file, then of DF 7F50: READ BINARY 6986.
    2. SELECT of a linear fixed file, READ RECORD next twice; SELECT of it again: READ RECORD
       current 6A83, next the first.
    """
    own_files.select(uicc, BINARY, DF)
    assert ask(uicc, "00B000000A") == "6986"
    own_files.select(uicc, LINEAR)
    for record in RECORDS[:2]:
        assert ask(uicc, "00B2000205") == f"{record.hex().upper()} 9000"
    own_files.select(uicc, LINEAR)
    assert ask(uicc, "00B2000405") == "6A83"
    assert ask(uicc, "00B2000205") == f"{RECORDS[0].hex().upper()} 9000"


@pytest.mark.conformance("EUICC-UICC-CURRENT-02", section="ETSI TS 102 221, 11.1.6 and 11.1.8")
def test_the_newest_record_is_current(uicc: Card) -> None:
    """UPDATE RECORD and INCREASE of a cyclic file make the record that they wrote current.

    Preconditions: a cyclic file with three records; no record is current.

    Steps:
    1. UPDATE RECORD previous: 9000. READ RECORD current: what was written.
    2. READ RECORD next: record 2. INCREASE: 9000. READ RECORD current: the sum.
    """
    own_files.select(uicc, CYCLIC)
    assert ask(uicc, "00DC000303000007") == "9000"
    assert ask(uicc, "00B2000403") == "000007 9000"
    assert ask(uicc, "00B2000203") == "000009 9000"
    assert ask(uicc, "80320000010200") == "00000902 9000"
    assert ask(uicc, "00B2000403") == "000009 9000"


@pytest.mark.conformance("EUICC-UICC-SEARCH-10", section=SEARCH)
def test_an_enhanced_search(uicc: Card) -> None:
    """Enhanced search begins at an offset, behind a value, or at the record after the current.

    Preconditions: a linear fixed file: first, other, first, third.

    Steps:
    1. "r" from offset 3 on: records 2 and 4. From offset 0 on: all four.
    2. "r" behind the first "t" and behind the first "h": records 2 and 4. "t" behind the first "i":
       records 1 and 3.
    3. With record 1 current, "first" from the next record on: record 3.
    """
    own_files.select(uicc, LINEAR)
    with step("1. From an offset"):
        assert ask(uicc, "00A201060304037200") == "0204 9000"
        assert ask(uicc, "00A201060304007200") == "01020304 9000"
    with step("2. Behind a value"):
        assert ask(uicc, "00A20106030C747200") == "0204 9000"
        assert ask(uicc, "00A20106030C687200") == "0204 9000"
        assert ask(uicc, "00A20106030C697400") == "0103 9000"
    with step("3. From the next record"):
        own_files.select(uicc, LINEAR)
        assert ask(uicc, "00B2000205") == f"{RECORDS[0].hex().upper()} 9000"
        assert ask(uicc, f"00A20006070600{b'first'.hex()}00") == "03 9000"


@pytest.mark.conformance("EUICC-UICC-FCP-06", section="ETSI TS 102 221, 11.1.1.4.8")
def test_a_file_without_sfi_says_so(uicc: Card) -> None:
    """The FCP of a file without SFI has an empty object 88: without it the id would be one.

    Preconditions: a file of the enabled profile has no SFI.

    Steps:
    1. SELECT: 88 is there, and empty. READ BINARY by the SFI of its id's last five bits: 6A82.
    """
    found = own_files.select(uicc, SHARED)
    assert found.get(0x88) == b""
    own_files.select(uicc, DF)
    assert ask(uicc, f"00B0{0x80 | int(SHARED, 16) & 0x1F:02X}0001") == "6A82"


@pytest.mark.conformance("EUICC-UICC-FCP-07", section="ETSI TS 102 221, 11.1.1.4.9 and 11.1.14")
def test_a_deactivated_file_says_so(uicc: Card) -> None:
    """SELECT of a deactivated file warns, and its FCP shows the life cycle.

    Preconditions: everybody may deactivate and activate a file of the enabled profile.

    Steps:
    1. DEACTIVATE FILE: 9000. SELECT: 6283, 8A is 04 or 06.
    2. ACTIVATE FILE: 9000. SELECT: 9000, 8A is 05 or 07.
    """
    own_files.select(uicc, BINARY)
    assert ask(uicc, "00040000") == "9000"
    own_files.select(uicc, DF)
    data, _, sw = ask(uicc, f"00A4000402{BINARY}00").rpartition(" ")
    assert sw == "6283"
    whole, _ = tlv.decode_one(bytes.fromhex(data))
    assert tlv.require(whole.children(), 0x8A, where="FCP") in (b"\x04", b"\x06")
    assert ask(uicc, "00440000") == "9000"
    assert own_files.select(uicc, DF, BINARY)[0x8A] in (b"\x05", b"\x07")


@pytest.mark.conformance("EUICC-UICC-SELECT-30", section="ETSI TS 102 221, 8.5.1.2 and 11.1.1")
def test_the_occurrences_of_a_part_of_an_aid(uicc: Card) -> None:
    """A part of an AID goes through the applications that it fits: first, next, last, previous.

    Preconditions: the enabled profile has a USIM and an ISIM, and no other application of 3GPP.

    Steps:
    1. SELECT of A00000008710 first (P2 04), next (06): two applications. Next again: 6A82.
    2. SELECT last (05): the second of them. Previous (07): the first. Previous again: 6A82.
    """

    def named(which: int) -> bytes:
        answer = ask(uicc, f"00A404{which:02X}06A0000000871000")
        data, _, sw = answer.rpartition(" ")
        if sw != "9000":
            assert sw == "6A82"
            return b""
        whole, _ = tlv.decode_one(bytes.fromhex(data))
        return tlv.require(whole.children(), 0x84, where="FCP")

    with step("1. Forward"):
        first, second = named(0x04), named(0x06)
        assert first
        assert second
        assert first != second
        assert named(0x06) == b""
    with step("2. Backward"):
        assert named(0x05) == second
        assert named(0x07) == first
        assert named(0x07) == b""


@pytest.mark.conformance("EUICC-UICC-UPDATE-04", section="TCA interoperable format, 8.3.3")
def test_a_link_shows_its_target(uicc: Card) -> None:
    """A file and a link to it have one content.

    Preconditions: a file of the enabled profile is a link to a transparent file.

    Steps:
    1. UPDATE BINARY of the link: 9000. READ BINARY of the file: what was written.
    2. UPDATE BINARY of the file: 9000. READ BINARY of the link, after a reset too: what was
       written.
    """
    own_files.select(uicc, LINKED)
    assert ask(uicc, "00D60000024142") == "9000"
    own_files.select(uicc, BINARY)
    assert ask(uicc, "00B0000002") == "4142 9000"
    assert ask(uicc, "00D60000024344") == "9000"
    for _ in range(2):
        own_files.select(uicc, DF, LINKED)
        assert ask(uicc, "00B0000002") == "4344 9000"
        uicc.reset()
