"""ES5.SetFallbackAttribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import dgi, isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import isd_p_aid
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import assert_refused, assert_state, one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 3.5 and 4.1.1.6"


@pytest.mark.conformance("EUICC-ES5-FALLBACK-01", section=SECTION)
def test_the_attribute_moves_to_a_disabled_profile(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The fall-back attribute moves, and nothing else changes.

    Preconditions: the fall-back profile is ENABLED, another profile is DISABLED.

    Steps:
    1. SetFallbackAttribute for the other profile: 9000.
    2. GetStatus: it alone has the attribute; the states are as before.
    3. DeleteProfile for it: 6985.
    4. SetFallbackAttribute for the first profile: 9000, it alone has the attribute.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    with preparing.fallback_restored(over_the_air, esim) as holder:
        with step("1. SetFallbackAttribute"):
            assert preparing.set_fallback(over_the_air, esim, profile.aid).sw == 0x9000
        with step("2. GetStatus"):
            assert preparing.fallback(esim) == profile.aid
            assert_state(esim, holder, ProfileState.ENABLED)
            assert_state(esim, profile.aid, ProfileState.DISABLED)
        with step("3. DeleteProfile"):
            assert_refused(over_the_air, esim, isdr_commands.delete_profile(profile.aid), 0x6985)
        with step("4. Back"):
            assert preparing.set_fallback(over_the_air, esim, holder).sw == 0x9000
            assert preparing.fallback(esim) == holder


@pytest.mark.conformance("EUICC-ES5-FALLBACK-02", section=SECTION)
def test_the_attribute_moves_to_the_enabled_profile(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The enabled profile gets the attribute, and can be disabled no more.

    Preconditions: a profile without the fall-back attribute is ENABLED.

    Steps:
    1. SetFallbackAttribute for it: 9000.
    2. GetStatus: it is ENABLED and alone has the attribute.
    3. DisableProfile for it: 6985, nothing has changed.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    with preparing.fallback_restored(over_the_air, esim):
        with step("1. SetFallbackAttribute"):
            assert preparing.set_fallback(over_the_air, esim, profile.aid).sw == 0x9000
        with step("2. GetStatus"):
            assert preparing.fallback(esim) == profile.aid
            assert_state(esim, profile.aid, ProfileState.ENABLED)
        with step("3. DisableProfile"):
            assert_refused(over_the_air, esim, isdr_commands.disable_profile(profile.aid), 0x6985)


@pytest.mark.conformance("EUICC-ES5-FALLBACK-03", section=SECTION)
def test_the_attribute_decides_what_a_disabled_profile_gives_way_to(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DisableProfile enables the profile that has the attribute now.

    Preconditions: the maker's profile and one more are DISABLED, a third is ENABLED.

    Steps:
    1. SetFallbackAttribute for the second: 9000.
    2. DisableProfile for the third: 9000.
    3. GetStatus: the second is ENABLED, the other two are DISABLED.
    4. EF.ICCID is that of the second.
    """
    second = preparing.disabled(over_the_air, profile_maker)
    third = preparing.enabled(over_the_air, profile_maker)
    with preparing.fallback_restored(over_the_air, esim) as holder:
        with step("1. SetFallbackAttribute"):
            assert preparing.set_fallback(over_the_air, esim, second.aid).sw == 0x9000
        with step("2. DisableProfile"):
            assert one(over_the_air, isdr_commands.disable_profile(third.aid)).sw == 0x9000
        with step("3. GetStatus"):
            assert_state(esim, second.aid, ProfileState.ENABLED)
            assert_state(esim, third.aid, ProfileState.DISABLED)
            assert_state(esim, holder, ProfileState.DISABLED)
        with step("4. EF.ICCID"):
            assert esim.iccid() == second.iccid


@pytest.mark.conformance("EUICC-ES5-FALLBACK-04", section=SECTION)
def test_an_unknown_isdp_cannot_get_the_attribute(
    over_the_air: OverTheAirSession, esim: Esim
) -> None:
    """SetFallbackAttribute for an ISD-P that does not exist is refused.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. SetFallbackAttribute for it: 6A88.
    2. GetStatus: nothing has changed.
    """
    group = esim.functions.fallback_dgi
    command = isdr_commands.set_fallback(isd_p_aid(0xFFFE), group=group)
    assert_refused(over_the_air, esim, command, 0x6A88)


@pytest.mark.conformance("EUICC-ES5-FALLBACK-05", section=SECTION)
def test_an_isdp_without_a_profile_cannot_get_the_attribute(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """SetFallbackAttribute for an ISD-P that holds no profile yet is refused.

    Preconditions: an ISD-P was created, nothing was downloaded.

    Steps:
    1. SetFallbackAttribute for it: 6985.
    2. GetStatus: nothing has changed.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    command = isdr_commands.set_fallback(profile.aid, group=esim.functions.fallback_dgi)
    assert_refused(over_the_air, esim, command, 0x6985)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES5-FALLBACK-06", section=SECTION)
def test_no_aid_is_refused(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """SetFallbackAttribute without an AID is refused.

    Preconditions: none.

    Steps:
    1. SetFallbackAttribute with an empty grouping, with another object, with an object that is cut
       off: 6A80 each.
    2. GetStatus after each: nothing has changed.
    """
    for data in ("", "840100", "4F10A000"):
        group = dgi.encode(esim.functions.fallback_dgi, bytes.fromhex(data))
        assert_refused(over_the_air, esim, CommandApdu(0x80, 0xE2, 0x88, 0, group, 256), 0x6A80)
