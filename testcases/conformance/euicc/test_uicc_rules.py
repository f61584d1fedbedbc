"""Access rules of an enabled profile, condition by condition (ETSI TS 102 221, 9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import (
    CLOSED,
    COUNTED,
    DF,
    FIXED,
    LINEAR_CLOSED,
    OBJECTS_GUARDED,
    OBJECTS_SILENT,
    SHARED,
    SILENT,
    ask,
    row,
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
    pytest.mark.severity("critical"),
]
RULES = "ETSI TS 102 221, 9.2"
EXPANDED = "ETSI TS 102 221, 9.2.4 and 9.2.7; ISO/IEC 7816-4, 5.4.3"
PIN1, ADM1 = "002000010830303030FFFFFFFF", own_files.VERIFY_ADM1


@pytest.fixture
def uicc(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> Iterator[Card]:
    """The card with the lab's files, PIN1 enabled; nothing is verified, DF 7F50 is current."""
    with own_files.with_pin(over_the_air, profile_maker) as card:
        own_files.select(card, DF)
        yield card


@pytest.mark.parametrize(
    ("verified", "read", "updated"),
    [
        row("EUICC-UICC-RULE-01", EXPANDED, "Neither of two keys: no reading, no updating", (),
            "6982", "6982"),
        row("EUICC-UICC-RULE-02", EXPANDED, "PIN1 of PIN1 OR ADM1, of PIN1 AND ADM1", (PIN1,),
            "9000", "6982"),
        row("EUICC-UICC-RULE-03", EXPANDED, "ADM1 of PIN1 OR ADM1, of PIN1 AND ADM1", (ADM1,),
            "9000", "6982"),
        row("EUICC-UICC-RULE-04", EXPANDED, "Both of PIN1 OR ADM1, of PIN1 AND ADM1",
            (PIN1, ADM1), "9000", "9000"),
    ],
)  # fmt: skip
def test_or_and_and(uicc: Card, verified: tuple[str, ...], read: str, updated: str) -> None:
    """A rule with OR wants one of its keys, a rule with AND all of them.

    Preconditions: a file of the enabled profile is read with PIN1 OR ADM1, updated with PIN1 AND
    ADM1; nothing is verified.

    Steps:
    1. VERIFY of the keys of the title: 9000 each.
    2. READ BINARY and UPDATE BINARY: 9000, or 6982 where the rule is not satisfied.
    """
    for command in verified:
        assert ask(uicc, command) == "9000"
    own_files.select(uicc, SHARED)
    assert ask(uicc, "00B0000006").rpartition(" ")[2] == read
    assert ask(uicc, "00D600000153") == updated


@pytest.mark.conformance("EUICC-UICC-RULE-05", section=RULES)
def test_what_no_rule_names_is_refused(uicc: Card) -> None:
    """An operation that the rule of a file does not name is refused, to the holder of ADM1 too.

    Preconditions: a file's rule names updating and deactivating (always) and activating (ADM1).

    Steps:
    1. VERIFY ADM1: 9000. READ BINARY: 6982.
    2. UPDATE BINARY: 9000.
    """
    assert ask(uicc, ADM1) == "9000"
    own_files.select(uicc, SILENT)
    assert ask(uicc, "00B0000006") == "6982"
    assert ask(uicc, "00D6000006736174737379") == "9000"


@pytest.mark.conformance("EUICC-UICC-RULE-06", section=f"{RULES}; 11.1.14 and 11.1.15")
def test_activating_has_a_rule_of_its_own(uicc: Card) -> None:
    """Who may deactivate a file may not activate it for that, nor the other way round.

    Preconditions: a file's rule allows deactivating to everybody and activating with ADM1; another
    one forbids both.

    Steps:
    1. DEACTIVATE FILE of the first: 9000. ACTIVATE FILE: 6982.
    2. After VERIFY ADM1 ACTIVATE FILE: 9000. UPDATE BINARY: 9000.
    3. DEACTIVATE FILE of the second: 6982.
    """
    own_files.select(uicc, SILENT)
    with step("1. Everybody"):
        assert ask(uicc, "00040000") == "9000"
        assert ask(uicc, "00440000") == "6982"
    with step("2. ADM1"):
        assert ask(uicc, ADM1) == "9000"
        assert ask(uicc, "00440000") == "9000"
        assert ask(uicc, "00D600000153") == "9000"
    with step("3. Never"):
        own_files.select(uicc, CLOSED)
        assert ask(uicc, "00040000") == "6982"


@pytest.mark.conformance("EUICC-UICC-RULE-07", section=f"{RULES}; 11.1.8")
def test_increase_has_a_rule_of_its_own(uicc: Card) -> None:
    """INCREASE is allowed by a rule that names it, and by no other.

    Preconditions: two cyclic files: one is updated by everybody and increased with ADM1, the other
    is increased by everybody and updated by nobody.

    Steps:
    1. The first: UPDATE RECORD 9000, INCREASE 6982; after VERIFY ADM1 INCREASE 9000.
    2. The second: INCREASE 9000, UPDATE RECORD 6982.
    """
    with step("1. Updated"):
        own_files.select(uicc, FIXED)
        assert ask(uicc, "00DC000303000001") == "9000"
        assert ask(uicc, "80320000010200") == "6982"
        assert ask(uicc, ADM1) == "9000"
        assert ask(uicc, "80320000010200") == "00000302 9000"
    with step("2. Increased"):
        own_files.select(uicc, COUNTED)
        assert ask(uicc, "80320000010200") == "00000B02 9000"
        assert ask(uicc, "00DC000303000001") == "6982"


@pytest.mark.conformance("EUICC-UICC-RULE-08", section=f"{RULES}; 11.1.5 to 11.1.7")
def test_records_nobody_reads(uicc: Card) -> None:
    """Where reading is forbidden nothing is searched for either, and records are not updated.

    Preconditions: the rule of a linear fixed file forbids everything; ADM1 is verified.

    Steps:
    1. READ RECORD, SEARCH RECORD for what is in it, UPDATE RECORD: 6982 each.
    """
    assert ask(uicc, ADM1) == "9000"
    own_files.select(uicc, LINEAR_CLOSED)
    for command in ("00B2010405", f"00A2010405{b'first'.hex()}00", f"00DC010405{b'other'.hex()}"):
        assert ask(uicc, command) == "6982", command


@pytest.mark.applies("O_BER_TLV")
@pytest.mark.conformance("EUICC-UICC-RULE-09", section=f"{RULES}; 11.3")
def test_data_objects_have_rules(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """RETRIEVE DATA asks the right to read, SET DATA the right to update.

    Preconditions: one BER-TLV file is updated by everybody and read by nobody, another one is read
    by everybody and updated with ADM1.

    Steps:
    1. The first: SET DATA 9000, RETRIEVE DATA of the object and of the list of tags 6982.
    2. The second: SET DATA 6982; after VERIFY ADM1 SET DATA 9000, RETRIEVE DATA the object.
    """
    own_files.enabled(over_the_air, profile_maker, objects=True)
    with esim.card.transaction() as card:
        card.reset()
        with step("1. Updated only"):
            own_files.select(card, DF, OBJECTS_SILENT)
            assert ask(card, "80DB00800480020102") == "9000"
            assert ask(card, "80CB0080018000") == "6982"
            assert ask(card, "80CB0080015C00") == "6982"
        with step("2. Read only"):
            own_files.select(card, OBJECTS_GUARDED)
            assert ask(card, "80DB00800480020102") == "6982"
            assert ask(card, ADM1) == "9000"
            assert ask(card, "80DB00800480020102") == "9000"
            assert ask(card, "80CB0080018000") == "80020102 9000"
