"""Random values of a key establishment, and key sets that go: with the flag, with the ISD-P."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.gp_certificate import Role
from hil.wire.key_establishment import Parameter, Reference
from testcases.conformance.euicc import establishing, preparing
from testcases.conformance.euicc.establishing import Partner
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63", "R-64"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 4.1.3.1; GlobalPlatform Amendment E, 4.8"
PLAIN = Parameter.CERTIFICATE_FIRST | Parameter.DELETE_EXISTING
RANDOM = PLAIN | Parameter.DERIVATION_RANDOM


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """A profile whose ISD-P was created, and is empty."""
    return preparing.empty(over_the_air, profile_maker)


@pytest.fixture
def sm_dp(over_the_air: OverTheAirSession, bench: Bench, profile: LabProfile) -> Partner:
    """The SM-DP of the bench, for that ISD-P."""
    return establishing.partner(over_the_air, bench, Role.SM_DP, profile.aid)


def knows(esim: Esim, aid: bytes, kvn: int) -> bool:
    """Whether the ISD-P has an SCP03 key set of this version (INITIALIZE UPDATE)."""
    with esim.card.transaction() as card:
        card.select(aid)
        answer = card.send(CommandApdu(0x80, 0x50, kvn, 0x00, bytes(8), 256))
    assert answer.sw in (0x9000, 0x6A88), f"{answer.sw:04X}"
    return answer.sw == 0x9000


@pytest.mark.conformance("EUICC-ES8-KEYS-19", section=SECTION)
def test_the_card_never_says_the_same_twice(sm_dp: Partner) -> None:
    """Random challenge and derivation random are new in each key establishment.

    Preconditions: an ISD-P was created.

    Steps:
    1. Certificate and key request with a derivation random, twice: 9000 each.
    2. The two challenges are not alike, the two derivation randoms neither.
    """
    challenges, randoms = set(), set()
    for _ in range(2):
        assert sm_dp.show().sw == 0x9000
        challenges.add(sm_dp.challenge)
        answer, _ = sm_dp.ask(Reference(0x30, parameters=RANDOM))
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
        randoms.add(tlv.require(tlv.decode_all(answer.data), 0x85, where="key request"))
    assert len(challenges) == 2
    assert len(randoms) == 2


@pytest.mark.conformance("EUICC-ES8-KEYS-20", section=f"{SECTION}; SGP.02, 4.1.1.4")
def test_key_sets_go(
    over_the_air: OverTheAirSession, sm_dp: Partner, profile: LabProfile, esim: Esim
) -> None:
    """A request to delete existing keys leaves the new set alone; DeleteProfile leaves none.

    Preconditions: an ISD-P was created.

    Steps:
    1. Keys are established under version 30, then under 31 with "delete existing": INITIALIZE
       UPDATE finds 31, and 30 no more.
    2. DeleteProfile, CreateISDP with the same AID: INITIALIZE UPDATE does not find 31.
    """
    with step("1. Another version"):
        for kvn in (0x30, 0x31):
            sm_dp.establish(Reference(kvn, parameters=PLAIN))
        assert knows(esim, profile.aid, 0x31)
        assert not knows(esim, profile.aid, 0x30)
    with step("2. Another ISD-P"):
        assert one(over_the_air, isdr_commands.delete_profile(profile.aid)).sw == 0x9000
        preparing.created(over_the_air, profile)
        assert not knows(esim, profile.aid, 0x31)
