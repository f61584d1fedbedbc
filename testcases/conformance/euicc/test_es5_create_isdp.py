"""ES5.CreateISDP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.identifiers import ECASD_AID, ISD_R_AID
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import assert_refused, one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.1.1 and 4.1.1.1"


@pytest.mark.conformance("EUICC-ES5-CREATE-01", section=SECTION)
def test_an_isdp_is_created(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An ISD-P is created with the memory that was asked for.

    Preconditions: its AID is free.

    Steps:
    1. CreateISDP with a quota of non-volatile memory: 9000.
    2. GetStatus: the ISD-P is SELECTABLE, or PERSONALIZED where its keys are pre-shared.
    3. GetStatus: the memory granted is the quota.
    4. No other ISD-P has changed.
    """
    before = esim.profiles()
    profile = profile_maker.profile()
    with step("1. CreateISDP"):
        command = isdr_commands.create_isdp(profile.aid, 30_000)
        assert one(over_the_air, command).sw == 0x9000
    with step("2. and 3. GetStatus"):
        made = esim.profile(profile.aid)
        assert made is not None
        assert made.state in (ProfileState.SELECTABLE, ProfileState.PERSONALIZED)
        assert made.granted in (None, 30_000)
    with step("4. The others"):
        assert tuple(row for row in esim.profiles() if row.aid != profile.aid) == before


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES5-CREATE-02", section=SECTION)
def test_an_aid_in_use_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """CreateISDP with the AID of an ISD-P that exists is refused.

    Preconditions: an ISD-P with the AID exists.

    Steps:
    1. CreateISDP with the same AID: 6985, or 6A80 (GlobalPlatform leaves the choice).
    2. GetStatus: nothing has changed.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    command = isdr_commands.create_isdp(profile.aid)
    assert_refused(over_the_air, esim, command, 0x6985, 0x6A80)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES5-CREATE-03", section="SGP.02, 2.2.3 and 4.1.1.1")
def test_an_aid_outside_the_range_is_refused(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """CreateISDP with an AID that is none of an ISD-P is refused.

    Preconditions: none.

    Steps:
    1. CreateISDP with the AID of the ISD-R, of the ECASD, of an operator's domain, and with a TAR
       below 000010: 6A80 or 6985 each.
    2. GetStatus after each: nothing has changed.
    """
    below = ISD_R_AID[:12] + bytes.fromhex("00000F00")
    for aid in (ISD_R_AID, ECASD_AID, bytes.fromhex("A000000151000000"), below):
        assert_refused(over_the_air, esim, isdr_commands.create_isdp(aid), 0x6A80, 0x6985)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES5-CREATE-04", section=SECTION)
def test_more_memory_than_there_is_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """CreateISDP with a quota above the memory left is refused.

    Preconditions: GET DATA FF21 tells the memory left.

    Steps:
    1. CreateISDP with one byte more than is left: 6A84.
    2. GetStatus: nothing has changed.
    3. The memory left is the same as before.
    """
    before = preparing.free_memory(over_the_air)
    command = isdr_commands.create_isdp(profile_maker.profile().aid, before + 1)
    assert_refused(over_the_air, esim, command, 0x6A84)
    with step("3. Memory"):
        assert preparing.free_memory(over_the_air) == before


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES5-CREATE-05", section=SECTION)
def test_another_load_file_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """CreateISDP from a load file or module that is not the ISD-P's is refused.

    Preconditions: the card holds no load file A000000559FF.

    Steps:
    1. CreateISDP with that load file: 6A88 or 6A80.
    2. CreateISDP with that module: 6A88 or 6A80.
    3. GetStatus: nothing has changed.
    """
    aid, wrong = profile_maker.profile().aid, bytes.fromhex("A000000559FF")
    for command in (
        isdr_commands.create_isdp(aid, load_file=wrong),
        isdr_commands.create_isdp(aid, module=wrong),
    ):
        assert_refused(over_the_air, esim, command, 0x6A88, 0x6A80)
