"""SELECT and STATUS in an enabled profile, and the FCP templates they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import tlv
from hil.wire.identifiers import ECASD_AID, ISD_R_AID
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import BINARY, CYCLIC, DF, LINEAR, USIM_AID, ask, row

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
SELECT = "ETSI TS 102 221, 11.1.1"
SELECT_ID = "ETSI TS 102 221, 8.4.1"
FCP = "ETSI TS 102 221, 11.1.1.3 and 11.1.1.4"
STATUS = "ETSI TS 102 221, 11.1.2"


@pytest.fixture
def uicc(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> Iterator[Card]:
    """The card with a profile enabled that has files of the lab's own; held alone, just reset."""
    own_files.enabled(over_the_air, profile_maker)
    with esim.card.transaction() as card:
        card.reset()
        yield card


@pytest.mark.parametrize(
    ("path", "command", "fid"),
    [
        row("EUICC-UICC-SELECT-01", SELECT, "The MF by its id (P1 00)", "", "00A40004023F0000",
            "3F00"),
        row("EUICC-UICC-SELECT-02", SELECT, "A child of the current DF by its id (P1 00)", DF,
            f"00A4000402{BINARY}00", BINARY),
        row("EUICC-UICC-SELECT-03", SELECT, "A brother of the current DF by its id (P1 00)", DF,
            "00A40004027F1000", "7F10"),
        row("EUICC-UICC-SELECT-04", SELECT, "The parent DF (P1 03)", DF, "00A4030400", "3F00"),
        row("EUICC-UICC-SELECT-05", SELECT, "A child DF (P1 01)", "", f"00A4010402{DF}00", DF),
        row("EUICC-UICC-SELECT-06", SELECT, "A path from the MF (P1 08)", "7F10",
            f"00A4080404{DF}{LINEAR}00", LINEAR),
        row("EUICC-UICC-SELECT-07", SELECT, "A path from the current DF (P1 09)", DF,
            f"00A4090402{CYCLIC}00", CYCLIC),
    ],
)  # fmt: skip
def test_a_file_is_found(uicc: Card, path: str, command: str, fid: str) -> None:
    """A file is found.

    Preconditions: a profile with files of the lab's own is ENABLED, the card was reset.

    Steps:
    1. SELECT of the DF that is to be current, if the title needs one: 9000.
    2. The SELECT of the title with P2 04: 9000, an FCP template with the file id in 83.
    3. STATUS tells the DF that is current now: the file itself, or the DF that holds it.
    """
    if path:
        own_files.select(uicc, path)
    with step("2. SELECT"):
        data, _, sw = ask(uicc, command).rpartition(" ")
        assert sw == "9000"
        found = {part.tag: part.value for part in tlv.decode_one(bytes.fromhex(data))[0].children()}
        assert found[0x83].hex().upper() == fid
    with step("3. STATUS"):
        told = tlv.decode_one(bytes.fromhex(ask(uicc, "80F2000000").split()[0]))[0].children()
        current = tlv.require(told, 0x83, where="STATUS").hex().upper()
        assert current == (fid if found[0x82][0] & 0x38 == 0x38 else DF)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        row("EUICC-UICC-SELECT-08", SELECT, "A file id that is not there (6A82)",
            "00A40004026FFF00", "6A82"),
        row("EUICC-UICC-SELECT-09", SELECT, "An EF of another DF, by its id (6A82)",
            "00A40004026F0700", "6A82"),
        row("EUICC-UICC-SELECT-20", SELECT_ID, "An EF beside the current DF, by its id (6A82)",
            "00A40004022FE200", "6A82"),
        row("EUICC-UICC-SELECT-10", SELECT, "An EF as a child DF (6A82)",
            f"00A4010402{BINARY}00", "6A82"),
        row("EUICC-UICC-SELECT-11", SELECT, "A path that leads nowhere (6A82)",
            f"00A4080404{DF}6FFF00", "6A82"),
        row("EUICC-UICC-SELECT-12", SELECT, "An AID that is not there (6A82)",
            "00A4040407A0000000FFFFFF00", "6A82"),
        row("EUICC-UICC-SELECT-13", SELECT, "A file id of one byte (6700 or 6A80)",
            "00A40004013F00", "6700 6A80"),
        row("EUICC-UICC-SELECT-14", SELECT, "Half a file id in a path (6700 or 6A80)",
            "00A40804037F106F00", "6700 6A80"),
        row("EUICC-UICC-SELECT-15", SELECT, "A P1 that SELECT does not have (6A86)",
            "00A40504023F0000", "6A86"),
        row("EUICC-UICC-SELECT-16", SELECT, "A P2 that SELECT does not have (6A86)",
            "00A40010023F0000", "6A86"),
    ],
)  # fmt: skip
def test_a_refused_select_changes_nothing(uicc: Card, command: str, expected: str) -> None:
    """A SELECT is refused.

    Preconditions: a profile with files of the lab's own is ENABLED; its DF 7F50 is current, and in
    it a linear fixed file.

    Steps:
    1. The SELECT of the title: the status word of the title, no data.
    2. READ RECORD 1: the first record of the file that was current before.
    """
    own_files.select(uicc, DF, LINEAR)
    with step("1. SELECT"):
        assert ask(uicc, command) in expected.split()
    with step("2. READ RECORD"):
        assert ask(uicc, "00B2010405") == f"{own_files.RECORDS[0].hex().upper()} 9000"


@pytest.mark.conformance("EUICC-UICC-SELECT-17", section=SELECT)
def test_no_data_where_none_are_wanted(uicc: Card) -> None:
    """SELECT with P2 0C brings no template, and selects all the same.

    Preconditions: a profile with files of the lab's own is ENABLED.

    Steps:
    1. SELECT of the DF with P2 0C: 9000, no data.
    2. SELECT of the transparent file in it with P2 0C: 9000, no data.
    3. READ BINARY: its content.
    """
    for fid in (DF, BINARY):
        assert ask(uicc, f"00A4000C02{fid}") == "9000"
    assert ask(uicc, "00B000000A") == f"{own_files.CONTENT.hex().upper()} 9000"


@pytest.mark.conformance("EUICC-UICC-SELECT-18", section="ETSI TS 102 221, 8.5 and 11.1.1")
def test_the_usim_by_a_part_of_its_aid(uicc: Card) -> None:
    """An application is selected by its AID, cut off at the right too.

    Preconditions: a profile with a USIM is ENABLED.

    Steps:
    1. SELECT by the whole AID: 9000, an FCP template with the AID in 84.
    2. SELECT of the MF, then by the first seven bytes of the AID: the same AID.
    3. SELECT of EF.IMSI by id: 9000.
    """
    with step("1. The whole AID"):
        assert own_files.select_usim(uicc)[0x84] == USIM_AID
    with step("2. Seven bytes"):
        own_files.select(uicc, "3F00")
        whole, _ = tlv.decode_one(uicc.select(USIM_AID[:7]).data)
        assert tlv.require(whole.children(), 0x84, where="FCP") == USIM_AID
    with step("3. Inside"):
        own_files.select(uicc, "6F07")


@pytest.mark.conformance("EUICC-UICC-SELECT-21", section=f"{SELECT_ID}; 11.1.2")
def test_the_application_stays_active(uicc: Card) -> None:
    """An application stays active while a directory outside it is current.

    Preconditions: a profile with a USIM is ENABLED.

    Steps:
    1. SELECT of the USIM by its AID, then of the MF and of a DF in it: 9000.
    2. STATUS for the name of the application (P2 01): 84 with the AID of the USIM.
    3. SELECT of 7FFF: 9000, an FCP template with that AID. SELECT of EF.IMSI by id: 9000.
    4. After a reset SELECT of 7FFF: 6A82.
    """
    with step("1. Outside"):
        own_files.select_usim(uicc)
        own_files.select(uicc, "3F00", DF)
    with step("2. STATUS"):
        assert ask(uicc, "80F2000100") == f"84{len(USIM_AID):02X}{USIM_AID.hex().upper()} 9000"
    with step("3. Back"):
        assert own_files.select(uicc, "7FFF")[0x84] == USIM_AID
        own_files.select(uicc, "6F07")
    with step("4. After a reset"):
        uicc.reset()
        assert ask(uicc, "00A4000C027FFF") == "6A82"


@pytest.mark.conformance("EUICC-UICC-SELECT-19", section="GlobalPlatform, 11.9; SGP.02, 2.2.3")
def test_the_security_domains_by_their_aids(uicc: Card) -> None:
    """ISD-R and ECASD are selected by their AIDs, and show FCI templates.

    Preconditions: a profile is ENABLED.

    Steps:
    1. SELECT of each by its AID: 9000, a template 6F with the AID in 84 and an object A5.
    """
    for aid in (ISD_R_AID, ECASD_AID):
        whole, rest = tlv.decode_one(uicc.select(aid).data)
        assert (whole.tag, rest) == (0x6F, b"")
        assert tlv.require(whole.children(), 0x84, where="FCI") == aid
        assert tlv.find(whole.children(), 0xA5) is not None


@pytest.mark.conformance("EUICC-UICC-FCP-01", section=FCP)
def test_the_fcp_of_the_mf(uicc: Card) -> None:
    """The FCP template of the MF has what the standard makes mandatory.

    Preconditions: a profile is ENABLED.

    Steps:
    1. SELECT 3F00: 82 is 78 21, 83 is 3F00, A5 has 80 (UICC characteristics), 8A is 05, a security
       attribute (8B, 8C or AB), C6 with 90 and at least one 83.
    """
    found = own_files.select(uicc, "3F00")
    assert found[0x82] == bytes.fromhex("7821")
    assert found[0x83] == bytes.fromhex("3F00")
    assert tlv.find(tlv.decode_all(found[0xA5]), 0x80) is not None
    assert found[0x8A] == b"\x05"
    assert {0x8B, 0x8C, 0xAB} & set(found)
    states = tlv.decode_all(found[0xC6])
    assert [part.tag for part in states[:1]] == [0x90]
    assert 0x83 in {part.tag for part in states}


@pytest.mark.conformance("EUICC-UICC-FCP-02", section=FCP)
def test_the_fcp_of_the_usim(uicc: Card) -> None:
    """The FCP template of the USIM tells its AID and its PINs.

    Preconditions: a profile with a USIM is ENABLED; its PIN1 is disabled, its ADM1 enabled.

    Steps:
    1. SELECT by AID: 82 is 78 21, 84 the AID, 8A 05, a security attribute, C6.
    2. C6: 90 has a bit for each key reference in 83; that of PIN1 (01) is 0, that of ADM1 (0A) 1.
    """
    found = own_files.select_usim(uicc)
    assert found[0x82] == bytes.fromhex("7821")
    assert found[0x8A] == b"\x05"
    assert {0x8B, 0x8C, 0xAB} & set(found)
    first, *others = tlv.decode_all(found[0xC6])
    keys = [part.value[0] for part in others if part.tag == 0x83]
    bits = f"{int.from_bytes(first.value, 'big'):0{8 * len(first.value)}b}"
    states = dict(zip(keys, bits, strict=False))
    assert (states[0x01], states[0x0A]) == ("0", "1")


@pytest.mark.parametrize(
    ("fid", "descriptor", "size", "short_id"),
    [
        row("EUICC-UICC-FCP-03", FCP, "The FCP of a transparent file", BINARY, "4121", 10, 1),
        row("EUICC-UICC-FCP-04", FCP, "The FCP of a linear fixed file", LINEAR, "4221000504", 20,
            2),
        row("EUICC-UICC-FCP-05", FCP, "The FCP of a cyclic file", CYCLIC, "4621000303", 9, 3),
    ],
)  # fmt: skip
def test_the_fcp_of_a_file(uicc: Card, fid: str, descriptor: str, size: int, short_id: int) -> None:
    """The FCP of a file is exact: clients take lengths from it.

    Preconditions: a profile with files of the lab's own is ENABLED.

    Steps:
    1. SELECT: 82 has structure, record length and number of records, 83 the file id.
    2. 80 has at least two bytes and is the number of bytes of content. 88 is
       the SFI, shifted by three bits.
    3. 8A is 05; there is a security attribute.
    """
    found = own_files.select(uicc, DF, fid)
    assert found[0x82] == bytes.fromhex(descriptor)
    assert found[0x83] == bytes.fromhex(fid)
    assert len(found[0x80]) >= 2
    assert int.from_bytes(found[0x80], "big") == size
    assert found[0x88] == bytes((short_id << 3,))
    assert found[0x8A] == b"\x05"
    assert {0x8B, 0x8C, 0xAB} & set(found)


@pytest.mark.conformance("EUICC-UICC-STATUS-01", section=STATUS)
def test_status_tells_the_current_df(uicc: Card) -> None:
    """STATUS brings what SELECT of the current DF brings, its AID, or nothing.

    Preconditions: the USIM of the enabled profile is selected.

    Steps:
    1. STATUS with P2 00: the FCP template with the AID in 84.
    2. STATUS with P2 01: 84 and the AID.
    3. STATUS with P2 0C: 9000, no data.
    4. STATUS with P1 03, and with P2 02: 6A86 each.
    """
    own_files.select_usim(uicc)
    whole, _ = tlv.decode_one(bytes.fromhex(ask(uicc, "80F2000000").split()[0]))
    assert whole.tag == 0x62
    assert tlv.require(whole.children(), 0x84, where="STATUS") == USIM_AID
    named = tlv.encode(0x84, USIM_AID).hex().upper()
    assert ask(uicc, "80F2000100") == f"{named} 9000"
    assert ask(uicc, "80F2000C") == "9000"
    assert ask(uicc, "80F2030C") == "6A86"
    assert ask(uicc, "80F2000200") == "6A86"
