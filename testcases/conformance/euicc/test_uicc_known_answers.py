"""AUTHENTICATE with the test data of the standards: nothing of ours computes what is expected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from hil.equipment.card import commands
from hil.evidence import step
from hil.wire.profile_package.authentication import AkaParameter
from hil.wire.profile_package.elements import decode, encode
from hil.wire.profile_package.package import join, split
from testcases.conformance.euicc import own_files, preparing
from testcases.conformance.euicc.own_files import ask

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card import Card
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.profile_package.package import Element

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44", "R-71"),
    pytest.mark.severity("critical"),
]
RAND: Final = bytes.fromhex("23553CBE9637A89D218AE64DAE47BF35")
KC_LENGTH: Final = b"\x08"
_ANY_JUMP: Final = bytes.fromhex("07FFFFFFFFFF")
"""The largest sqnDelta, and sqnAgeLimit, of a profile package: no sequence number is too far."""


class Milenage:
    """3GPP TS 35.208, 4.3, test set 1; AUTN and AUTS put together of its values."""

    K: Final = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
    OPC: Final = bytes.fromhex("CD63CB71954A9F4E48A5994E37A02BAF")
    AUTN: Final = bytes.fromhex("55F328B43577B9B94A9FFAC354DFAFB3")
    RES: Final = bytes.fromhex("A54211D5E3BA50BF")
    CK: Final = bytes.fromhex("B40BA9A3C58B2A05BBF0D987B21BF8CB")
    IK: Final = bytes.fromhex("F769BCD751044604127672711C6D3441")
    SRES: Final = bytes.fromhex("46F8416A")
    KC: Final = bytes.fromhex("EAE4BE823AF9A08B")
    AUTS: Final = bytes.fromhex("BA853F3C123CCF44E93596E355C6")


class ExclusiveOr:
    """3GPP TS 34.108, 8.1.2, for SQN 000000000021, AMF 8000 and the K of GSMA TS.48."""

    K: Final = bytes(range(16))
    AUTN: Final = bytes.fromhex("BD9232AE9A08800023543EBD92132E9A")
    RES: Final = bytes.fromhex("23543EBD9232AE9A2983EC46A24AB13A")
    CK: Final = bytes.fromhex("543EBD9232AE9A2983EC46A24AB13A23")
    IK: Final = bytes.fromhex("3EBD9232AE9A2983EC46A24AB13A2354")
    KC: Final = bytes.fromhex("0529CB4867BFAADD")
    AUTS: Final = bytes.fromhex("BD9232AE9A0823543EBD9213AE9A")


def without_limits(package: bytes) -> bytes:
    """Return a package whose applications accept any sequence number that was not used."""

    def changed(element: Element) -> Element:
        body = decode(element)
        if not isinstance(body, AkaParameter):
            return element
        return encode(replace(body, sqn_delta=_ANY_JUMP, sqn_age_limit=_ANY_JUMP))

    return join(map(changed, split(package)))


def usim_of(esim: Esim) -> Card:
    """Return the card, reset, with the USIM of the enabled profile selected."""
    esim.card.reset()
    own_files.select_usim(esim.card)
    return esim.card


def in_3g(card: Card, autn: bytes) -> tuple[int, bytes]:
    """Send AUTHENTICATE in the 3G context; return status word and data."""
    answer = card.send(commands.authenticate_3g(RAND, autn))
    return answer.sw, answer.data


def answers_with(res: bytes, ck: bytes, ik: bytes, kc: bytes) -> tuple[bytes, bytes]:
    """Return what a USIM may answer, without Kc and with it."""
    parts = (bytes((len(one),)) + one for one in (res, ck, ik))
    body = b"\xdb" + b"".join(parts)
    return body, body + KC_LENGTH + kc


@pytest.mark.conformance(
    "EUICC-UICC-AKA-24",
    section="3GPP TS 35.208, 4.3 (set 1); TS 31.102, 7.1; TS 33.102, 6.3 and 6.8",
)
def test_milenage_by_its_test_data(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A USIM with Milenage answers with the values of the published test data.

    Preconditions: a profile with K and OPc of test set 1 is ENABLED; its sqnDelta lets any sequence
    number follow.

    Steps:
    1. AUTHENTICATE with P2 80 and RAND of the set: 9000, SRES 46F8416A, Kc EAE4BE823AF9A08B.
    2. AUTHENTICATE with RAND and the AUTN of SQN FF9BB4D0B607, AMF B9B9: 9000, DB and RES, CK and
       IK of the set, and Kc if the USIM gives it.
    3. The same again: 9000, DC and AUTS: f5* of the set over that SQN, MAC-S CF44E93596E355C6.
    """
    data = Milenage
    plain = profile_maker.profile(k=data.K, opc=data.OPC)
    profile = profile_maker.profile(
        package=without_limits(plain.package),
        tar=plain.tar,
        iccid=plain.iccid,
        imsi=plain.imsi,
        k=data.K,
        opc=data.OPC,
    )
    preparing.taken_up(over_the_air, esim, profile)
    with esim.card.transaction():
        card = usim_of(esim)
        with step("1. The GSM context"):
            gsm = f"04{data.SRES.hex()}08{data.KC.hex()} 9000".upper()
            assert ask(card, f"008800801110{RAND.hex()}00") == gsm
        with step("2. The 3G context"):
            sw, answer = in_3g(card, data.AUTN)
            assert sw == 0x9000, f"{sw:04X}"
            assert answer in answers_with(data.RES, data.CK, data.IK, data.KC)
        with step("3. Again"):
            assert in_3g(card, data.AUTN) == (0x9000, b"\xdc\x0e" + data.AUTS)


@pytest.mark.conformance(
    "EUICC-UICC-AKA-25", section="3GPP TS 34.108, 8.1.2; TS 31.102, 7.1; GSMA TS.48"
)
def test_the_test_algorithm_by_its_rule(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A USIM with the test algorithm answers with what exclusive or makes of its key.

    Preconditions: a test profile with the K of GSMA TS.48 is ENABLED.

    Steps:
    1. AUTHENTICATE with RAND and the AUTN of SQN 000000000021, AMF 8000: 9000, DB, RES (4 to 16
       bytes of XDOUT), CK and IK, and Kc if the USIM gives it.
    2. The same again: 9000, DC and AUTS BD9232AE9A08 23543EBD9213AE9A.
    """
    data = ExclusiveOr
    profile: LabProfile = profile_maker.profile("test", k=data.K)
    preparing.taken_up(over_the_air, esim, profile)
    with esim.card.transaction():
        card = usim_of(esim)
        with step("1. Fresh"):
            sw, answer = in_3g(card, data.AUTN)
            assert sw == 0x9000, f"{sw:04X}"
            length = answer[1]
            assert 4 <= length <= 16
            assert answer in answers_with(data.RES[:length], data.CK, data.IK, data.KC)
        with step("2. Again"):
            assert in_3g(card, data.AUTN) == (0x9000, b"\xdc\x0e" + data.AUTS)
