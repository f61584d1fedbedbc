"""GET IDENTITY of the USIM of an enabled profile: the SUCI, read with the home network's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import tlv
from hil.wire.suci import Scheme, conceal
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.concealing import HomeNetwork, with_schemes
from testcases.conformance.euicc.own_files import ask, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession

    Install = Callable[..., LabProfile]

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
    pytest.mark.applies("O_GET_IDENTITY"),
]
SECTION = "3GPP TS 31.102, 7.5; TS 33.501, C.3"
ASK = "8078000100"
PIN = "30303030FFFFFFFF"
"""PIN1 of the lab's profiles."""
ROUTING = b"\xf0\xff"
"""Routing indicator 0, that of the lab's profiles (TS 24.501, 9.11.3.4)."""
ISIM = "A0000000871004"


@pytest.fixture
def home() -> HomeNetwork:
    """The home network, with keys of this case alone."""
    return HomeNetwork.new()


@pytest.fixture
def install(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, home: HomeNetwork
) -> Install:
    """What installs and enables a profile whose USIM may use some schemes."""

    def done(*schemes: Scheme) -> LabProfile:
        plain = profile_maker.profile()
        package = with_schemes(plain.package, home.information(*schemes))
        lacking = ("the card has no GET IDENTITY", "O_GET_IDENTITY")
        return own_files.enabled_as(over_the_air, profile_maker, plain, package, lacking=lacking)

    return done


def suci(card: Card) -> bytes:
    """Ask for the SUCI; return the value of A1."""
    data, _, sw = ask(card, ASK).rpartition(" ")
    assert sw == "9000"
    (found,) = tlv.decode_all(bytes.fromhex(data))
    assert found.tag == 0xA1
    return found.value


def in_the_usim(card: Card) -> None:
    """Reset the card and select the USIM."""
    card.reset()
    own_files.select_usim(card)


@pytest.mark.parametrize(
    "scheme",
    [
        row("EUICC-UICC-IDENTITY-01", SECTION, "The IMSI concealed by ECIES profile A",
            Scheme.PROFILE_A),
        row("EUICC-UICC-IDENTITY-02", SECTION, "The IMSI concealed by ECIES profile B",
            Scheme.PROFILE_B),
    ],
)  # fmt: skip
def test_the_home_network_reads_it(
    install: Install, home: HomeNetwork, esim: Esim, scheme: Scheme
) -> None:
    """The IMSI is concealed.

    Preconditions: the USIM of the enabled profile has services 124 and 125, and the scheme of the
    title before the other ones in EF.SUCI_Calc_Info of DF.SAIP.

    Steps:
    1. GET IDENTITY with P2 01: 9000, A1 with type, home network, routing indicator, scheme and key
       identifier of the profile.
    2. The scheme output is deciphered with the home network's private key, its tag is right: the
       MSIN.
    3. GET IDENTITY again: another ephemeral key and another output, the same MSIN.
    """
    others = [one for one in (Scheme.PROFILE_B, Scheme.PROFILE_A, Scheme.NULL) if one is not scheme]
    profile = install(scheme, *others)
    plain = conceal(profile.imsi, len(profile.data.of_operator.mnc), ROUTING)
    with esim.card.transaction() as card:
        in_the_usim(card)
        first = suci(card)
        with step("1. Head"):
            assert first[:8] == plain[:6] + bytes((scheme, home.identifier))
        with step("2. MSIN"):
            assert home.reveal(first[8:], scheme) == plain[8:]
        with step("3. Again"):
            second = suci(card)
            assert second[:8] == first[:8]
            assert second[8:40] != first[8:40]
            assert home.reveal(second[8:], scheme) == plain[8:]


@pytest.mark.conformance("EUICC-UICC-IDENTITY-03", section=SECTION)
def test_the_null_scheme(install: Install, esim: Esim) -> None:
    """A USIM whose preferred scheme is the null scheme gives the MSIN in clear.

    Preconditions: the USIM of the enabled profile has services 124 and 125; the null scheme is the
    first in EF.SUCI_Calc_Info of DF.SAIP.

    Steps:
    1. GET IDENTITY with P2 01: 9000, A1 with scheme 0, key identifier 0 and the MSIN.
    """
    profile = install(Scheme.NULL, Scheme.PROFILE_A)
    with esim.card.transaction() as card:
        in_the_usim(card)
        assert suci(card) == conceal(profile.imsi, len(profile.data.of_operator.mnc), ROUTING)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        row("EUICC-UICC-IDENTITY-04", SECTION, "An identity context that is none (6A86 or 6A88)",
            "8078000300", "6A86 6A88"),
        row("EUICC-UICC-IDENTITY-05", SECTION, "P1 that is not 00 (6A86)", "8078010100", "6A86"),
        row("EUICC-UICC-IDENTITY-06", SECTION, "Command data (6700)", "8078000101AA00", "6700"),
        row("EUICC-UICC-IDENTITY-07", "ETSI TS 102 221, 10.1.1", "The class of ISO (6E00)",
            "0078000100", "6E00"),
        row("EUICC-UICC-IDENTITY-08", "ETSI TS 102 221, 10.1.1", "A channel not open (6881)",
            "8378000100", "6881"),
    ],
)  # fmt: skip
def test_a_request_that_is_wrong(install: Install, esim: Esim, command: str, expected: str) -> None:
    """GET IDENTITY is refused.

    Preconditions: the USIM of the enabled profile conceals the IMSI itself, and is selected.

    Steps:
    1. The GET IDENTITY of the title: the status word of the title, no data.
    2. GET IDENTITY with P2 01: 9000.
    """
    install(Scheme.PROFILE_A)
    with esim.card.transaction() as card:
        in_the_usim(card)
        assert ask(card, command) in expected.split()
        assert suci(card)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-UICC-IDENTITY-09", section=SECTION)
def test_outside_the_usim(install: Install, esim: Esim) -> None:
    """GET IDENTITY is a command of the USIM: nobody else answers it.

    Preconditions: the USIM of the enabled profile conceals the IMSI itself; the card was reset.

    Steps:
    1. GET IDENTITY at the MF, no application selected: 6985 or 6D00, no data.
    2. SELECT of the ISIM, GET IDENTITY: the same.
    3. SELECT of the USIM, then of the MF, GET IDENTITY: the same, the USIM not being current.
    4. MANAGE CHANNEL open, GET IDENTITY on the new channel: the same.
    5. SELECT of the USIM on the new channel, GET IDENTITY there: 9000.
    """
    install(Scheme.PROFILE_A)
    refused = ("6985", "6D00")
    with esim.card.transaction() as card:
        card.reset()
        with step("1. MF"):
            assert ask(card, ASK) in refused
        with step("2. ISIM"):
            assert ask(card, f"00A4040C07{ISIM}") == "9000"
            assert ask(card, ASK) in refused
        with step("3. MF, the USIM active"):
            own_files.select_usim(card)
            own_files.select(card, "3F00")
            assert ask(card, ASK) in refused
        with step("4. Another channel"):
            channel = int(ask(card, "0070000001").split()[0], 16)
            assert ask(card, f"8{channel}78000100") in refused
        with step("5. The USIM on it"):
            aid = own_files.USIM_AID.hex()
            assert ask(card, f"0{channel}A4040C{len(aid) // 2:02X}{aid}") == "9000"
            assert ask(card, f"8{channel}78000100").endswith("9000")


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-UICC-IDENTITY-10", section=SECTION)
def test_pin1_is_needed(install: Install, esim: Esim) -> None:
    """GET IDENTITY needs PIN1 where that is enabled.

    Preconditions: the USIM of the enabled profile conceals the IMSI itself; PIN1 was enabled.

    Steps:
    1. GET IDENTITY after a reset: 6982, no data.
    2. VERIFY with PIN1, the same: 9000.
    """
    install(Scheme.PROFILE_A)
    with esim.card.transaction() as card:
        in_the_usim(card)
        assert ask(card, f"0028000108{PIN}") == "9000"
        in_the_usim(card)
        assert ask(card, ASK) == "6982"
        assert ask(card, f"0020000108{PIN}") == "9000"
        assert suci(card)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-UICC-IDENTITY-11", section="3GPP TS 31.102, 4.2.8 and 7.5")
def test_a_usim_that_leaves_it_to_the_terminal(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A USIM without service 125 conceals nothing: the terminal has to.

    Preconditions: the USIM of the enabled profile has service 124, but not 125.

    Steps:
    1. GET IDENTITY with P2 01: 6985, 6A81 or 6D00, no data.
    """
    own_files.enabled(over_the_air, profile_maker)
    with esim.card.transaction() as card:
        in_the_usim(card)
        assert ask(card, ASK) in ("6985", "6A81", "6D00")
