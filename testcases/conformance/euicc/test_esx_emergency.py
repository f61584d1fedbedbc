"""ESx: the emergency profile, its attribute, and what outranks what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.local import (
    assert_there_and_back,
    groups_for_emergency_profile,
    groups_for_test_profile,
    local,
    lost_network,
    set_emergency,
)
from testcases.conformance.euicc.preparing import assert_state

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
LOCALLY = "SGP.02, 3.30 and 3.31 (ESx)"
ATTRIBUTE = "SGP.02 v4, emergency profile attribute"


@pytest.fixture
def groups(esim: Esim) -> tuple[int, int]:
    """The data groupings of LocalEnableEmergencyProfile and LocalDisableEmergencyProfile."""
    return groups_for_emergency_profile(esim)


@pytest.mark.conformance("EUICC-ESX-EMERGENCY-01", section=LOCALLY)
def test_the_emergency_profile_is_enabled_locally(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    groups: tuple[int, int],
) -> None:
    """The device enables the emergency profile, whatever POL1 says, and goes back.

    Preconditions: a profile with "disable not allowed" is ENABLED; another one, which has the
    emergency profile attribute, is DISABLED.

    Steps:
    1. LocalDisableEmergencyProfile: 6985, nothing was enabled in that way.
    2. LocalEnableEmergencyProfile, without a secure channel: 9000, and REFRESH. The emergency
       profile is ENABLED, the other one DISABLED; EF.ICCID is that of the emergency profile.
    3. LocalEnableEmergencyProfile again: 6985.
    4. LocalDisableEmergencyProfile: 9000, and REFRESH. The profile before is ENABLED.
    """
    emergency = preparing.disabled(over_the_air, profile_maker)
    assert set_emergency(over_the_air, esim, emergency.aid).sw == 0x9000
    rule = preparing.DISABLE_NOT_ALLOWED
    with preparing.pinned(over_the_air, profile_maker, rule) as before:
        assert_there_and_back(esim, groups, emergency, before)


@pytest.mark.conformance("EUICC-ESX-EMERGENCY-02", section=f"{LOCALLY}; 3.16, 3.22 and 3.23")
def test_nothing_takes_the_place_of_the_emergency_profile(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    groups: tuple[int, int],
) -> None:
    """While the emergency profile is enabled, no test profile follows, and the card falls not back.

    Preconditions: a profile without the fall-back attribute is ENABLED; a test profile and the
    emergency profile are DISABLED.

    Steps:
    1. LocalEnableEmergencyProfile: 9000, and REFRESH.
    2. LocalEnableTestProfile, LocalDisableTestProfile: 6985 each, no REFRESH.
    3. ENVELOPE (EVENT DOWNLOAD) "no service" before and after the time that the key set tells:
       9000 each, no REFRESH.
    4. GetStatus: the emergency profile is ENABLED.
    5. LocalDisableEmergencyProfile: 9000. The profile before is ENABLED, not the fall-back profile.
    """
    enable, disable = groups
    of_test = groups_for_test_profile(esim)
    preparing.downloaded(over_the_air, esim, profile_maker.profile("test"))
    emergency = preparing.disabled(over_the_air, profile_maker)
    assert set_emergency(over_the_air, esim, emergency.aid).sw == 0x9000
    before = preparing.enabled(over_the_air, profile_maker)
    with step("1. LocalEnableEmergencyProfile"):
        assert local(esim, enable) == (0x9000, True)
    with step("2. The test profile"):
        assert [local(esim, group) for group in of_test] == [(0x6985, False)] * 2
    with step("3. No service"):
        assert set(lost_network(esim)) == {0x9000}
    with step("4. GetStatus"):
        assert_state(esim, emergency.aid, ProfileState.ENABLED)
    with step("5. LocalDisableEmergencyProfile"):
        assert local(esim, disable) == (0x9000, True)
        assert_state(esim, before.aid, ProfileState.ENABLED)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ESX-EMERGENCY-03", section=ATTRIBUTE)
def test_emergency_and_fall_back_attribute_exclude_each_other(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """No profile has the emergency attribute and the fall-back attribute.

    Preconditions: the fall-back profile is ENABLED; another one is DISABLED.

    Steps:
    1. The emergency attribute for the fall-back profile: 6985.
    2. The emergency attribute for the other one: 9000. The fall-back attribute for it: 6985.
    3. GetStatus: the fall-back attribute has not moved.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    with preparing.fallback_restored(over_the_air, esim) as holder:
        with step("1. The fall-back profile"):
            assert set_emergency(over_the_air, esim, holder).sw == 0x6985
        with step("2. The emergency profile"):
            assert set_emergency(over_the_air, esim, profile.aid).sw == 0x9000
            assert preparing.set_fallback(over_the_air, esim, profile.aid).sw == 0x6985
        with step("3. GetStatus"):
            assert preparing.fallback(esim) == holder
