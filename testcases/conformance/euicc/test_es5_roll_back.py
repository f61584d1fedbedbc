"""Roll-back of a change that does not reach the SM-SR, and fall-back when the network is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import cat, cat_events, isdr_commands
from hil.wire.cat_events import Service
from hil.wire.cat_values import CommandType
from testcases.conformance.euicc import notified, preparing
from testcases.conformance.euicc.local import groups_for_test_profile, local, lost_network
from testcases.conformance.euicc.preparing import (
    DELETE_ON_DISABLE,
    DISABLE_NOT_ALLOWED,
    assert_state,
    one,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession
    from testcases.conformance.euicc.notified import Inbox

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
ROLL_BACK = "SGP.02, 3.2 and 3.15"
FALL_BACK = "SGP.02, 3.16"
ROLLED_BACK, FALLEN_BACK = 0x03, 0x05
SPARE_S = 10.0
"""On top of what the key set tells: polling, and a slow bench."""


@pytest.fixture
def inbox(over_the_air: OverTheAirSession, esim: Esim, bench: Bench) -> Iterator[Inbox]:
    """The card writes to a number of the lab's; its own one is given back at the end."""
    with notified.notified(over_the_air, esim, bench) as box:
        yield box


@pytest.fixture
def patience_s(esim: Esim) -> float:
    """How long the card tries to notify before it rolls back, with something to spare."""
    if esim.functions.retry_s is None:
        not_applicable("the key set does not tell when the card tries again (functions.retry_s)")
    return esim.functions.retry_s * esim.functions.attempts + SPARE_S


@pytest.fixture
def loss_s(esim: Esim) -> float:
    """How long the network must be lost before the card falls back."""
    if esim.functions.network_loss_s is None:
        not_applicable(
            "the key set does not tell when the card falls back (functions.network_loss_s)"
        )
    return esim.functions.network_loss_s


def confirmed(session: OverTheAirSession, inbox: Inbox) -> None:
    """Confirm the one notification that waits."""
    (waiting,) = inbox.after_start()
    assert one(session, isdr_commands.confirm_notification(waiting.sequence)).sw == 0x9000


def rolled_back(esim: Esim, patience_s: float) -> bool:
    """Start the card where no short message goes out; return whether it asks for a REFRESH.

    It is held to no more than the attempts that the key set tells.
    """
    tried = 0

    def refused(command: cat.ProactiveCommand) -> int:
        nonlocal tried
        tried += command.kind == CommandType.SEND_SHORT_MESSAGE
        return notified.out_of_reach(command)

    with esim.card.transaction() as card:
        notified.started(card, refused)
        refreshed = notified.refreshed_within(card, patience_s, refused)
    assert tried <= esim.functions.attempts, f"{tried} messages"
    return refreshed


@pytest.mark.conformance("EUICC-ES5-ROLLBACK-01", section=ROLL_BACK)
def test_a_change_that_cannot_be_notified_is_undone(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    inbox: Inbox,
    patience_s: float,
) -> None:
    """A profile that cannot tell the SM-SR of itself gives way to the one before.

    Preconditions: the card writes to a number of the lab's; a profile is ENABLED and that was
    confirmed; another one is DISABLED.

    Steps:
    1. EnableProfile for the other one: 9000, and REFRESH.
    2. The terminal answers each SEND SHORT MESSAGE with result 21: after the attempts that the key
       set tells, REFRESH.
    3. GetStatus: the first profile is ENABLED, the other DISABLED. EF.ICCID is that of the first.
    4. After the next start: a notification of type 03 with the ISD-P of the first. Its
       confirmation: 9000.
    5. After another start: none, and EF.ICCID is that of the first.
    """
    first = preparing.enabled(over_the_air, profile_maker)
    confirmed(over_the_air, inbox)
    other = preparing.disabled(over_the_air, profile_maker)
    with step("1. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(other.aid)).sw == 0x9000
        assert esim.iccid() == other.iccid
    with step("2. Out of reach"):
        assert rolled_back(esim, patience_s), "no REFRESH"
    with step("3. GetStatus"):
        assert_state(esim, first.aid, ProfileState.ENABLED)
        assert_state(esim, other.aid, ProfileState.DISABLED)
        assert esim.iccid() == first.iccid
    with step("4. Notification"):
        (told,) = inbox.after_start()
        assert (told.kind, told.aid) == (ROLLED_BACK, first.aid)
        assert one(over_the_air, isdr_commands.confirm_notification(told.sequence)).sw == 0x9000
    with step("5. Silence"):
        assert inbox.after_start() == []
        assert esim.iccid() == first.iccid


@pytest.mark.conformance("EUICC-ES5-ROLLBACK-02", section=f"{ROLL_BACK}; 3.16")
def test_a_roll_back_that_cannot_be_notified_ends_at_the_fall_back_profile(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    inbox: Inbox,
    patience_s: float,
) -> None:
    """Where the profile before cannot tell the SM-SR either, the fall-back profile takes over.

    Preconditions: as of EUICC-ES5-ROLLBACK-01; neither profile has the fall-back attribute.

    Steps:
    1. EnableProfile for the other one: 9000, and REFRESH.
    2. The terminal answers each SEND SHORT MESSAGE with result 21: REFRESH; the first is ENABLED.
    3. The same again after the reset: REFRESH; the fall-back profile is ENABLED, the others are
       DISABLED.
    4. After the next start: a notification of type 05 with the ISD-P of the fall-back profile.
    """
    holder = preparing.fallback(esim)
    first = preparing.enabled(over_the_air, profile_maker)
    confirmed(over_the_air, inbox)
    other = preparing.disabled(over_the_air, profile_maker)
    with step("1. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(other.aid)).sw == 0x9000
    with step("2. Out of reach"):
        assert rolled_back(esim, patience_s), "no REFRESH"
        assert_state(esim, first.aid, ProfileState.ENABLED)
    with step("3. Out of reach again"):
        assert rolled_back(esim, patience_s), "no REFRESH"
        assert_state(esim, holder, ProfileState.ENABLED)
        for profile in (first, other):
            assert_state(esim, profile.aid, ProfileState.DISABLED)
    with step("4. Notification"):
        (told,) = inbox.after_start()
        assert (told.kind, told.aid) == (FALLEN_BACK, holder)


@pytest.mark.conformance("EUICC-ES5-ROLLBACK-03", section=ROLL_BACK)
def test_a_change_that_was_confirmed_stays(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    inbox: Inbox,
    patience_s: float,
) -> None:
    """A change whose notification was confirmed is not undone by a network that comes and goes.

    Preconditions: the card writes to a number of the lab's.

    Steps:
    1. EnableProfile for a profile: 9000. Its notification, and its confirmation: 9000.
    2. A start where no short message goes out, and polling for as long as a roll-back would take:
       no REFRESH.
    3. GetStatus: the profile is ENABLED.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    confirmed(over_the_air, inbox)
    with step("2. Out of reach"):
        assert not rolled_back(esim, patience_s - SPARE_S + 0.5)
    with step("3. GetStatus"):
        assert_state(esim, profile.aid, ProfileState.ENABLED)


@pytest.fixture
def pinned(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> Iterator[LabProfile]:
    """A profile that POL1 forbids to disable, and would delete when it is, ENABLED."""
    rules = DISABLE_NOT_ALLOWED | DELETE_ON_DISABLE
    with preparing.pinned(over_the_air, profile_maker, rules) as profile:
        yield profile


@pytest.mark.conformance("EUICC-ES5-LOSS-01", section=FALL_BACK)
def test_a_lost_network_brings_the_fall_back_profile(
    esim: Esim, loss_s: float, pinned: LabProfile
) -> None:
    """Without service for long enough the fall-back profile takes over, whatever POL1 says.

    Preconditions: a profile with the rules "disable not allowed" and "delete on disable" is
    ENABLED.

    Steps:
    1. Start: the card asks for the event "location status" by SET UP EVENT LIST.
    2. ENVELOPE (EVENT DOWNLOAD) "no service", again and again: REFRESH, not before the time that
       the key set tells.
    3. GetStatus, after another start: the fall-back profile is ENABLED, the other one DISABLED and
       not deleted.
    """
    holder = preparing.fallback(esim)
    lost = cat_events.location_status(Service.NONE)
    with esim.card.transaction() as card:
        with step("1. SET UP EVENT LIST"):
            asked = [command.kind for command in notified.started(card)]
            assert CommandType.SET_UP_EVENT_LIST in asked
        with step("2. No service"):
            begin = time.monotonic()
            assert notified.refreshed_within(card, loss_s + SPARE_S, poll=lost), "no REFRESH"
            assert time.monotonic() - begin >= loss_s
    with step("3. GetStatus"):
        with esim.card.transaction() as card:
            notified.started(card)
        assert_state(esim, holder, ProfileState.ENABLED)
        assert_state(esim, pinned.aid, ProfileState.DISABLED)


@pytest.mark.conformance("EUICC-ES5-LOSS-02", section=FALL_BACK)
def test_a_network_that_returns_keeps_the_profile(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, loss_s: float
) -> None:
    """Service that returns ends the count: the next loss counts from its own beginning.

    Preconditions: a profile without the fall-back attribute is ENABLED.

    Steps:
    1. ENVELOPE (EVENT DOWNLOAD) "no service", then "normal service": 9000 each.
    2. After the time that the key set tells, "no service": 9000, no REFRESH.
    3. GetStatus: the profile is ENABLED.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    with esim.card.transaction() as card:
        notified.started(card)
        with step("1. Lost and found"):
            for service in (Service.NONE, Service.NORMAL):
                assert card.send(cat_events.location_status(service)).sw == 0x9000
        with step("2. Lost again"):
            # The time itself is what is tested: a count that went on would be over by now.
            time.sleep(loss_s * 1.2)
            assert card.send(cat_events.location_status(Service.NONE)).sw == 0x9000
    with step("3. GetStatus"):
        assert_state(esim, profile.aid, ProfileState.ENABLED)


@pytest.mark.conformance("EUICC-ES5-LOSS-03", section=FALL_BACK)
def test_a_lost_network_changes_nothing_where_the_fall_back_profile_is_enabled(esim: Esim) -> None:
    """Where the fall-back profile is enabled already, there is nothing to fall back to.

    Preconditions: the fall-back profile is ENABLED.

    Steps:
    1. ENVELOPE (EVENT DOWNLOAD) "no service" before and after the time that the key set tells:
       9000 each, no REFRESH.
    2. GetStatus: nothing has changed.
    """
    before = esim.profiles()
    with step("1. No service"):
        assert set(lost_network(esim)) == {0x9000}
    with step("2. GetStatus"):
        assert esim.profiles() == before


@pytest.mark.conformance("EUICC-ESX-TEST-04", section="SGP.02, 3.22 (ESx) and 3.15")
def test_a_test_profile_that_reaches_nobody_stays(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    inbox: Inbox,
    patience_s: float,
) -> None:
    """A test profile that was enabled locally is not undone because it reaches no network.

    Preconditions: the card writes to a number of the lab's; a profile is ENABLED and that was
    confirmed; a test profile is DISABLED.

    Steps:
    1. LocalEnableTestProfile: 9000, and REFRESH.
    2. A start where no short message goes out, and polling for as long as a roll-back would take:
       no REFRESH.
    3. GetStatus: the test profile is ENABLED. LocalDisableTestProfile: 9000, the profile before is
       ENABLED.
    """
    enable, disable = groups_for_test_profile(esim)
    test = profile_maker.profile("test")
    preparing.downloaded(over_the_air, esim, test)
    before = preparing.enabled(over_the_air, profile_maker)
    confirmed(over_the_air, inbox)
    with step("1. LocalEnableTestProfile"):
        assert local(esim, enable) == (0x9000, True)
    with step("2. Out of reach"):
        assert not rolled_back(esim, patience_s - SPARE_S + 0.5)
    with step("3. GetStatus"):
        assert_state(esim, test.aid, ProfileState.ENABLED)
        assert local(esim, disable) == (0x9000, True)
        assert_state(esim, before.aid, ProfileState.ENABLED)
