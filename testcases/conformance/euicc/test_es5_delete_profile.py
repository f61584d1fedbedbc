"""ES5.DeleteProfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import isd_p_aid
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import assert_refused, assert_state, one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.4 and 4.1.1.4"


@pytest.mark.conformance("EUICC-ES5-DELETE-01", section=SECTION)
def test_a_disabled_profile_is_deleted(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A disabled profile is deleted with its ISD-P, and its memory is free again.

    Preconditions: a profile is DISABLED.

    Steps:
    1. DeleteProfile for it: 9000.
    2. GetStatus: the ISD-P is gone.
    3. The memory left is what it was before the ISD-P was created.
    4. An ISD-P with the same AID can be created anew.
    """
    before = preparing.free_memory(over_the_air)
    profile = preparing.disabled(over_the_air, profile_maker)
    with step("1. DeleteProfile"):
        assert one(over_the_air, isdr_commands.delete_profile(profile.aid)).sw == 0x9000
    with step("2. GetStatus"):
        assert_state(esim, profile.aid, None)
    with step("3. Memory"):
        assert preparing.free_memory(over_the_air) == before
    with step("4. CreateISDP"):
        preparing.created(over_the_air, profile)


@pytest.mark.conformance("EUICC-ES5-DELETE-02", section=SECTION)
def test_an_enabled_profile_cannot_be_deleted(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DeleteProfile of the enabled profile is refused.

    Preconditions: a profile without the fall-back attribute is ENABLED.

    Steps:
    1. DeleteProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    assert_refused(over_the_air, esim, isdr_commands.delete_profile(profile.aid), 0x6985)


@pytest.mark.conformance("EUICC-ES5-DELETE-03", section="SGP.02, 3.4, 3.16 and 4.1.1.4")
def test_the_fallback_profile_cannot_be_deleted(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DeleteProfile of the profile with the fall-back attribute is refused, disabled or not.

    Preconditions: the profile with the fall-back attribute is DISABLED, another one is ENABLED.

    Steps:
    1. DeleteProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    preparing.enabled(over_the_air, profile_maker)
    fallback = next(row for row in esim.profiles() if row.fallback)
    assert_refused(over_the_air, esim, isdr_commands.delete_profile(fallback.aid), 0x6985)


@pytest.mark.conformance("EUICC-ES5-DELETE-04", section=SECTION)
def test_an_unknown_isdp_cannot_be_deleted(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """DeleteProfile of an ISD-P that does not exist is refused.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. DeleteProfile for it: 6A88.
    2. GetStatus: nothing has changed.
    """
    assert_refused(over_the_air, esim, isdr_commands.delete_profile(isd_p_aid(0xFFFE)), 0x6A88)


@pytest.mark.conformance("EUICC-ES5-DELETE-05", section=SECTION)
def test_an_isdp_without_a_profile_is_deleted(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An ISD-P that holds no profile yet is deleted (DeleteISDP of a download that failed).

    Preconditions: an ISD-P was created, nothing was downloaded.

    Steps:
    1. DeleteProfile for it: 9000.
    2. GetStatus: the ISD-P is gone.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    with step("1. DeleteProfile"):
        assert one(over_the_air, isdr_commands.delete_profile(profile.aid)).sw == 0x9000
    with step("2. GetStatus"):
        assert_state(esim, profile.aid, None)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES5-DELETE-06", section=SECTION)
def test_a_deletion_that_names_nothing_is_refused(
    over_the_air: OverTheAirSession, esim: Esim
) -> None:
    """DeleteProfile without the AID object is refused.

    Preconditions: none.

    Steps:
    1. DELETE with an empty object 4F, and with another object: 6A80 or 6A88.
    2. GetStatus: nothing has changed.
    """
    for data in ("4F00", "840101"):
        command = CommandApdu(0x80, 0xE4, 0x00, 0x40, bytes.fromhex(data), 256)
        assert_refused(over_the_air, esim, command, 0x6A80, 0x6A88)
