"""AUTHENTICATE of the USIM of an enabled profile, with K and OPc that the lab put in."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card import commands
from hil.evidence import step
from hil.wire.aka import AuthenticationVector, Milenage, read_auts
from testcases.conformance.euicc import own_files
from testcases.conformance.euicc.own_files import ask, row

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
SECTION = "3GPP TS 31.102, 7.1; TS 33.102, 6.3"
ISIM_AID = bytes.fromhex("A0000000871004")
"""Of any ISIM: the beginning of its AID."""

NOT_OFFERED = "9864|6A86|6A80|6700|6985"
"""Of a context that the USIM has not, or that has other data."""

FIRST_SQN = 0x0000_0000_0400
"""Above what a new USIM has used: SEQ 32, IND 0."""


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """An enabled profile with Milenage; its USIM has used no sequence number yet."""
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


def challenge(card: Card, vector: AuthenticationVector) -> ResponseApdu:
    """Send one vector in the 3G context."""
    return card.send(commands.authenticate_3g(vector.rand, vector.autn))


def vector(network: Milenage, sqn: int) -> AuthenticationVector:
    """Return a vector with a fresh RAND."""
    return AuthenticationVector.make(network, secrets.token_bytes(16), sqn)


def assert_success(answer: ResponseApdu, sent: AuthenticationVector) -> None:
    """Hold an answer to DB, RES, CK and IK of a vector, and Kc where the USIM gives it."""
    assert answer.sw == 0x9000, f"{answer.sw:04X}"
    body = b"\xdb\x08" + sent.xres + b"\x10" + sent.ck + b"\x10" + sent.ik
    assert answer.data in (body, body + b"\x08" + sent.kc)


def assert_out_of_step(
    answer: ResponseApdu, sent: AuthenticationVector, network: Milenage, sqn: int
) -> None:
    """Hold an answer to DC with an AUTS that tells a sequence number."""
    assert answer.sw == 0x9000, f"{answer.sw:04X}"
    assert answer.data[:2] == b"\xdc\x0e"
    assert len(answer.data) == 16
    assert read_auts(network, sent.rand, answer.data[2:]) == sqn


@pytest.mark.conformance("EUICC-UICC-AKA-01", section=SECTION)
def test_a_fresh_challenge_is_answered(usim: Card, network: Milenage) -> None:
    """A fresh challenge of the network brings RES, CK and IK.

    Preconditions: the USIM of the enabled profile is selected, PIN1 is disabled.

    Steps:
    1. AUTHENTICATE with a vector of the profile's K and OPc: 9000, DB, RES, CK and IK of the
       vector, and Kc if the USIM gives it.
    2. AUTHENTICATE with the next sequence number of the same IND: the same.
    """
    for sqn in (FIRST_SQN, FIRST_SQN + 32):
        sent = vector(network, sqn)
        assert_success(challenge(usim, sent), sent)


@pytest.mark.conformance("EUICC-UICC-AKA-02", section=SECTION)
def test_a_challenge_that_comes_again(usim: Card, network: Milenage, esim: Esim) -> None:
    """A sequence number that was used brings AUTS with the card's own, after a reset too.

    Preconditions: the USIM of the enabled profile is selected.

    Steps:
    1. AUTHENTICATE with a fresh vector: success.
    2. The same again: 9000, DC 0E and AUTS, whose MAC-S is right and whose SQN is that of step 1.
    3. After a reset the same again: the same.
    4. A fresh vector: success.
    """
    sent = vector(network, FIRST_SQN)
    with step("1. Fresh"):
        assert_success(challenge(usim, sent), sent)
    with step("2. Again"):
        assert_out_of_step(challenge(usim, sent), sent, network, FIRST_SQN)
    with step("3. After a reset"):
        esim.card.reset()
        own_files.select_usim(usim)
        assert_out_of_step(challenge(usim, sent), sent, network, FIRST_SQN)
    with step("4. Fresh"):
        fresh = vector(network, FIRST_SQN + 32)
        assert_success(challenge(usim, fresh), fresh)


@pytest.mark.conformance("EUICC-UICC-AKA-03", section=SECTION)
def test_a_wrong_mac(usim: Card, network: Milenage) -> None:
    """An AUTN whose MAC is wrong is refused, and uses no sequence number up.

    Preconditions: the USIM of the enabled profile is selected.

    Steps:
    1. AUTHENTICATE with the last bit of AUTN changed: 9862, no data.
    2. With another RAND for the same AUTN: 9862, no data.
    3. With a vector of another key: 9862, no data.
    4. With the right AUTN: success.
    """
    sent = vector(network, FIRST_SQN)
    flipped = sent.autn[:-1] + bytes((sent.autn[-1] ^ 0x01,))
    other = vector(Milenage(secrets.token_bytes(16), bytes(16)), FIRST_SQN)
    for rand, autn in (
        (sent.rand, flipped),
        (secrets.token_bytes(16), sent.autn),
        (other.rand, other.autn),
    ):
        answer = usim.send(commands.authenticate_3g(rand, autn))
        assert (answer.sw, answer.data) == (0x9862, b"")
    assert_success(challenge(usim, sent), sent)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-UICC-AKA-17", section="3GPP TS 31.102, 7.1.1.1; TS 33.102, 6.3.3")
def test_a_wrong_mac_comes_before_a_used_sequence_number(usim: Card, network: Milenage) -> None:
    """Of an AUTN whose MAC is wrong the sequence number says nothing: no AUTS.

    Preconditions: the USIM of the enabled profile is selected.

    Steps:
    1. AUTHENTICATE with a fresh vector: success.
    2. The same again, the last bit of AUTN changed: 9862, no data.
    3. The same again unchanged: AUTS.
    """
    sent = vector(network, FIRST_SQN)
    flipped = sent.autn[:-1] + bytes((sent.autn[-1] ^ 0x01,))
    with step("1. Fresh"):
        assert_success(challenge(usim, sent), sent)
    with step("2. Used, and the MAC is wrong"):
        answer = usim.send(commands.authenticate_3g(sent.rand, flipped))
        assert (answer.sw, answer.data) == (0x9862, b"")
    with step("3. Used"):
        assert_out_of_step(challenge(usim, sent), sent, network, FIRST_SQN)


@pytest.mark.conformance("EUICC-UICC-AKA-04", section="3GPP TS 33.102, annex C.2")
def test_each_index_has_its_own_sequence(usim: Card, network: Milenage) -> None:
    """A lower sequence number is fresh under an index that has not used it.

    Preconditions: the USIM of the enabled profile is selected; it keeps a sequence number for each
    of 32 indices, as the profile says.

    Steps:
    1. AUTHENTICATE with SEQ 40, IND 0: success.
    2. With SEQ 39, IND 1: success.
    3. With SEQ 39, IND 0: AUTS, whose SQN is the highest: SEQ 40, IND 0.
    """
    first, second, third = (vector(network, n) for n in (40 << 5, 39 << 5 | 1, 39 << 5))
    assert_success(challenge(usim, first), first)
    assert_success(challenge(usim, second), second)
    assert_out_of_step(challenge(usim, third), third, network, 40 << 5)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        row("EUICC-UICC-AKA-05", SECTION, "AUTHENTICATE without AUTN (6700 or 6A80)",
            "0088008111" + "10" + "00" * 16 + "00", "6700|6A80"),
        row("EUICC-UICC-AKA-06", SECTION, "AUTHENTICATE with an AUTN of 15 bytes (6700 or 6A80)",
            "0088008121" + "10" + "00" * 16 + "0F" + "00" * 15 + "00", "6700|6A80"),
        row("EUICC-UICC-AKA-07", SECTION, "AUTHENTICATE with a RAND of 8 bytes (6700 or 6A80)",
            "008800811A" + "08" + "00" * 8 + "10" + "00" * 16 + "00", "6700|6A80"),
        row("EUICC-UICC-AKA-08", SECTION, "AUTHENTICATE with a P1 it does not have (6A86)",
            "0088018122" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6A86"),
        row("EUICC-UICC-AKA-09", SECTION, "AUTHENTICATE in class 80 (6E00)",
            "8088008122" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6E00"),
        row("EUICC-UICC-AKA-13", SECTION, "AUTHENTICATE, GSM context, RAND of 8 bytes (6700, 6A80)",
            "0088008009" + "08" + "00" * 8 + "00", "6700|6A80"),
        row("EUICC-UICC-AKA-14", SECTION, "AUTHENTICATE in a context that is none (6A86)",
            "008800FF22" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6A86"),
        row("EUICC-UICC-AKA-21", SECTION, "AUTHENTICATE, 3G context without b8 of P2 (6A86)",
            "0088000122" + "10" + "00" * 16 + "10" + "00" * 16 + "00", "6A86"),
        row("EUICC-UICC-AKA-22", SECTION, "AUTHENTICATE, 3G challenge in the VGCS/VBS context",
            "0088008222" + "10" + "00" * 16 + "10" + "00" * 16 + "00", NOT_OFFERED),
        row("EUICC-UICC-AKA-23", SECTION, "AUTHENTICATE, 3G challenge in the GBA context",
            "0088008422" + "10" + "00" * 16 + "10" + "00" * 16 + "00", NOT_OFFERED),
    ],
)  # fmt: skip
def test_a_wrong_command_uses_nothing_up(
    usim: Card, network: Milenage, command: str, expected: str
) -> None:
    """An AUTHENTICATE that is none is refused.

    Preconditions: the USIM of the enabled profile is selected.

    Steps:
    1. The command of the title: the status word of the title.
    2. AUTHENTICATE with a fresh vector: success.
    """
    assert ask(usim, command) in expected.split("|")
    sent = vector(network, FIRST_SQN)
    assert_success(challenge(usim, sent), sent)


@pytest.mark.conformance("EUICC-UICC-AKA-12", section="3GPP TS 31.102, 7.1.1; TS 33.102, 6.8.1")
def test_the_gsm_context(usim: Card, network: Milenage) -> None:
    """In the GSM context the USIM answers with SRES and Kc, and uses no sequence number up.

    Preconditions: the USIM of the enabled profile is selected; service 38 is in its EF.UST.

    Steps:
    1. AUTHENTICATE with P2 80 and RAND of a fresh vector: 9000, 04 SRES 08 Kc, made of the RES, CK
       and IK of the vector by the conversion functions c2 and c3.
    2. The same again: the same.
    3. AUTHENTICATE in the 3G context with that vector: success.
    """
    sent = vector(network, FIRST_SQN)
    sres = bytes(a ^ b for a, b in zip(sent.xres[:4], sent.xres[4:], strict=True))
    halves = (sent.ck[:8], sent.ck[8:], sent.ik[:8], sent.ik[8:])
    kc = bytes(a ^ b ^ c ^ d for a, b, c, d in zip(*halves, strict=True))
    expected = f"04{sres.hex()}08{kc.hex()} 9000".upper()
    for _ in range(2):
        assert ask(usim, f"008800801110{sent.rand.hex()}00") == expected
    assert_success(challenge(usim, sent), sent)


@pytest.mark.conformance("EUICC-UICC-AKA-10", section=SECTION)
def test_no_application_is_selected(usim: Card, network: Milenage) -> None:
    """AUTHENTICATE outside a network access application is refused.

    Preconditions: the MF is selected, no application.

    Steps:
    1. SELECT of the MF, reset before it. AUTHENTICATE with a fresh vector: 6985 or 6D00, no data.
    2. SELECT of the USIM, the same: success.
    """
    sent = vector(network, FIRST_SQN)
    usim.reset()
    own_files.select(usim, "3F00")
    answer = challenge(usim, sent)
    assert answer.sw in (0x6985, 0x6D00)
    assert answer.data == b""
    own_files.select_usim(usim)
    assert_success(challenge(usim, sent), sent)


@pytest.mark.conformance("EUICC-UICC-AKA-11", section="3GPP TS 31.102, 7.1.1")
def test_pin1_is_needed(usim: Card, network: Milenage) -> None:
    """AUTHENTICATE needs PIN1 where that is enabled.

    Preconditions: PIN1 of the enabled profile was enabled.

    Steps:
    1. AUTHENTICATE with a fresh vector: 6982, no data.
    2. VERIFY with PIN1, the same: success.
    """
    pin = "30303030FFFFFFFF"
    assert ask(usim, f"0028000108{pin}") == "9000"
    usim.reset()
    own_files.select_usim(usim)
    sent = vector(network, FIRST_SQN)
    answer = challenge(usim, sent)
    assert (answer.sw, answer.data) == (0x6982, b"")
    assert ask(usim, f"0020000108{pin}") == "9000"
    assert_success(challenge(usim, sent), sent)


@pytest.mark.conformance("EUICC-UICC-AKA-15", section="3GPP TS 33.102, annex C.2.1 and 6.3.5")
def test_a_sequence_number_that_jumps(usim: Card, network: Milenage) -> None:
    """A sequence number that jumps too far is not accepted, and AUTS tells the highest that was.

    Preconditions: the USIM of the enabled profile is selected; it limits jumps to 2^28, as the
    profile says.

    Steps:
    1. AUTHENTICATE with SEQ 50, IND 3: success.
    2. With SEQ 2^42, IND 4: AUTS, whose SQN is SEQ 50, IND 3.
    3. With SEQ 50, IND 3 again: the same AUTS. With SEQ 2^20, IND 4: success.
    """
    highest = 50 << 5 | 3
    sent = vector(network, highest)
    assert_success(challenge(usim, sent), sent)
    for sqn in (1 << 47 | 4, highest):
        far = vector(network, sqn)
        assert_out_of_step(challenge(usim, far), far, network, highest)
    near = vector(network, 1 << 25 | 4)
    assert_success(challenge(usim, near), near)


@pytest.mark.conformance("EUICC-UICC-AKA-16", section="3GPP TS 31.103, 7.1; TS 33.203, 6.1")
def test_each_application_has_its_own_sequence(usim: Card, network: Milenage) -> None:
    """What the USIM has used says nothing about the ISIM.

    Preconditions: the enabled profile has a USIM and an ISIM, each with authentication data of its
    own, K alike.

    Steps:
    1. AUTHENTICATE in the USIM with SEQ 64, IND 0: success.
    2. In the ISIM with SEQ 40, IND 0: success.
    """
    first, second = vector(network, 64 << 5), vector(network, 40 << 5)
    assert_success(challenge(usim, first), first)
    usim.select(ISIM_AID)
    assert_success(challenge(usim, second), second)
