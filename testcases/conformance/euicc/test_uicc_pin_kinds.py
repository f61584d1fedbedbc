"""PINs of an application, PINs that another does not replace, and a PIN blocked while disabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import DF, PRIVATE, USIM_AID, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
]
PIN, OTHER, PUK = "30303030FFFFFFFF", "31323334FFFFFFFF", "3131313131313131"
PIN2, ADM1 = "39393939FFFFFFFF", "3535353535353535"
TEST_EST = "00D600000100"
"""UPDATE BINARY of EF.EST, which asks for PIN2 in the lab's profiles."""


@pytest.fixture
def uicc(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> Iterator[Card]:
    """The card with a profile of the lab's enabled, its PIN1 enabled and not verified."""
    with own_files.with_pin(over_the_air, profile_maker) as card:
        yield card


@pytest.mark.conformance("EUICC-UICC-PIN-15", section="ETSI TS 102 221, 9.5 and 11.1.13")
def test_a_pin_blocked_while_it_is_disabled(uicc: Card) -> None:
    """ENABLE PIN counts wrong values, and UNBLOCK PIN enables and verifies a disabled PIN.

    Preconditions: PIN1 of the enabled profile is enabled and has three tries.

    Steps:
    1. DISABLE PIN: 9000. ENABLE PIN with a wrong value three times: 63C2, 63C1, 63C0 (or 6983).
    2. ENABLE PIN with PIN1: 6983.
    3. UNBLOCK PIN: 9000. READ BINARY of a file that needs PIN1: 9000.
    4. After a reset READ BINARY: 6982, PIN1 is enabled.
    """
    with step("1. DISABLE PIN, and wrong ones"):
        assert ask(uicc, f"0026000108{PIN}") == "9000"
        assert [ask(uicc, f"0028000108{OTHER}") for _ in range(2)] == ["63C2", "63C1"]
        assert ask(uicc, f"0028000108{OTHER}") in ("63C0", "6983")
    with step("2. Blocked"):
        assert ask(uicc, f"0028000108{PIN}") == "6983"
    with step("3. UNBLOCK PIN"):
        assert ask(uicc, f"002C000110{PUK}{PIN}") == "9000"
        own_files.select(uicc, DF, PRIVATE)
        assert ask(uicc, "00B0000007").endswith(" 9000")
    with step("4. Enabled"):
        uicc.reset()
        own_files.select(uicc, DF, PRIVATE)
        assert ask(uicc, "00B0000007") == "6982"


@pytest.mark.conformance("EUICC-UICC-PIN-16", section="ETSI TS 102 221, 9.5.2 and 11.1.1")
def test_the_pin_of_an_application_ends_with_it(uicc: Card) -> None:
    """A local PIN is verified until the session of its application ends; PIN1 stays.

    Preconditions: EF.EST of the USIM is updated with PIN2; PIN1 and PIN2 are not verified.

    Steps:
    1. SELECT of the USIM. UPDATE BINARY of EF.EST: 6982.
    2. VERIFY of PIN1 and PIN2: 9000 each. UPDATE BINARY: 9000.
    3. SELECT of the USIM with termination (P2 4C): 9000. SELECT of it and UPDATE BINARY: 6982.
    4. READ BINARY of a file that needs PIN1: 9000.
    """

    def updated() -> str:
        own_files.select_usim(uicc)
        own_files.select(uicc, "6F56")
        return ask(uicc, TEST_EST)

    with step("1. Before"):
        assert updated() == "6982"
    with step("2. Verified"):
        assert ask(uicc, f"0020000108{PIN}") == "9000"
        assert ask(uicc, f"0020008108{PIN2}") == "9000"
        assert updated() == "9000"
    with step("3. The session ends"):
        assert ask(uicc, f"00A4044C{len(USIM_AID):02X}{USIM_AID.hex()}") == "9000"
        assert updated() == "6982"
    with step("4. PIN1"):
        own_files.select(uicc, "3F00", DF, PRIVATE)
        assert ask(uicc, "00B0000007").endswith(" 9000")


@pytest.mark.conformance("EUICC-UICC-PIN-17", section="ETSI TS 102 221, 9.2 and 9.5")
def test_no_key_stands_for_another(uicc: Card) -> None:
    """ADM1 does not open what needs PIN1, and cannot be disabled where its profile forbids it.

    Preconditions: PIN1 of the enabled profile is enabled and not verified; ADM1 may not be
    disabled.

    Steps:
    1. VERIFY of ADM1: 9000. READ BINARY of a file that needs PIN1: 6982.
    2. DISABLE PIN of ADM1 with its right value: an error. After a reset UPDATE BINARY of a file
       that needs ADM1: 6982.
    """
    assert ask(uicc, f"0020000A08{ADM1}") == "9000"
    own_files.select(uicc, DF, PRIVATE)
    assert ask(uicc, "00B0000007") == "6982"
    assert ask(uicc, f"0026000A08{ADM1}")[:2] in ("69", "6A")
    uicc.reset()
    own_files.select(uicc, DF, own_files.GUARDED)
    assert ask(uicc, "00D600000139") == "6982"
