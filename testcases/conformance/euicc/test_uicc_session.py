"""What holds for every command: ATR, transmission, channels, toolkit, order of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import atr, cat, isdr_commands
from hil.wire.cat_values import CommandType
from hil.wire.identifiers import ECASD_AID, ISD_R_AID
from testcases.conformance.euicc import own_files, preparing
from testcases.conformance.euicc.own_files import BINARY, CONTENT, DF, ask, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44", "R-75"),
    pytest.mark.severity("normal"),
]
CHANNELS = "ETSI TS 102 221, 8.7 and 11.1.17"
TOOLKIT = "ETSI TS 102 223, 6; TS 102 221, 7.4.2 and 11.2"
PROCEDURE = "ETSI TS 102 221, 7.3.1.1; ISO/IEC 7816-3"
CHECKS = "ETSI TS 102 221, 10.2"
TIMEOUT_S = 10.0


@pytest.fixture
def uicc(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> Iterator[Card]:
    """The card with a profile enabled that has files of the lab's own; held alone, just reset."""
    own_files.enabled(over_the_air, profile_maker)
    with esim.card.transaction() as card:
        card.reset()
        yield card


@pytest.fixture
def held(esim: Esim) -> Iterator[Card]:
    """The card as it is, held alone, just reset."""
    with esim.card.transaction() as card:
        card.reset()
        yield card


def raw(card: Card, command: str) -> str:
    """Send bytes as they are on the line; return what comes, nothing being fetched behind it."""
    answer = card.transport.transmit(bytes.fromhex(command), timeout_s=TIMEOUT_S)
    return answer.hex().upper()


@pytest.mark.conformance("EUICC-UICC-ATR-01", section="ETSI TS 102 221, 6.3; ISO/IEC 7816-3, 8.2")
def test_the_atr(held: Card) -> None:
    """The ATR is a whole one, the same after each reset, and tells an eUICC.

    Preconditions: none.

    Steps:
    1. Reset twice: the same ATR; its length and check byte are right.
    2. It offers T=0 or T=1; in the global interface bytes TB has b2: eUICC functions.
    """
    first, second = held.reset(), held.reset()
    assert first == second
    read = atr.decode(first)
    assert set(read.protocols) <= {0, 1}
    assert read.euicc is True


def t0(card: Card) -> None:
    """Go on with T=0 alone."""
    if card.transport.protocol != "T=0":
        not_applicable(f"the card speaks {card.transport.protocol} with this reader, not T=0")


@pytest.mark.conformance("EUICC-UICC-T0-01", section=PROCEDURE)
def test_an_answer_waits_for_get_response(uicc: Card) -> None:
    """On T=0 the answer to a command with data waits: 61xx, then GET RESPONSE.

    Preconditions: the card speaks T=0.

    Steps:
    1. SELECT 3F00 with P2 04: 61xx, no data.
    2. GET RESPONSE with Le xx + 1: 6Cxx. With Le xx: xx bytes and 9000, an FCP template.
    3. GET RESPONSE again: 6985 or 6F00, nothing waits.
    4. SELECT, then SELECT with P2 0C, then GET RESPONSE: 6985 or 6F00, what waited is dropped.
    """
    t0(uicc)
    with step("1. and 2. GET RESPONSE"):
        size = int(raw(uicc, "00A40004023F00").removeprefix("61"), 16)
        assert raw(uicc, f"00C00000{size + 1:02X}") == f"6C{size:02X}"
        answer = raw(uicc, f"00C00000{size:02X}")
        assert answer.startswith("62")
        assert (len(answer), answer[-4:]) == (2 * size + 4, "9000")
    with step("3. Nothing waits"):
        assert raw(uicc, f"00C00000{size:02X}") in ("6985", "6F00")
    with step("4. Dropped"):
        assert raw(uicc, "00A40004023F00")[:2] == "61"
        assert raw(uicc, "00A4000C023F00") == "9000"
        assert raw(uicc, f"00C00000{size:02X}") in ("6985", "6F00")


@pytest.mark.conformance("EUICC-UICC-T0-02", section=PROCEDURE)
def test_a_wrong_le_is_corrected(uicc: Card) -> None:
    """On T=0 a wrong Le is answered with the right one, and nothing is lost by it.

    Preconditions: the card speaks T=0; a transparent file of ten bytes is selected.

    Steps:
    1. READ BINARY with Le 0B: 6C0A. With Le 0A: the content.
    2. READ BINARY with Le 00: 6C0A, or the content.
    3. STATUS with Le 01: 6Cxx. With Le xx: xx bytes, 9000.
    """
    t0(uicc)
    own_files.select(uicc, DF, BINARY)
    whole = f"{CONTENT.hex().upper()}9000"
    assert raw(uicc, "00B000000B") == "6C0A"
    assert raw(uicc, "00B000000A") == whole
    assert raw(uicc, "00B0000000") in ("6C0A", whole)
    size = raw(uicc, "80F2000001").removeprefix("6C")
    assert len(raw(uicc, f"80F20000{size}")) == 2 * int(size, 16) + 4


@pytest.mark.conformance("EUICC-UICC-CHANNEL-01", section=CHANNELS)
def test_channels_are_opened_and_closed(held: Card) -> None:
    """Logical channels are opened by the card's choice, used, closed, and used no more.

    Preconditions: the card was reset; it has one more channel at least.

    Steps:
    1. MANAGE CHANNEL open as often as it goes: 01, 02, … each once; at last 6A81.
    2. SELECT 3F00 on each: 9000.
    3. MANAGE CHANNEL close of channel 1: 9000. SELECT on it: 6881. Close again: not 9000.
    4. MANAGE CHANNEL open: 01 again.
    5. MANAGE CHANNEL close of channel 0: not 9000. After a reset SELECT on channel 1: 6881.
    """
    found: list[int] = []
    with step("1. Open"):
        while len(found) < 19:
            data, _, sw = ask(held, "0070000001").rpartition(" ")
            if sw != "9000":
                assert sw == "6A81"
                break
            found.append(int(data, 16))
        assert found == list(range(1, len(found) + 1))
        assert found
    with step("2. Use"):
        for number in found[:3]:
            assert ask(held, f"{number:02X}A4000C023F00") == "9000"
    with step("3. Close"):
        assert ask(held, "00708001") == "9000"
        assert ask(held, "01A4000C023F00") == "6881"
        assert ask(held, "00708001") != "9000"
    with step("4. Open again"):
        assert ask(held, "0070000001") == "01 9000"
    with step("5. Channel 0, and a reset"):
        assert ask(held, "00708000") != "9000"
        held.reset()
        assert ask(held, "01A4000C023F00") == "6881"


@pytest.mark.conformance("EUICC-UICC-CHANNEL-02", section=CHANNELS)
def test_each_channel_has_its_own_files(uicc: Card) -> None:
    """What is selected on one channel changes nothing on another.

    Preconditions: a profile with files of the lab's own is ENABLED.

    Steps:
    1. SELECT of a transparent file on channel 0. MANAGE CHANNEL open: 01.
    2. SELECT of a linear fixed file on channel 1: 9000. READ RECORD 1 there: its record.
    3. READ BINARY on channel 0: the content of the transparent file.
    4. SELECT of the ISD-R on channel 1: 9000. READ BINARY on channel 0: the same content.
    """
    own_files.select(uicc, DF, BINARY)
    content = f"{CONTENT.hex().upper()} 9000"
    assert ask(uicc, "0070000001") == "01 9000"
    for fid in (DF, own_files.LINEAR):
        assert ask(uicc, f"01A4000C02{fid}") == "9000"
    assert ask(uicc, "01B2010405") == f"{own_files.RECORDS[0].hex().upper()} 9000"
    assert ask(uicc, "00B000000A") == content
    assert ask(uicc, f"01A4040C10{ISD_R_AID.hex()}") == "9000"
    assert ask(uicc, "00B000000A") == content


@pytest.mark.conformance("EUICC-UICC-TOOLKIT-01", section=TOOLKIT)
def test_nothing_is_fetched_where_nothing_waits(held: Card) -> None:
    """FETCH and TERMINAL RESPONSE are refused while no proactive command waits.

    Preconditions: the card was reset, no TERMINAL PROFILE was sent.

    Steps:
    1. FETCH: 6985 or 6F00. TERMINAL RESPONSE: 6985 or 6F00.
    2. TERMINAL PROFILE without data: 6700. ENVELOPE without data: 6700.
    3. Each in class 00: 6E00.
    """
    assert raw(held, "8012000010") in ("6985", "6F00")
    response = "801400000C" + "810301012182028281830100"
    assert raw(held, response) in ("6985", "6F00")
    for ins in ("10", "C2"):
        assert raw(held, f"80{ins}0000") == "6700"
    for ins in ("10", "12", "14", "C2"):
        assert raw(held, f"00{ins}0000") == "6E00"


@pytest.mark.conformance("EUICC-UICC-TOOLKIT-02", section=f"{TOOLKIT}; SGP.02, 3.2 and 3.3")
@pytest.mark.requirement("R-63")
def test_refresh_after_a_change(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """After EnableProfile and DisableProfile the card asks for a REFRESH with UICC reset.

    Preconditions: a profile is DISABLED; the terminal said by TERMINAL PROFILE that it can do it.

    Steps:
    1. EnableProfile, through SCP03 with the lab's key set: 9000 or 91xx.
    2. SELECT 3F00 twice: 91xx, for as long as it is not fetched. FETCH with a wrong Le: 6Cxx (T=0).
    3. FETCH: REFRESH with mode 04 (UICC reset).
    4. After the reset EF.ICCID is that of the profile.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    with esim.card.transaction() as card:
        card.reset()
        sw = card.send(cat.terminal_profile(bytes.fromhex("FF" * 20))).sw
        while sw >> 8 == 0x91:
            waiting = cat.ProactiveCommand.decode(card.expect(cat.fetch(sw & 0xFF)).data)
            sw = card.send(cat.terminal_response(waiting)).sw
        with step("1. EnableProfile"):
            esim.audit().enable(profile.aid, reset=False)
        with step("2. 91xx to everything"):
            first, second = (raw(card, "00A4000C023F00") for _ in range(2))
            assert first[:2] == "91"
            assert second == first
            if card.transport.protocol == "T=0":
                assert raw(card, f"80120000{int(first[2:], 16) - 1:02X}") == f"6C{first[2:]}"
        with step("3. FETCH"):
            fetched = card.expect(cat.fetch(int(first[2:], 16))).data
            command = cat.ProactiveCommand.decode(fetched)
            assert command.kind == CommandType.REFRESH
            assert command.details.qualifier == 0x04
        with step("4. After the reset"):
            card.reset()
            assert esim.iccid() == profile.iccid


@pytest.mark.parametrize(
    ("aid", "command", "expected"),
    [
        row("EUICC-UICC-CHECKS-01", CHECKS, "Class A0, of 2G (6E00)", "", "A0A40000023F00", "6E00"),
        row("EUICC-UICC-CHECKS-02", CHECKS, "A reserved class (6E00)", "", "30A40000023F00",
            "6E00"),
        row("EUICC-UICC-CHECKS-03", CHECKS, "An unknown INS (6D00)", "", "00FE0000", "6D00"),
        row("EUICC-UICC-CHECKS-04", CHECKS, "A closed channel before the unknown INS (6881)", "",
            "03FE0000", "6881"),
        row("EUICC-UICC-CHECKS-05", CHECKS, "An unknown INS at the ISD-R (6D00)", ISD_R_AID.hex(),
            "80FE0000", "6D00"),
        row("EUICC-UICC-CHECKS-06", CHECKS, "P1 P2 of INSTALL before its security (6A86)",
            ISD_R_AID.hex(), "80E600000100", "6A86"),
        row("EUICC-UICC-CHECKS-07", CHECKS, "GET STATUS of the ISD-R without a session (6982)",
            ISD_R_AID.hex(), "80F24002024F00", "6982"),
        row("EUICC-UICC-CHECKS-08", CHECKS, "DELETE at the ISD-R without a session (6982)",
            ISD_R_AID.hex(), "80E40040024F00", "6982"),
        row("EUICC-UICC-CHECKS-09", CHECKS, "INSTALL at the ISD-R without a session (6982)",
            ISD_R_AID.hex(), "80E62000050000000000", "6982"),
        row("EUICC-UICC-CHECKS-10", CHECKS, "PUT KEY at the ISD-R without a session (6982)",
            ISD_R_AID.hex(), "80D8000103300000", "6982"),
        row("EUICC-UICC-CHECKS-11", CHECKS, "SET STATUS at the ISD-R without a session (6982)",
            ISD_R_AID.hex(), f"80F0400710{ISD_R_AID.hex()}", "6982"),
        row("EUICC-UICC-CHECKS-12", CHECKS, "STORE DATA at the ISD-R, no session (6985 or 6982)",
            ISD_R_AID.hex(), "80E28800043A030100", "6985|6982"),
        row("EUICC-UICC-CHECKS-13", "GSMA SGP.32, 5.9; SGP.02, 4",
            "BF56 (GetCerts) at an SGP.02 ISD-R (an error)", ISD_R_AID.hex(), "80E2910003BF560000",
            "6985|6A80|6A88|6D00|6982"),
        row("EUICC-UICC-CHECKS-14", "GSMA SGP.22, 5.7; SGP.02, 4",
            "BF3E (GetEuiccData) at an SGP.02 ISD-R (an error)", ISD_R_AID.hex(),
            "80E2910006BF3E035C015A00", "6985|6A80|6A88|6D00|6982"),
        row("EUICC-UICC-CHECKS-15", CHECKS, "STORE DATA at the ECASD (an error)", ECASD_AID.hex(),
            "80E2910003BF560000", "6D00|6985|6982"),
    ],
)  # fmt: skip
def test_a_command_in_the_wrong_place(held: Card, aid: str, command: str, expected: str) -> None:
    """A command is refused by the first check it fails.

    Preconditions: the card was reset.

    Steps:
    1. SELECT of the application of the title, if it names one: 9000.
    2. The command of the title: the status word of the title, no data.
    3. SELECT 3F00: 9000, the card goes on.
    """
    if aid:
        held.select(bytes.fromhex(aid))
    assert ask(held, command) in expected.split("|")
    assert ask(held, "00A4000C023F00") == "9000"


@pytest.mark.conformance("EUICC-UICC-CHECKS-16", section="SGP.02, 2.2.1 and 4.1.1")
def test_the_isd_r_shows_no_keys(held: Card, esim: Esim) -> None:
    """What the ISD-R tells of its keys holds no value of one.

    Preconditions: the ISD-R is selected.

    Steps:
    1. GET DATA E0: key id, version, type and length of each key; no answer, or 6A88, is right too.
    2. GetStatus without a session: 6982, no data.
    """
    held.select(ISD_R_AID)
    answer = ask(held, "80CA00E000")
    keys = esim.audit_keys
    for secret in (keys.enc, keys.mac, keys.dek):
        assert secret.hex().upper() not in answer
    status = isdr_commands.get_status()
    looked = held.send(status)
    assert (looked.sw, looked.data) == (0x6982, b"")
