"""ESx: a test profile that the device enables and disables, without the SM-SR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.local import (
    assert_there_and_back,
    groups_for_test_profile,
    local,
    lost_network,
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
ENABLE, DISABLE = "SGP.02, 3.22 (ESx)", "SGP.02, 3.23 (ESx)"


@pytest.fixture
def groups(esim: Esim) -> tuple[int, int]:
    """The data groupings of LocalEnableTestProfile and LocalDisableTestProfile."""
    return groups_for_test_profile(esim)


@pytest.mark.conformance("EUICC-ESX-TEST-01", section=f"{ENABLE}; 3.23")
def test_a_test_profile_is_enabled_locally(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    groups: tuple[int, int],
) -> None:
    """The device enables the test profile, whatever POL1 says, and goes back to the one before.

    Preconditions: an operational profile with "disable not allowed" is ENABLED, it has not the
    fall-back attribute; one test profile is DISABLED.

    Steps:
    1. LocalDisableTestProfile: 6985, nothing was enabled in that way.
    2. LocalEnableTestProfile, without a secure channel: 9000, and REFRESH. The test profile is
       ENABLED, the other one DISABLED; EF.ICCID is that of the test profile.
    3. LocalEnableTestProfile again: 6985.
    4. LocalDisableTestProfile: 9000, and REFRESH. The operational profile is ENABLED.
    """
    test = profile_maker.profile("test")
    preparing.downloaded(over_the_air, esim, test)
    rule = preparing.DISABLE_NOT_ALLOWED
    with preparing.pinned(over_the_air, profile_maker, rule) as before:
        assert_there_and_back(esim, groups, test, before)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ESX-TEST-02", section=ENABLE)
def test_an_operational_profile_is_not_enabled_locally(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    groups: tuple[int, int],
) -> None:
    """The device enables no profile with operational keys.

    Preconditions: an operational profile is DISABLED, there is no test profile.

    Steps:
    1. LocalEnableTestProfile, with the AID of the profile and without one: 6A88, 6A80 or 6985.
    2. GetStatus: nothing has changed.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    before = esim.profiles()
    for aid in (profile.aid, b""):
        sw, refreshed = local(esim, groups[0], aid)
        assert sw in (0x6A88, 0x6A80, 0x6985), f"{sw:04X}"
        assert not refreshed
    assert esim.profiles() == before


@pytest.mark.conformance("EUICC-ESX-TEST-03", section=f"{ENABLE}; 3.16")
def test_a_lost_network_does_not_end_the_test_profile(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    groups: tuple[int, int],
) -> None:
    """While a test profile is enabled locally, the card does not fall back.

    Preconditions: a profile without the fall-back attribute is ENABLED, a test profile is DISABLED.

    Steps:
    1. LocalEnableTestProfile: 9000, and REFRESH.
    2. ENVELOPE (EVENT DOWNLOAD) "no service" before and after the time that the key set tells:
       9000 each, no REFRESH.
    3. GetStatus: the test profile is ENABLED.
    4. LocalDisableTestProfile: 9000. The profile before is ENABLED, not the fall-back profile.
    """
    test = profile_maker.profile("test")
    preparing.downloaded(over_the_air, esim, test)
    before = preparing.enabled(over_the_air, profile_maker)
    enable, disable = groups
    with step("1. LocalEnableTestProfile"):
        assert local(esim, enable) == (0x9000, True)
    with step("2. No service"):
        assert set(lost_network(esim)) == {0x9000}
    with step("3. GetStatus"):
        assert_state(esim, test.aid, ProfileState.ENABLED)
    with step("4. LocalDisableTestProfile"):
        assert local(esim, disable) == (0x9000, True)
        assert_state(esim, before.aid, ProfileState.ENABLED)
