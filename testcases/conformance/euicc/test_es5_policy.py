"""POL1: what the rules of a profile forbid to the SM-SR, and MasterDelete above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands
from hil.wire.identifiers import isd_p_aid
from hil.wire.put_key import put_key
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import (
    DELETE_NOT_ALLOWED,
    DELETE_ON_DISABLE,
    DISABLE_NOT_ALLOWED,
    assert_refused,
    assert_state,
    one,
)

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 2.4, 3.2 to 3.4 and 3.6"
MASTER_DELETE = "SGP.02, 3.10 and 4.1.1.7; GlobalPlatform, 11.2.2.3"
TOKEN_KVN = 0x70
TOKEN_KEY = bytes.fromhex("5D0C7B1E49A3F2866E10D4B79C25A83F")


@pytest.mark.conformance("EUICC-ES5-POLICY-01", section=SECTION)
def test_a_profile_that_may_not_be_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DisableProfile is refused where POL1 forbids it.

    Preconditions: a profile with the rule "disable not allowed" is ENABLED.

    Steps:
    1. DisableProfile for it: 69E1.
    2. GetStatus: nothing has changed. EF.ICCID is that of the profile, after a reset too.
    """
    with preparing.pinned(over_the_air, profile_maker, DISABLE_NOT_ALLOWED) as profile:
        with step("1. DisableProfile"):
            assert_refused(over_the_air, esim, isdr_commands.disable_profile(profile.aid), 0x69E1)
        with step("2. EF.ICCID"):
            esim.card.reset()
            assert esim.iccid() == profile.iccid


@pytest.mark.conformance("EUICC-ES5-POLICY-02", section=SECTION)
def test_no_other_profile_takes_the_place_of_one_that_may_not_be_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """EnableProfile of another profile is refused where POL1 forbids to disable the present one.

    Preconditions: a profile with the rule "disable not allowed" is ENABLED, another is DISABLED.

    Steps:
    1. EnableProfile for the other one: 69E1.
    2. GetStatus: nothing has changed.
    3. EnableProfile for the fall-back profile: 69E1, nothing has changed.
    """
    other = preparing.disabled(over_the_air, profile_maker)
    with preparing.pinned(over_the_air, profile_maker, DISABLE_NOT_ALLOWED):
        with step("1. and 2. The other profile"):
            assert_refused(over_the_air, esim, isdr_commands.enable_profile(other.aid), 0x69E1)
        with step("3. The fall-back profile"):
            command = isdr_commands.enable_profile(preparing.fallback(esim))
            assert_refused(over_the_air, esim, command, 0x69E1)


@pytest.mark.conformance("EUICC-ES5-POLICY-03", section=SECTION)
def test_a_profile_that_may_not_be_deleted(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """DeleteProfile is refused where POL1 forbids it.

    Preconditions: a profile with the rule "delete not allowed" is DISABLED.

    Steps:
    1. DeleteProfile for it: 69E1.
    2. GetStatus: nothing has changed.
    3. EnableProfile, then DisableProfile for it: 9000 each, the rule does not forbid them.
    """
    policy = DELETE_NOT_ALLOWED
    with preparing.pinned(over_the_air, profile_maker, policy, enable=False) as profile:
        with step("1. DeleteProfile"):
            assert_refused(over_the_air, esim, isdr_commands.delete_profile(profile.aid), 0x69E1)
        with step("3. Enable and disable"):
            assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
            assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
            assert_state(esim, profile.aid, ProfileState.DISABLED)


@pytest.mark.conformance("EUICC-ES5-POLICY-04", section=SECTION)
def test_a_rule_of_a_disabled_profile_binds_no_other(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The rule "disable not allowed" of a profile that is DISABLED forbids nothing.

    Preconditions: a profile with the rule "disable not allowed" is DISABLED, another too.

    Steps:
    1. EnableProfile for the other one: 9000.
    2. DeleteProfile for the one with the rule: 9000, it is gone.
    """
    policy = DISABLE_NOT_ALLOWED
    with preparing.pinned(over_the_air, profile_maker, policy, enable=False) as profile:
        with step("1. EnableProfile of another"):
            preparing.enabled(over_the_air, profile_maker)
        with step("2. DeleteProfile"):
            assert one(over_the_air, isdr_commands.delete_profile(profile.aid)).sw == 0x9000
            assert_state(esim, profile.aid, None)


def confirmed(session: OverTheAirSession, esim: Esim) -> None:
    """Let a card that notifies nobody delete what it wants to: at its next start."""
    if esim.functions.sm_sr_number != "":
        not_applicable("the card waits for its SM-SR to confirm the change (sm_sr_number)")
    esim.card.reset()
    assert one(session, isdr_commands.get_status()).sw in (0x9000, 0x6310)


@pytest.mark.conformance("EUICC-ES5-POLICY-05", section="SGP.02, 2.4, 3.3 and 3.15")
def test_a_profile_that_goes_when_it_is_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A profile with the rule "delete when disabled" is gone after DisableProfile.

    Preconditions: a profile with that rule is ENABLED. The card notifies nobody.

    Steps:
    1. DisableProfile for it: 9000, and REFRESH.
    2. GetStatus after the reset: it is gone, the fall-back profile is ENABLED.
    3. The memory left is what it was before the ISD-P was created.
    """
    before, holder = preparing.free_memory(over_the_air), preparing.fallback(esim)
    profile = preparing.enabled(over_the_air, profile_maker, pol=bytes((DELETE_ON_DISABLE,)))
    with step("1. DisableProfile"):
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
    with step("2. GetStatus"):
        confirmed(over_the_air, esim)
        assert_state(esim, profile.aid, None)
        assert_state(esim, holder, ProfileState.ENABLED)
    with step("3. Memory"):
        assert preparing.free_memory(over_the_air) == before


@pytest.mark.conformance("EUICC-ES5-POLICY-06", section="SGP.02, 2.4, 3.2 and 3.15")
def test_a_profile_that_goes_when_another_is_enabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A profile with the rule "delete when disabled" is gone after another one was enabled.

    Preconditions: a profile with that rule is ENABLED, another DISABLED. The card notifies nobody.

    Steps:
    1. EnableProfile for the other one: 9000, and REFRESH.
    2. GetStatus after the reset: the one with the rule is gone, the other one is ENABLED.
    """
    other = preparing.disabled(over_the_air, profile_maker)
    profile = preparing.enabled(over_the_air, profile_maker, pol=bytes((DELETE_ON_DISABLE,)))
    with step("1. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(other.aid)).sw == 0x9000
    with step("2. GetStatus"):
        confirmed(over_the_air, esim)
        assert_state(esim, profile.aid, None)
        assert_state(esim, other.aid, ProfileState.ENABLED)


@pytest.mark.conformance("EUICC-ES5-POLICY-07", section="SGP.02, 2.4")
def test_the_stricter_rule_wins(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The rule "delete not allowed" is stronger than "delete when disabled".

    Preconditions: a profile with both rules is ENABLED. The card notifies nobody.

    Steps:
    1. DisableProfile for it: 9000, and REFRESH.
    2. GetStatus after the reset: it is DISABLED.
    3. DeleteProfile for it: 69E1.
    """
    policy = DELETE_ON_DISABLE | DELETE_NOT_ALLOWED
    with preparing.pinned(over_the_air, profile_maker, policy) as profile:
        with step("1. DisableProfile"):
            assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
        with step("2. GetStatus"):
            confirmed(over_the_air, esim)
            assert_state(esim, profile.aid, ProfileState.DISABLED)
        with step("3. DeleteProfile"):
            assert_refused(over_the_air, esim, isdr_commands.delete_profile(profile.aid), 0x69E1)


@pytest.mark.conformance("EUICC-ES5-POLICY-08", section="SGP.02, 2.4, 3.5 and 4.1.1.6")
def test_the_attribute_does_not_leave_a_profile_that_may_not_be_disabled(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """SetFallbackAttribute is refused while POL1 forbids to disable the profile that has it.

    Preconditions: the profile with the fall-back attribute has the rule "disable not allowed".

    Steps:
    1. SetFallbackAttribute for another profile: 69E1.
    2. GetStatus: nothing has changed.
    """
    with (
        preparing.fallback_restored(over_the_air, esim) as holder,
        preparing.pinned(over_the_air, profile_maker, DISABLE_NOT_ALLOWED) as profile,
    ):
        assert preparing.set_fallback(over_the_air, esim, profile.aid).sw == 0x9000
        command = isdr_commands.set_fallback(holder, group=esim.functions.fallback_dgi)
        assert_refused(over_the_air, esim, command, 0x69E1)


def with_token_key(esim: Esim, maker: ProfileMaker, profile: LabProfile) -> None:
    """Have the SM-DP put the key for delete tokens into the ISD-P."""
    with step("Precondition: PUT KEY 70 to the ISD-P"):
        keys = maker.keys(profile.aid)
        (answer,) = preparing.inside(
            esim, profile.aid, keys, put_key(TOKEN_KVN, [TOKEN_KEY], keys.dek)
        )
        if answer.sw != 0x9000:
            not_applicable(f"the ISD-P takes no token key: {answer.sw:04X}", item="O_TOKEN_KEY")


@pytest.mark.applies("O_TOKEN_KEY")
@pytest.mark.conformance("EUICC-ES5-MASTERDELETE-01", section=MASTER_DELETE)
def test_master_delete_is_above_pol1(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """MasterDelete deletes a profile whose POL1 forbids it.

    Preconditions: a profile with "delete not allowed" is DISABLED; its ISD-P has a token key.

    Steps:
    1. DeleteProfile for it: 69E1.
    2. MasterDelete with the right token: 9000.
    3. GetStatus: it is gone. The memory left is what it was before it was created.
    """
    before = preparing.free_memory(over_the_air)
    policy = DELETE_NOT_ALLOWED | DISABLE_NOT_ALLOWED
    with preparing.pinned(over_the_air, profile_maker, policy, enable=False) as profile:
        with_token_key(esim, profile_maker, profile)
        with step("1. DeleteProfile"):
            assert_refused(over_the_air, esim, isdr_commands.delete_profile(profile.aid), 0x69E1)
        with step("2. MasterDelete"):
            command = isdr_commands.master_delete(profile.aid, TOKEN_KEY)
            assert one(over_the_air, command).sw == 0x9000
        with step("3. GetStatus"):
            assert_state(esim, profile.aid, None)
            assert preparing.free_memory(over_the_air) == before


@pytest.mark.applies("O_TOKEN_KEY")
@pytest.mark.conformance("EUICC-ES5-MASTERDELETE-02", section=MASTER_DELETE)
def test_a_wrong_token_deletes_nothing(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """MasterDelete with a token of another key, or for another ISD-P, is refused.

    Preconditions: two profiles are DISABLED; their ISD-Ps have token keys.

    Steps:
    1. MasterDelete with a token of another key: 6982 or 6985.
    2. MasterDelete with a token made for the other ISD-P: 6982 or 6985.
    3. GetStatus after each: nothing has changed.
    """
    profile, other = (preparing.disabled(over_the_air, profile_maker) for _ in range(2))
    for each in (profile, other):
        with_token_key(esim, profile_maker, each)
    with step("1. A token of another key"):
        command = isdr_commands.master_delete(profile.aid, bytes(16))
        assert_refused(over_the_air, esim, command, 0x6982, 0x6985)
    with step("2. A token for another ISD-P"):
        good = isdr_commands.master_delete(other.aid, TOKEN_KEY)
        data = good.data.replace(other.aid, profile.aid)
        wrong = type(good)(good.cla, good.ins, good.p1, good.p2, data, good.le)
        assert_refused(over_the_air, esim, wrong, 0x6982, 0x6985)


@pytest.mark.conformance("EUICC-ES5-MASTERDELETE-03", section=MASTER_DELETE)
def test_master_delete_without_a_token_key(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """MasterDelete of an ISD-P that has no token key is refused.

    Preconditions: a profile is DISABLED; nobody gave its ISD-P a token key.

    Steps:
    1. MasterDelete for it: 6A88 or 6982.
    2. GetStatus: nothing has changed.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    command = isdr_commands.master_delete(profile.aid, TOKEN_KEY)
    assert_refused(over_the_air, esim, command, 0x6A88, 0x6982)


@pytest.mark.applies("O_TOKEN_KEY")
@pytest.mark.conformance("EUICC-ES5-MASTERDELETE-04", section=MASTER_DELETE)
def test_master_delete_of_the_enabled_or_the_fallback_profile(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """MasterDelete of the enabled profile, or of the one with the fall-back attribute, is refused.

    Preconditions: a profile with a token key is ENABLED, the fall-back profile DISABLED.

    Steps:
    1. MasterDelete for the enabled one, with its right token: 6985.
    2. MasterDelete for the fall-back profile: 6985.
    3. MasterDelete for an ISD-P that does not exist: 6A88.
    4. GetStatus after each: nothing has changed.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    with_token_key(esim, profile_maker, profile)
    rows = ((profile.aid, 0x6985), (preparing.fallback(esim), 0x6985), (isd_p_aid(0xFFFE), 0x6A88))
    for aid, sw in rows:
        command = isdr_commands.master_delete(aid, TOKEN_KEY)
        assert_refused(over_the_air, esim, command, sw)


@pytest.mark.conformance("EUICC-ES5-POLICY-13", section="SGP.02, 2.4, 3.16 and 4.1.1.6")
def test_the_fall_back_profile_is_not_deleted_by_its_rule(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """The rule "delete on disable" does not delete the profile with the fall-back attribute.

    Preconditions: a profile with that rule is ENABLED and has the fall-back attribute, another one
    is DISABLED.

    Steps:
    1. EnableProfile for the other one: 9000.
    2. GetStatus after another start: the one with the rule is DISABLED.
    """
    other = preparing.disabled(over_the_air, profile_maker)
    profile = preparing.enabled(over_the_air, profile_maker, pol=bytes((DELETE_ON_DISABLE,)))
    with preparing.fallback_restored(over_the_air, esim):
        assert preparing.set_fallback(over_the_air, esim, profile.aid).sw == 0x9000
        with step("1. EnableProfile"):
            assert one(over_the_air, isdr_commands.enable_profile(other.aid)).sw == 0x9000
        with step("2. GetStatus"):
            esim.card.reset()
            assert_state(esim, profile.aid, ProfileState.DISABLED)
            assert_state(esim, other.aid, ProfileState.ENABLED)
