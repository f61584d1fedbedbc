"""PIN commands in an enabled profile, and the counters of tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import DF, PRIVATE, ask, row

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
VERIFY, CHANGE = "ETSI TS 102 221, 11.1.9", "ETSI TS 102 221, 11.1.10"
DISABLE, UNBLOCK = "ETSI TS 102 221, 11.1.11 and 11.1.12", "ETSI TS 102 221, 11.1.13"
PIN, OTHER = "30303030FFFFFFFF", "31323334FFFFFFFF"
"""PIN1 of the lab's profiles, and another value."""
PUK, WRONG_PUK = "3131313131313131", "3939393939393939"
GOOD, WRONG = f"0020000108{PIN}", f"0020000108{OTHER}"
TRIES, PUK_TRIES = "00200001", "002C0001"


@pytest.fixture
def uicc(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> Iterator[Card]:
    """The card with a profile of the lab's enabled, its PIN1 enabled and not verified."""
    with own_files.with_pin(over_the_air, profile_maker) as card:
        yield card


@pytest.mark.conformance("EUICC-UICC-PIN-01", section=VERIFY)
def test_a_pin_is_verified(uicc: Card) -> None:
    """A right PIN opens what needs it, until the next reset.

    Preconditions: PIN1 of the enabled profile is enabled and not verified, it has three tries.

    Steps:
    1. VERIFY without a value: 63C3. READ BINARY of a file that needs PIN1: 6982.
    2. VERIFY with PIN1: 9000. READ BINARY: the content.
    3. VERIFY without a value: 63C3, the tries left; 9000 of a card that goes by ISO/IEC 7816-4.
    4. After a reset READ BINARY: 6982.
    """
    with step("1. Before"):
        assert ask(uicc, TRIES) == "63C3"
        own_files.select(uicc, DF, PRIVATE)
        assert ask(uicc, "00B0000007") == "6982"
    with step("2. VERIFY"):
        assert ask(uicc, GOOD) == "9000"
        assert ask(uicc, "00B0000007") == f"{b'private'.hex().upper()} 9000"
    with step("3. Without a value"):
        assert ask(uicc, TRIES) in ("9000", "63C3")
    with step("4. After a reset"):
        uicc.reset()
        own_files.select(uicc, DF, PRIVATE)
        assert ask(uicc, "00B0000007") == "6982"


@pytest.mark.conformance("EUICC-UICC-PIN-02", section=VERIFY)
def test_wrong_pins_are_counted(uicc: Card) -> None:
    """Wrong PINs are counted over resets, the third one blocks, and the right one sets back.

    Preconditions: PIN1 of the enabled profile is enabled and has three tries.

    Steps:
    1. VERIFY with a wrong value: 63C2. After a reset VERIFY without a value: 63C2.
    2. VERIFY with PIN1: 9000. After a reset VERIFY without a value: 63C3.
    3. VERIFY with a wrong value three times: 63C2, 63C1, 63C0 (or 6983).
    4. VERIFY with PIN1: 6983. VERIFY without a value: 6983 or 63C0. After a reset the same.
    """
    with step("1. One wrong"):
        assert ask(uicc, WRONG) == "63C2"
        uicc.reset()
        assert ask(uicc, TRIES) == "63C2"
    with step("2. A right one"):
        assert ask(uicc, GOOD) == "9000"
        uicc.reset()
        assert ask(uicc, TRIES) == "63C3"
    with step("3. Three wrong"):
        assert [ask(uicc, WRONG) for _ in range(2)] == ["63C2", "63C1"]
        assert ask(uicc, WRONG) in ("63C0", "6983")
    with step("4. Blocked"):
        for _ in range(2):
            assert ask(uicc, GOOD) == "6983"
            assert ask(uicc, TRIES) in ("6983", "63C0")
            uicc.reset()


@pytest.mark.conformance("EUICC-UICC-PIN-03", section=VERIFY)
def test_a_wrong_pin_takes_back_what_a_right_one_gave(uicc: Card) -> None:
    """A wrong PIN after a right one ends the verified state.

    Preconditions: PIN1 of the enabled profile is enabled.

    Steps:
    1. VERIFY with PIN1: 9000. READ BINARY of a file that needs it: 9000.
    2. VERIFY with a wrong value: 63C2. READ BINARY: 6982.
    """
    own_files.select(uicc, DF, PRIVATE)
    assert ask(uicc, GOOD) == "9000"
    assert ask(uicc, "00B0000007").endswith(" 9000")
    assert ask(uicc, WRONG) == "63C2"
    assert ask(uicc, "00B0000007") == "6982"


@pytest.mark.conformance("EUICC-UICC-PIN-04", section=UNBLOCK)
def test_a_blocked_pin_is_unblocked(uicc: Card) -> None:
    """The PUK gives a blocked PIN a new value and all its tries.

    Preconditions: PIN1 of the enabled profile is blocked; its PUK has ten tries.

    Steps:
    1. UNBLOCK without values: 63CA. With a wrong PUK: 63C9; after a reset without values: 63C9.
    2. UNBLOCK with the PUK and a new PIN: 9000, which verifies it: READ BINARY of a file that needs
       PIN1 is 9000.
    3. After a reset VERIFY without a value: 63C3. UNBLOCK without values: 63CA.
    4. VERIFY with the PIN before: 63C2. With the new one: 9000.
    """
    for _ in range(3):
        ask(uicc, WRONG)
    assert ask(uicc, GOOD) == "6983"
    with step("1. Wrong PUK"):
        assert ask(uicc, PUK_TRIES) == "63CA"
        assert ask(uicc, f"002C000110{WRONG_PUK}{OTHER}") == "63C9"
        uicc.reset()
        assert ask(uicc, PUK_TRIES) == "63C9"
    with step("2. Right PUK"):
        assert ask(uicc, f"002C000110{PUK}{OTHER}") == "9000"
        own_files.select(uicc, DF, PRIVATE)
        assert ask(uicc, "00B0000007").endswith(" 9000")
    with step("3. Counters"):
        uicc.reset()
        assert ask(uicc, TRIES) == "63C3"
        assert ask(uicc, PUK_TRIES) == "63CA"
    with step("4. The new PIN"):
        assert ask(uicc, GOOD) == "63C2"
        assert ask(uicc, WRONG) == "9000"


@pytest.mark.conformance("EUICC-UICC-PIN-05", section=UNBLOCK)
def test_a_puk_is_blocked_by_ten_wrong_ones(uicc: Card) -> None:
    """The tenth wrong PUK blocks it for ever.

    Preconditions: the PUK of PIN1 has ten tries.

    Steps:
    1. UNBLOCK with a wrong PUK ten times: 63C9 to 63C1, then 63C0 or 6983.
    2. UNBLOCK with the right PUK: 6983.
    """
    wrong = f"002C000110{WRONG_PUK}{OTHER}"
    with step("1. Ten wrong"):
        assert [ask(uicc, wrong) for _ in range(9)] == [f"63C{9 - n}" for n in range(9)]
        assert ask(uicc, wrong) in ("63C0", "6983")
    with step("2. The right one"):
        assert ask(uicc, f"002C000110{PUK}{OTHER}") == "6983"


@pytest.mark.conformance("EUICC-UICC-PIN-06", section=CHANGE)
def test_a_pin_is_changed(uicc: Card) -> None:
    """CHANGE PIN needs the old value, and the new one holds after a reset.

    Preconditions: PIN1 of the enabled profile is enabled and has three tries.

    Steps:
    1. CHANGE PIN with a wrong old value: 63C2.
    2. CHANGE PIN with the right one: 9000; after a reset VERIFY without a value: 63C3.
    3. VERIFY with the PIN before: 63C2. With the new one: 9000.
    """
    assert ask(uicc, f"0024000110{OTHER}{PIN}") == "63C2"
    assert ask(uicc, f"0024000110{PIN}{OTHER}") == "9000"
    uicc.reset()
    assert ask(uicc, TRIES) == "63C3"
    assert ask(uicc, GOOD) == "63C2"
    assert ask(uicc, WRONG) == "9000"


@pytest.mark.conformance("EUICC-UICC-PIN-07", section=DISABLE)
def test_a_pin_is_disabled_and_enabled(uicc: Card) -> None:
    """A disabled PIN opens what needs it, and is no longer asked for.

    Preconditions: PIN1 of the enabled profile is enabled and has three tries.

    Steps:
    1. DISABLE PIN with a wrong value: 63C2. With PIN1: 9000.
    2. After a reset READ BINARY of a file that needs PIN1: 9000. VERIFY with PIN1: 6984.
    3. DISABLE PIN: 6984 or 6985. CHANGE PIN: 6984.
    4. C6 in the FCP of the MF shows PIN1 disabled.
    5. ENABLE PIN with PIN1: 9000, again: 6985 or 6984. C6 shows it enabled.
    """
    with step("1. DISABLE PIN"):
        assert ask(uicc, f"0026000108{OTHER}") == "63C2"
        assert ask(uicc, f"0026000108{PIN}") == "9000"
    with step("2. Open"):
        uicc.reset()
        own_files.select(uicc, DF, PRIVATE)
        assert ask(uicc, "00B0000007").endswith(" 9000")
        assert ask(uicc, GOOD) == "6984"
    with step("3. Nothing to do"):
        assert ask(uicc, f"0026000108{PIN}") in ("6984", "6985")
        assert ask(uicc, f"0024000110{PIN}{OTHER}") == "6984"
    with step("4. C6"):
        assert own_files.select(uicc, "3F00")[0xC6][2] & 0x80 == 0
    with step("5. ENABLE PIN"):
        assert ask(uicc, f"0028000108{PIN}") == "9000"
        assert ask(uicc, f"0028000108{PIN}") in ("6985", "6984")
        assert own_files.select(uicc, "3F00")[0xC6][2] & 0x80


@pytest.mark.conformance("EUICC-UICC-PIN-08", section="ETSI TS 102 221, 8.7 and 9.5")
def test_verified_pins_belong_to_the_card(uicc: Card) -> None:
    """A PIN that was verified on one logical channel counts on the others.

    Preconditions: PIN1 of the enabled profile is enabled and not verified.

    Steps:
    1. MANAGE CHANNEL open: a channel. READ BINARY there of a file that needs PIN1: 6982.
    2. VERIFY with PIN1 on channel 0: 9000. READ BINARY on the other channel: 9000.
    3. VERIFY with a wrong value on the other channel: 63C2; READ BINARY on it: 6982.
    """
    opened, _, sw = ask(uicc, "0070000001").rpartition(" ")
    assert sw == "9000"
    cla = f"{int(opened, 16):02X}"
    for fid in (DF, PRIVATE):
        assert ask(uicc, f"{cla}A4000C02{fid}") == "9000"
    assert ask(uicc, f"{cla}B0000007") == "6982"
    assert ask(uicc, GOOD) == "9000"
    assert ask(uicc, f"{cla}B0000007").endswith(" 9000")
    assert ask(uicc, f"{cla}20000108{OTHER}") == "63C2"
    assert ask(uicc, f"{cla}B0000007") == "6982"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        row("EUICC-UICC-PIN-09", VERIFY, "VERIFY PIN of a reference that is not there (6A88)",
            f"0020000308{PIN}", "6A88"),
        row("EUICC-UICC-PIN-10", VERIFY, "VERIFY PIN with four bytes (6700)",
            "002000010430303030", "6700"),
        row("EUICC-UICC-PIN-11", VERIFY, "VERIFY PIN with another P1 (6A86)",
            f"0020010108{PIN}", "6A86"),
        row("EUICC-UICC-PIN-12", CHANGE, "CHANGE PIN with one value (6700)",
            f"0024000108{PIN}", "6700"),
        row("EUICC-UICC-PIN-13", UNBLOCK, "UNBLOCK PIN with one value (6700)",
            f"002C000108{PUK}", "6700"),
        row("EUICC-UICC-PIN-14", VERIFY, "VERIFY PIN in class 80 (6E00)",
            f"8020000108{PIN}", "6E00"),
    ],
)  # fmt: skip
def test_a_wrong_command_costs_no_try(uicc: Card, command: str, expected: str) -> None:
    """A PIN command that is none is refused.

    Preconditions: PIN1 of the enabled profile is enabled and has three tries, its PUK ten.

    Steps:
    1. The command of the title: the status word of the title.
    2. VERIFY without a value: 63C3. UNBLOCK without values: 63CA.
    """
    assert ask(uicc, command) == expected
    assert ask(uicc, TRIES) == "63C3"
    assert ask(uicc, PUK_TRIES) == "63CA"
