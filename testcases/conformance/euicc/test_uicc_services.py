"""AUTHENTICATE and the services that EF.UST makes available: Kc (27), the GSM context (38)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import pytest

from hil.equipment.card import commands
from hil.evidence import step
from hil.wire.aka import AuthenticationVector, Milenage
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import VERIFY_ADM1, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.apdu import ResponseApdu

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44", "R-71"),
    pytest.mark.severity("critical"),
]
GSM_ACCESS, GSM_CONTEXT = 27, 38
"""Services of a USIM (3GPP TS 31.102, 4.2.8)."""

FIRST_SQN: Final = 0x0000_0000_0400
_ENABLE_PIN1: Final = "002800010830303030FFFFFFFF"
_VERIFY_PIN1: Final = "002000010830303030FFFFFFFF"


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """An enabled profile with Milenage; its USIM has both services."""
    return own_files.enabled(over_the_air, profile_maker)


@pytest.fixture
def network(profile: LabProfile) -> Milenage:
    """The authentication centre's algorithm: same K and OPc."""
    return Milenage(profile.data.k, profile.data.opc)


@pytest.fixture
def usim(esim: Esim, profile: LabProfile) -> Iterator[Card]:  # noqa: ARG001 - enabled
    """The card with its USIM selected, held alone."""
    with own_files.usim_held(esim) as card:
        yield card


def vector(network: Milenage, sqn: int) -> AuthenticationVector:
    """Return a vector with a fresh RAND."""
    return AuthenticationVector.make(network, secrets.token_bytes(16), sqn)


def in_3g(card: Card, sent: AuthenticationVector) -> ResponseApdu:
    """Send one vector in the 3G context."""
    return card.send(commands.authenticate_3g(sent.rand, sent.autn))


def in_gsm(card: Card, sent: AuthenticationVector) -> str:
    """Send the RAND of a vector in the GSM context."""
    return ask(card, f"008800801110{sent.rand.hex()}00")


def answer_of(sent: AuthenticationVector, *, kc: bool) -> bytes:
    """Return what a USIM answers to a fresh vector."""
    body = b"\xdb\x08" + sent.xres + b"\x10" + sent.ck + b"\x10" + sent.ik
    return body + b"\x08" + sent.kc if kc else body


def make_available(card: Card, number: int, *, available: bool) -> None:
    """Write a service into EF.UST with ADM1; the USIM is selected anew after a reset."""
    assert ask(card, VERIFY_ADM1) == "9000"
    size = int.from_bytes(own_files.select(card, "6F38")[0x80], "big")
    table = bytearray(card.read_binary(size))
    bit = 1 << (number - 1) % 8
    at = (number - 1) // 8
    table[at] = table[at] | bit if available else table[at] & ~bit
    assert ask(card, f"00D60000{size:02X}{table.hex()}") == "9000"
    card.reset()
    own_files.select_usim(card)


@pytest.mark.conformance("EUICC-UICC-AKA-18", section="3GPP TS 31.102, 7.1.2.1 and 4.2.8")
def test_kc_comes_with_its_service(usim: Card, network: Milenage) -> None:
    """In the 3G context Kc comes if and only if service 27 is available.

    Preconditions: the USIM of the enabled profile is selected; EF.UST is updated with ADM1.

    Steps:
    1. Service 27 in EF.UST. AUTHENTICATE with a fresh vector: DB, RES, CK, IK and 08 Kc.
    2. EF.UST without it. AUTHENTICATE with a fresh vector: DB, RES, CK, IK, nothing behind it.
    """
    for place, available in enumerate((True, False)):
        with step(f"Service 27 {'available' if available else 'not available'}"):
            make_available(usim, GSM_ACCESS, available=available)
            sent = vector(network, FIRST_SQN + 32 * place)
            answer = in_3g(usim, sent)
            assert (answer.sw, answer.data) == (0x9000, answer_of(sent, kc=available))


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-UICC-AKA-19", section="3GPP TS 31.102, 7.1.1.2 and 7.3")
def test_the_gsm_context_without_its_service(usim: Card, network: Milenage) -> None:
    """Without service 38 the GSM context is refused: the security context is not supported.

    Preconditions: the USIM of the enabled profile is selected; EF.UST is updated with ADM1.

    Steps:
    1. EF.UST without service 38. AUTHENTICATE with P2 80 and a RAND: 9864, no data.
    2. AUTHENTICATE in the 3G context with a fresh vector: success.
    """
    make_available(usim, GSM_CONTEXT, available=False)
    sent = vector(network, FIRST_SQN)
    with step("1. The GSM context"):
        assert in_gsm(usim, sent) == "9864"
    with step("2. The 3G context"):
        assert in_3g(usim, sent).sw == 0x9000


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-UICC-AKA-20", section="3GPP TS 31.102, 7.1.1")
def test_the_gsm_context_needs_pin1(usim: Card, network: Milenage) -> None:
    """AUTHENTICATE in the GSM context needs PIN1 where that is enabled.

    Preconditions: PIN1 of the enabled profile was enabled.

    Steps:
    1. AUTHENTICATE with P2 80 and a RAND: 6982, no data.
    2. VERIFY with PIN1, the same: 9000, SRES and Kc.
    """
    assert ask(usim, _ENABLE_PIN1) == "9000"
    usim.reset()
    own_files.select_usim(usim)
    sent = vector(network, FIRST_SQN)
    with step("1. Before PIN1"):
        assert in_gsm(usim, sent) == "6982"
    with step("2. After it"):
        assert ask(usim, _VERIFY_PIN1) == "9000"
        assert in_gsm(usim, sent).endswith(f"08{sent.kc.hex()} 9000".upper())
