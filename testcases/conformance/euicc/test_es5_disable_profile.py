"""ES5.DisableProfile."""

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
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.3 and 4.1.1.3"


@pytest.mark.conformance("EUICC-ES5-DISABLE-01", section=SECTION)
def test_the_enabled_profile_is_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The enabled profile is disabled, and the one with the fall-back attribute takes its place.

    Preconditions: a profile without the fall-back attribute is ENABLED.

    Steps:
    1. DisableProfile for it: 9000, and the card asks for a REFRESH.
    2. GetStatus: it is DISABLED, the profile with the fall-back attribute is ENABLED.
    3. EF.ICCID is that of the fall-back profile again.
    """
    fallback_iccid = esim.iccid()
    profile = preparing.enabled(over_the_air, profile_maker)
    with step("1. DisableProfile"):
        receipt = over_the_air.execute(isdr_commands.disable_profile(profile.aid))
        assert [answer.sw for answer in receipt.answers] == [0x9000]
        assert receipt.refreshed
    with step("2. GetStatus"):
        assert_state(esim, profile.aid, ProfileState.DISABLED)
        enabled = esim.enabled()
        assert enabled is not None
        assert enabled.fallback
    with step("3. EF.ICCID"):
        assert esim.iccid() == fallback_iccid


@pytest.mark.conformance("EUICC-ES5-DISABLE-02", section=SECTION)
def test_a_disabled_profile_cannot_be_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DisableProfile of a disabled profile is refused.

    Preconditions: a profile is DISABLED.

    Steps:
    1. DisableProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    assert_refused(over_the_air, esim, isdr_commands.disable_profile(profile.aid), 0x6985)


@pytest.mark.conformance("EUICC-ES5-DISABLE-03", section="SGP.02, 3.3, 3.16 and 4.1.1.3")
def test_the_fallback_profile_cannot_be_disabled(
    over_the_air: OverTheAirSession, esim: Esim
) -> None:
    """DisableProfile of the profile with the fall-back attribute is refused.

    Preconditions: the profile with the fall-back attribute is ENABLED.

    Steps:
    1. DisableProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    enabled = esim.enabled()
    assert enabled is not None
    assert enabled.fallback
    assert_refused(over_the_air, esim, isdr_commands.disable_profile(enabled.aid), 0x6985)


@pytest.mark.conformance("EUICC-ES5-DISABLE-04", section=SECTION)
def test_an_unknown_isdp_cannot_be_disabled(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """DisableProfile of an ISD-P that does not exist is refused.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. DisableProfile for it: 6A88.
    2. GetStatus: nothing has changed.
    """
    assert_refused(over_the_air, esim, isdr_commands.disable_profile(isd_p_aid(0xFFFE)), 0x6A88)


@pytest.mark.conformance("EUICC-ES5-DISABLE-05", section=SECTION)
def test_an_isdp_without_a_profile_cannot_be_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DisableProfile of an ISD-P that holds no profile yet is refused.

    Preconditions: an ISD-P was created, nothing was downloaded.

    Steps:
    1. DisableProfile for it: 6985.
    2. GetStatus: nothing has changed.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    assert_refused(over_the_air, esim, isdr_commands.disable_profile(profile.aid), 0x6985)
