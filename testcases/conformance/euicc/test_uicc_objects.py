"""RETRIEVE DATA and SET DATA: data objects in a BER-TLV file of an enabled profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import tlv
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import BINARY, DF, MOST_OBJECTS, OBJECTS, ask, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.applies("O_BER_TLV"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
]
RETRIEVE, SET = "ETSI TS 102 221, 11.3.1", "ETSI TS 102 221, 11.3.2"
SHORT = tlv.encode(0x81, b"short")
LONG = tlv.encode(0x82, bytes(n % 251 for n in range(400)))
"""Longer than one command and one answer."""

CUT = 200
FIRST, AGAIN, NEXT = 0x80, 0x40, 0x00


@pytest.fixture
def uicc(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> Iterator[Card]:
    """The card with a profile enabled that has a BER-TLV file; held alone, the file is current."""
    own_files.enabled(over_the_air, profile_maker, objects=True)
    with esim.card.transaction() as card:
        card.reset()
        own_files.select(card, DF, OBJECTS)
        yield card


def put(card: Card, piece: bytes, block: int = FIRST) -> str:
    """Send SET DATA with one block; return the answer."""
    return ask(card, f"80DB00{block:02X}{len(piece):02X}{piece.hex()}")


def put_whole(card: Card, value: bytes) -> None:
    """Send SET DATA until the object is whole."""
    pieces = [value[at : at + CUT] for at in range(0, len(value), CUT)]
    for number, piece in enumerate(pieces):
        expected = "9000" if number == len(pieces) - 1 else "63F1"
        assert put(card, piece, NEXT if number else FIRST) == expected


def got(card: Card, tag: int) -> str:
    """Send RETRIEVE DATA for a tag, and for more of it as often as there is; return all of it."""
    data, _, sw = ask(card, f"80CB008001{tag:02X}00").rpartition(" ")
    for _ in range(8):
        if sw != "62F1":
            break
        more, _, sw = ask(card, "80CB000000").rpartition(" ")
        data += more
    return f"{data} {sw}".strip()


def hexed(value: bytes) -> str:
    """Return the answer with this data and 9000."""
    return f"{value.hex().upper()} 9000"


@pytest.mark.conformance("EUICC-UICC-OBJECT-01", section=f"{SET}; 11.3.1")
def test_an_object_is_set_read_and_deleted(uicc: Card) -> None:
    """An object goes in, comes out after a reset too, is replaced and deleted.

    Preconditions: an empty BER-TLV file is current.

    Steps:
    1. SET DATA of object 81: 9000. RETRIEVE DATA of 81: the object.
    2. After a reset: the same. RETRIEVE DATA of 5C: the list of tags, 81.
    3. SET DATA of 81 with another value: 9000. RETRIEVE DATA: the new one.
    4. SET DATA of the tag alone: 9000. RETRIEVE DATA of 81: 6A88.
    """
    with step("1. In and out"):
        assert put(uicc, SHORT) == "9000"
        assert got(uicc, 0x81) == hexed(SHORT)
    with step("2. After a reset"):
        uicc.reset()
        own_files.select(uicc, DF, OBJECTS)
        assert got(uicc, 0x81) == hexed(SHORT)
        assert got(uicc, 0x5C) == "5C0181 9000"
    with step("3. Another value"):
        other = tlv.encode(0x81, b"another one")
        assert put(uicc, other) == "9000"
        assert got(uicc, 0x81) == hexed(other)
    with step("4. Deleted"):
        assert put(uicc, b"\x81") == "9000"
        assert got(uicc, 0x81) == "6A88"


@pytest.mark.conformance("EUICC-UICC-OBJECT-02", section=f"{SET}; 11.3.1")
def test_an_object_in_several_blocks(uicc: Card) -> None:
    """An object longer than a command goes in and comes out in blocks.

    Preconditions: a BER-TLV file that holds object 81 is current.

    Steps:
    1. SET DATA of the first block of object 82: 63F1. The next ones: 63F1, the last one 9000.
    2. RETRIEVE DATA of 82, first and next blocks: 62F1, at last 9000; together the object.
    3. RETRIEVE DATA of 81: as before.
    """
    assert put(uicc, SHORT) == "9000"
    with step("1. In"):
        put_whole(uicc, LONG)
    with step("2. Out"):
        assert got(uicc, 0x82) == hexed(LONG)
    with step("3. The other object"):
        assert got(uicc, 0x81) == hexed(SHORT)


@pytest.mark.conformance("EUICC-UICC-OBJECT-03", section=SET)
def test_a_block_comes_again(uicc: Card) -> None:
    """A block that is sent again takes the place of the last one.

    Preconditions: an empty BER-TLV file is current.

    Steps:
    1. SET DATA of the first block of object 82, then of a wrong one: 63F1 each.
    2. The right one with P2 40: 63F1, the last block: 9000.
    3. RETRIEVE DATA of 82: the object as it should be.
    """
    first, second, last = LONG[:CUT], LONG[CUT : 2 * CUT], LONG[2 * CUT :]
    assert put(uicc, first) == "63F1"
    assert put(uicc, bytes(CUT), NEXT) == "63F1"
    assert put(uicc, second, AGAIN) == "63F1"
    assert put(uicc, last, NEXT) == "9000"
    assert got(uicc, 0x82) == hexed(LONG)


@pytest.mark.conformance("EUICC-UICC-OBJECT-04", section=SET)
def test_a_transfer_that_is_broken_off(uicc: Card) -> None:
    """An object that does not come whole leaves the one before.

    Preconditions: a BER-TLV file that holds an object 82 of five bytes is current.

    Steps:
    1. SET DATA of the first block of a longer object 82: 63F1. SELECT of the file.
    2. SET DATA of the next block: 6985 or 6A86.
    3. RETRIEVE DATA of 82: the one before; after a reset too.
    """
    before = tlv.encode(0x82, b"older")
    assert put(uicc, before) == "9000"
    with step("1. Broken off"):
        assert put(uicc, LONG[:CUT]) == "63F1"
        own_files.select(uicc, OBJECTS)
    with step("2. The next block"):
        assert put(uicc, LONG[CUT : 2 * CUT], NEXT) in ("6985", "6A86")
    with step("3. The one before"):
        assert got(uicc, 0x82) == hexed(before)
        uicc.reset()
        own_files.select(uicc, DF, OBJECTS)
        assert got(uicc, 0x82) == hexed(before)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.parametrize(
    ("fid", "command", "expected"),
    [
        row("EUICC-UICC-OBJECT-05", RETRIEVE, "RETRIEVE DATA of an object that is not there (6A88)",
            OBJECTS, "80CB0080018500", "6A88"),
        row("EUICC-UICC-OBJECT-06", RETRIEVE, "RETRIEVE DATA in a transparent file (6981)", BINARY,
            "80CB0080018100", "6981"),
        row("EUICC-UICC-OBJECT-07", RETRIEVE, "RETRIEVE DATA next, nothing begun (6985 or 6A86)",
            OBJECTS, "80CB000000", "6985|6A86"),
        row("EUICC-UICC-OBJECT-08", SET, "SET DATA in a transparent file (6981)", BINARY,
            "80DB008003810100", "6981"),
        row("EUICC-UICC-OBJECT-09", SET, "SET DATA next, nothing begun (6985 or 6A86)", OBJECTS,
            "80DB000003810100", "6985|6A86"),
        row("EUICC-UICC-OBJECT-10", SET, "SET DATA deletes an object that is not there (6A88)",
            OBJECTS, "80DB00800185", "6A88"),
        row("EUICC-UICC-OBJECT-11", SET, "SET DATA of an object above the file's maximum (6A84)",
            OBJECTS, f"80DB00800682{0x820200 + MOST_OBJECTS:06X}0000", "6A84"),
        row("EUICC-UICC-OBJECT-12", "ETSI TS 102 221, 11.1.3", "READ BINARY of a BER-TLV file "
            "(6981)", OBJECTS, "00B0000001", "6981"),
    ],
)  # fmt: skip
def test_a_refused_command(uicc: Card, fid: str, command: str, expected: str) -> None:
    """A command on data objects is refused, and the objects stay.

    Preconditions: a BER-TLV file that holds object 81 is current.

    Steps:
    1. SELECT of the file that the title means: 9000.
    2. The command of the title: the status word of the title, no data.
    3. RETRIEVE DATA of 81: as before.
    """
    assert put(uicc, SHORT) == "9000"
    own_files.select(uicc, fid)
    assert ask(uicc, command) in expected.split("|")
    own_files.select(uicc, OBJECTS)
    assert got(uicc, 0x81) == hexed(SHORT)


@pytest.mark.conformance("EUICC-UICC-OBJECT-13", section=f"{SET}; 8.2.2.4")
def test_the_file_takes_no_more_than_its_maximum(uicc: Card) -> None:
    """Objects that are more together than the largest size of the file are refused.

    Preconditions: the BER-TLV file may hold 500 bytes, and is empty.

    Steps:
    1. SET DATA of two objects of 203 bytes each: 9000 each.
    2. Of a third one: 6A84. RETRIEVE DATA of it: 6A88. Of the other two: as they were.
    3. SET DATA of the second one with another value: 9000.
    """
    values = [tlv.encode(tag, bytes((tag,)) * 200) for tag in (0x80, 0x81, 0x82)]
    for value in values[:2]:
        put_whole(uicc, value)
    assert put(uicc, values[2][:CUT]) == "6A84"
    assert got(uicc, 0x82) == "6A88"
    assert [got(uicc, tag) for tag in (0x80, 0x81)] == [hexed(value) for value in values[:2]]
    put_whole(uicc, tlv.encode(0x81, bytes(200)))
