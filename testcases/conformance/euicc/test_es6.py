"""ES6: what the operator does at the MNO-SD of its enabled profile, and ES8 at an ISD-P."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.scp80 import ResponseStatus
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import (
    DISABLE_NOT_ALLOWED,
    MNO_SD_TAR,
    assert_refused,
    assert_state,
    one,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
POLICY = "SGP.02, 2.4, 3.13 and 4.1.2.1"
CONNECTIVITY = "SGP.02, 3.14, 4.1.2.2 and 4.1.3.4"
PARAMETERS = tlv.encode(0xA2, bytes.fromhex("350103") + tlv.encode(0x47, b"\x08internet"))
"""Bearer and network access name for HTTPS."""


@pytest.fixture
def profile(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> Iterator[LabProfile]:
    """An enabled profile with OTA keys of its own; whatever POL1 it ends with, it can go."""
    made = preparing.operated(over_the_air, profile_maker)
    yield made
    preparing.release(over_the_air, esim, made)


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile."""
    return preparing.operator(esim.card, profile)


@pytest.mark.conformance("EUICC-ES6-POLICY-01", section=POLICY)
def test_the_operator_sets_and_clears_pol1(
    over_the_air: OverTheAirSession, esim: Esim, profile: LabProfile, mno: OverTheAirSession
) -> None:
    """UpdatePOL1 holds from the next command on.

    Preconditions: a profile without rules is ENABLED.

    Steps:
    1. UpdatePOL1 with "disable not allowed", by the operator to its MNO-SD: 9000.
    2. DisableProfile: 69E1, nothing has changed; after a reset too.
    3. UpdatePOL1 without rules: 9000.
    4. DisableProfile: 9000.
    """
    disable = isdr_commands.disable_profile(profile.aid)
    with step("1. UpdatePOL1"):
        policy = bytes((DISABLE_NOT_ALLOWED,))
        assert preparing.update_policy(mno, esim, policy).sw == 0x9000
    with step("2. DisableProfile"):
        assert_refused(over_the_air, esim, disable, 0x69E1)
        esim.card.reset()
        assert_refused(over_the_air, esim, disable, 0x69E1)
    with step("3. UpdatePOL1"):
        assert preparing.update_policy(mno, esim, b"\x00").sw == 0x9000
    with step("4. DisableProfile"):
        assert one(over_the_air, disable).sw == 0x9000
        assert_state(esim, profile.aid, ProfileState.DISABLED)


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.conformance("EUICC-ES6-POLICY-02", section=POLICY)
def test_what_is_no_policy_is_refused(
    over_the_air: OverTheAirSession, esim: Esim, profile: LabProfile, mno: OverTheAirSession
) -> None:
    """UpdatePOL1 that cannot be read is refused, and the rules stay.

    Preconditions: a profile with "disable not allowed" is ENABLED.

    Steps:
    1. UpdatePOL1 without a value, and with an object that is cut off: 6A80 each.
    2. DisableProfile: 69E1 after each.
    """
    assert preparing.update_policy(mno, esim, bytes((DISABLE_NOT_ALLOWED,))).sw == 0x9000
    disable = isdr_commands.disable_profile(profile.aid)
    for value in (b"", b"\x81\x05\x00"):
        with step(f"1. and 2. {value.hex() or 'nothing'}"):
            assert preparing.update_policy(mno, esim, value).sw == 0x6A80
            assert_refused(over_the_air, esim, disable, 0x69E1)


@pytest.mark.conformance("EUICC-ES6-POLICY-03", section="SGP.02, 2.2.1.3 and 4.1.2")
def test_the_operator_of_a_disabled_profile_reaches_nothing(
    over_the_air: OverTheAirSession, esim: Esim, profile: LabProfile, mno: OverTheAirSession
) -> None:
    """The MNO-SD of a disabled profile cannot be reached.

    Preconditions: the profile is DISABLED, another one, with other keys, is ENABLED.

    Steps:
    1. UpdatePOL1 with "disable not allowed", secured with the keys of the disabled profile: no
       proof of receipt, or one with another status than 00.
    2. EnableProfile and DisableProfile: 9000 each, the rule was not taken.
    """
    disable = isdr_commands.disable_profile(profile.aid)
    assert one(over_the_air, disable).sw == 0x9000
    with step("1. UpdatePOL1"):
        policy, group = bytes((DISABLE_NOT_ALLOWED,)), esim.functions.policy_dgi
        command = isdr_commands.update_policy(policy, group=group)
        assert mno.execute(command, tar=MNO_SD_TAR).status != ResponseStatus.OK
    with step("2. The rule was not taken"):
        assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert one(over_the_air, disable).sw == 0x9000


@pytest.mark.conformance("EUICC-ES6-POLICY-04", section=POLICY)
def test_the_sm_sr_does_not_set_pol1(
    over_the_air: OverTheAirSession, esim: Esim, profile: LabProfile
) -> None:
    """UpdatePOL1 to the ISD-R is refused: the rules are the operator's.

    Preconditions: a profile without rules is ENABLED.

    Steps:
    1. UpdatePOL1 to the ISD-R: 6A88 or 6A80.
    2. DisableProfile: 9000, the rule was not taken.
    """
    policy, group = bytes((DISABLE_NOT_ALLOWED,)), esim.functions.policy_dgi
    command = isdr_commands.update_policy(policy, group=group)
    assert_refused(over_the_air, esim, command, 0x6A88, 0x6A80)
    assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000


@pytest.mark.conformance("EUICC-ES6-CONNECTIVITY-01", section=CONNECTIVITY)
def test_the_operator_updates_connectivity(esim: Esim, mno: OverTheAirSession) -> None:
    """UpdateConnectivityParameters is taken at the MNO-SD, and refused without parameters.

    Preconditions: a profile is ENABLED.

    Steps:
    1. UpdateConnectivityParameters with bearer and network access name: 9000.
    2. With no parameters at all, and with ones that are cut off: 6A80 each.
    """
    group = esim.functions.addressing_dgi
    for value, sw in ((PARAMETERS, 0x9000), (b"", 0x6A80), (PARAMETERS[:-3], 0x6A80)):
        command = CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(group, value), 256)
        (answer,) = mno.send(command, tar=MNO_SD_TAR)
        assert answer.sw == sw, f"{value.hex() or 'nothing'}: {answer.sw:04X}"


@pytest.mark.conformance("EUICC-ES8-CONNECTIVITY-01", section=CONNECTIVITY)
def test_the_sm_dp_updates_connectivity(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """UpdateConnectivityParameters is taken by an ISD-P through SCP03, and from nobody else.

    Preconditions: a profile is DISABLED.

    Steps:
    1. UpdateConnectivityParameters through SCP03 with the keys of the ISD-P: 9000.
    2. Without parameters, and with ones that are cut off: 6A80 each.
    3. A grouping that no ISD-P has: 6A88 or 6A80.
    4. UpdateConnectivityParameters without a session: 6985 or 6982.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    group = esim.functions.addressing_dgi

    def update(tag: int, value: bytes) -> CommandApdu:
        return CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(tag, value), 256)

    with step("1. to 3. Through SCP03"):
        answers = preparing.inside(
            esim,
            profile.aid,
            profile_maker.keys(profile.aid),
            update(group, PARAMETERS),
            update(group, b""),
            update(group, PARAMETERS[:-3]),
            update(0x3A7F, PARAMETERS),
        )
        assert [answer.sw for answer in answers[:3]] == [0x9000, 0x6A80, 0x6A80]
        assert answers[3].sw in (0x6A88, 0x6A80)
    with step("4. Without a session"), esim.card.transaction() as card:
        card.select(profile.aid)
        assert card.send(update(group, PARAMETERS)).sw in (0x6985, 0x6982)


@pytest.mark.conformance("EUICC-ES6-POLICY-05", section=POLICY)
def test_the_operator_sets_the_other_rules(
    over_the_air: OverTheAirSession, esim: Esim, profile: LabProfile, mno: OverTheAirSession
) -> None:
    """UpdatePOL1 sets "delete not allowed" and "delete on disable" as well.

    Preconditions: a profile without rules is ENABLED.

    Steps:
    1. UpdatePOL1 with "delete not allowed": 9000. DisableProfile: 9000. DeleteProfile: 69E1.
    2. EnableProfile: 9000. UpdatePOL1 with "delete on disable": 9000.
    3. DisableProfile: 9000. GetStatus after another start: the profile is gone.
    """
    if esim.functions.sm_sr_number:
        not_applicable("the card waits for its SM-SR to confirm the change (sm_sr_number)")
    with step("1. Delete not allowed"):
        rule = bytes((preparing.DELETE_NOT_ALLOWED,))
        assert preparing.update_policy(mno, esim, rule).sw == 0x9000
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
        assert_refused(over_the_air, esim, isdr_commands.delete_profile(profile.aid), 0x69E1)
    with step("2. Delete on disable"):
        assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        rule = bytes((preparing.DELETE_ON_DISABLE,))
        assert preparing.update_policy(mno, esim, rule).sw == 0x9000
    with step("3. Disabled"):
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
        esim.card.reset()
        preparing.assert_state(esim, profile.aid, None)
