"""ES5.EnableProfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.identifiers import isd_p_aid
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import assert_refused, assert_state

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.2 and 4.1.1.2"


@pytest.mark.conformance("EUICC-ES5-ENABLE-01", section=SECTION)
def test_a_disabled_profile_is_enabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A disabled profile is enabled, and the one enabled before is disabled.

    Preconditions: the provisioning profile is ENABLED, another profile is DISABLED.

    Steps:
    1. EnableProfile for the other profile: 9000, proof of receipt with status 00.
    2. The card asks for a REFRESH; after the reset EF.ICCID is that of the other profile.
    3. GetStatus: the other profile is ENABLED, the provisioning profile DISABLED.
    """
    before = esim.enabled()
    assert before is not None
    profile = preparing.disabled(over_the_air, profile_maker)
    with step("1. EnableProfile"):
        receipt = over_the_air.execute(isdr_commands.enable_profile(profile.aid))
        assert [answer.sw for answer in receipt.answers] == [0x9000]
    with step("2. REFRESH, then the files of the profile"):
        assert receipt.refreshed
        assert esim.iccid() == profile.iccid
    with step("3. GetStatus"):
        assert_state(esim, profile.aid, ProfileState.ENABLED)
        assert_state(esim, before.aid, ProfileState.DISABLED)


@pytest.mark.conformance("EUICC-ES5-ENABLE-02", section=SECTION)
def test_an_enabled_profile_cannot_be_enabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """EnableProfile of the enabled profile is refused.

    Preconditions: a profile is ENABLED.

    Steps:
    1. EnableProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    assert_refused(over_the_air, esim, isdr_commands.enable_profile(profile.aid), 0x6985)


@pytest.mark.conformance("EUICC-ES5-ENABLE-03", section=SECTION)
def test_an_unknown_isdp_cannot_be_enabled(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """EnableProfile of an ISD-P that does not exist is refused.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. EnableProfile for it: 6A88.
    2. GetStatus: nothing has changed.
    """
    assert_refused(over_the_air, esim, isdr_commands.enable_profile(isd_p_aid(0xFFFE)), 0x6A88)


@pytest.mark.conformance("EUICC-ES5-ENABLE-04", section=SECTION)
def test_an_isdp_without_a_profile_cannot_be_enabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """EnableProfile of an ISD-P that holds no profile yet is refused.

    Preconditions: an ISD-P was created, nothing was downloaded.

    Steps:
    1. EnableProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    assert_refused(over_the_air, esim, isdr_commands.enable_profile(profile.aid), 0x6985)
