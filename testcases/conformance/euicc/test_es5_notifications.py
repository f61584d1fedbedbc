"""ES5: UpdateSMSRAddressingParameters, and the confirmation of notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import dgi, isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.scp80 import Integrity
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.notified import Inbox, notified
from testcases.conformance.euicc.preparing import assert_refused, one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.bench import Bench
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63", "R-65"),
    pytest.mark.severity("critical"),
]
ADDRESSING = "SGP.02, 3.9 and 4.1.1.10"
CONFIRMATION = "SGP.02, 3.15 and 4.1.1.12"
SPARE_S = 10.0
"""On top of what the key set tells: polling, and a slow bench."""


@pytest.fixture
def inbox(over_the_air: OverTheAirSession, esim: Esim, bench: Bench) -> Iterator[Inbox]:
    """The card writes to a number of the lab's; its own one is given back at the end."""
    with notified(over_the_air, esim, bench) as box:
        yield box


@pytest.mark.conformance("EUICC-ES5-NOTIFY-01", section=f"{ADDRESSING}; {CONFIRMATION}; 2.4.3")
def test_a_change_is_notified_until_it_is_confirmed(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, inbox: Inbox
) -> None:
    """After a change the card writes to its SM-SR until that has confirmed.

    Preconditions: UpdateSMSRAddressingParameters gave the card a number of the lab's; a profile is
    DISABLED.

    Steps:
    1. EnableProfile for it: 9000, and REFRESH.
    2. After the start: SEND SHORT MESSAGE to that number with a notification, with CC and ciphered:
       the EID, type 02, the ISD-P of the profile.
    3. After another start: the same one again.
    4. HandleNotificationConfirmation with the next sequence number: 6A80 or 6985.
    5. With the right one: 9000, no data.
    6. After another start: none.
    7. The same confirmation again: 6985.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    with step("1. EnableProfile"):
        receipt = over_the_air.execute(isdr_commands.enable_profile(profile.aid))
        assert [answer.sw for answer in receipt.answers] == [0x9000]
        assert receipt.refreshed
    with step("2. Notification"):
        (first,) = inbox.after_start()
        assert (first.eid, first.kind, first.aid) == (esim.eid(), 0x02, profile.aid)
        (spi,) = inbox.spis
        assert spi.integrity is Integrity.CRYPTOGRAPHIC_CHECKSUM
        assert spi.ciphered
    with step("3. Again"):
        assert inbox.after_start() == [first]
    confirm = isdr_commands.confirm_notification
    with step("4. A wrong confirmation"):
        wrong = one(over_the_air, confirm((first.sequence + 1) % 0x10000))
        assert wrong.sw in (0x6A80, 0x6985), f"{wrong.sw:04X}"
    with step("5. The right one"):
        answer = one(over_the_air, confirm(first.sequence))
        assert (answer.sw, answer.data) == (0x9000, b"")
    with step("6. Silence"):
        assert inbox.after_start() == []
    with step("7. Confirmed already"):
        assert one(over_the_air, confirm(first.sequence)).sw == 0x6985


@pytest.mark.conformance("EUICC-ES5-NOTIFY-02", section=f"SGP.02, 2.4; {CONFIRMATION}")
def test_pol1_deletes_after_the_confirmation(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, inbox: Inbox
) -> None:
    """What POL1 deletes goes with the confirmation, whose answer names it.

    Preconditions: the card writes to a number of the lab's; a profile with the rule "delete when
    disabled" is ENABLED, and that is confirmed.

    Steps:
    1. DisableProfile for it: 9000, and REFRESH. GetStatus: it is DISABLED.
    2. After the start a notification of type 02.
    3. HandleNotificationConfirmation: 9000, with the AID of its ISD-P in 80.
    4. GetStatus: it is gone.
    """
    policy = bytes((preparing.DELETE_ON_DISABLE,))
    profile = preparing.enabled(over_the_air, profile_maker, pol=policy)
    (enabled,) = inbox.after_start()
    assert one(over_the_air, isdr_commands.confirm_notification(enabled.sequence)).sw == 0x9000
    with step("1. DisableProfile"):
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
        preparing.assert_state(esim, profile.aid, ProfileState.DISABLED)
    with step("2. Notification"):
        (told,) = inbox.after_start()
        assert told.kind == 0x02
    with step("3. Confirmation"):
        answer = one(over_the_air, isdr_commands.confirm_notification(told.sequence))
        assert answer.sw == 0x9000
        assert isdr_commands.deleted_profiles(answer.data) == (profile.aid,)
    with step("4. GetStatus"):
        preparing.assert_state(esim, profile.aid, None)


@pytest.mark.conformance("EUICC-ES5-NOTIFY-04", section=CONFIRMATION)
def test_each_change_has_a_sequence_number_of_its_own(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, inbox: Inbox
) -> None:
    """Each change has its own sequence number, so that no old confirmation fits it.

    Preconditions: the card writes to a number of the lab's; a profile is ENABLED, and that was
    notified and confirmed.

    Steps:
    1. DisableProfile for it: 9000. After the start a notification with another sequence number.
    2. HandleNotificationConfirmation with the sequence number before: 6A80 or 6985.
    3. With the new one: 9000.
    """
    profile = preparing.enabled(over_the_air, profile_maker)
    (first,) = inbox.after_start()
    confirm = isdr_commands.confirm_notification
    assert one(over_the_air, confirm(first.sequence)).sw == 0x9000
    with step("1. DisableProfile"):
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
        (second,) = inbox.after_start()
        assert second.eid == esim.eid()
        assert second.sequence != first.sequence
    with step("2. The confirmation before"):
        assert one(over_the_air, confirm(first.sequence)).sw in (0x6A80, 0x6985)
    with step("3. Its own"):
        assert one(over_the_air, confirm(second.sequence)).sw == 0x9000


@pytest.mark.conformance("EUICC-ES5-NOTIFY-03", section=CONFIRMATION)
def test_a_confirmation_that_nobody_waits_for(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """HandleNotificationConfirmation is refused while no notification waits for it.

    Preconditions: the card notifies nobody.

    Steps:
    1. HandleNotificationConfirmation: 6985.
    2. Without a sequence number, and with one of three bytes: 6A80 or 6985.
    3. GetStatus after each: nothing has changed.
    """
    if esim.functions.sm_sr_number != "":
        not_applicable("the card notifies an SM-SR (functions.sm_sr_number)")
    assert_refused(over_the_air, esim, isdr_commands.confirm_notification(1), 0x6985)
    for value in ("4E00", "4E03000001"):
        data = dgi.encode(isdr_commands.DGI_CONFIRMATION, bytes.fromhex(value))
        command = CommandApdu(0x80, 0xE2, 0x89, 0x00, data, 256)
        assert_refused(over_the_air, esim, command, 0x6A80, 0x6985)


@pytest.mark.requirement("R-63", "R-65", refusal=True)
@pytest.mark.conformance("EUICC-ES5-ADDRESSING-01", section=ADDRESSING)
def test_no_addressing_at_all_is_refused(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """UpdateSMSRAddressingParameters that cannot be read is refused.

    Preconditions: none.

    Steps:
    1. An object A3 without an address, and one that is cut off: 6A80 each.
    2. GetStatus after each: nothing has changed.
    """
    for value in ("A300", "A305810391"):
        group = dgi.encode(esim.functions.addressing_dgi, bytes.fromhex(value))
        assert_refused(over_the_air, esim, CommandApdu(0x80, 0xE2, 0x88, 0, group, 256), 0x6A80)


@pytest.mark.conformance("EUICC-ES5-NOTIFY-05", section=f"SGP.02, 2.4; {CONFIRMATION}")
def test_pol1_deletes_nothing_that_is_enabled_again(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, inbox: Inbox
) -> None:
    """A profile to be deleted after the confirmation is spared if it was enabled in between.

    Preconditions: the card writes to a number of the lab's; a profile with "delete on disable" is
    ENABLED, and that was confirmed.

    Steps:
    1. DisableProfile for it, EnableProfile for it: 9000 each.
    2. The confirmation of the notification that waits: 9000, no ISD-P in the answer.
    3. GetStatus: the profile is ENABLED.
    """
    confirm = isdr_commands.confirm_notification
    with preparing.pinned(over_the_air, profile_maker, preparing.DELETE_ON_DISABLE) as profile:
        (waiting,) = inbox.after_start()
        assert one(over_the_air, confirm(waiting.sequence)).sw == 0x9000
        with step("1. Off and on"):
            for command in (isdr_commands.disable_profile, isdr_commands.enable_profile):
                assert one(over_the_air, command(profile.aid)).sw == 0x9000
        with step("2. Confirmation"):
            (waiting,) = inbox.after_start()
            answer = one(over_the_air, confirm(waiting.sequence))
            assert (answer.sw, answer.data) == (0x9000, b"")
        with step("3. GetStatus"):
            preparing.assert_state(esim, profile.aid, ProfileState.ENABLED)


@pytest.mark.conformance("EUICC-ES5-NOTIFY-06", section=f"SGP.02, 3.2; {CONFIRMATION}")
def test_a_change_that_nobody_confirms(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim, inbox: Inbox
) -> None:
    """A notification that was sent and is not confirmed is repeated, and the change undone.

    Preconditions: the card writes to a number of the lab's; a profile is ENABLED and that was
    confirmed; another one is DISABLED.

    Steps:
    1. EnableProfile for the other one: 9000.
    2. The terminal sends each message, nobody confirms: the same notification again, as often as
       the key set tells at most, then REFRESH.
    3. GetStatus: the first profile is ENABLED, the other DISABLED.
    4. After the next start: a notification of type 03 with another sequence number.
    5. HandleNotificationConfirmation with the number of step 2: 6A80 or 6985. With that of step 4:
       9000.
    """
    told = esim.functions
    if told.confirmation_s is None:
        not_applicable("the key set does not tell how long the card waits (confirmation_s)")
    confirm = isdr_commands.confirm_notification
    first = preparing.enabled(over_the_air, profile_maker)
    (waiting,) = inbox.after_start()
    assert one(over_the_air, confirm(waiting.sequence)).sw == 0x9000
    other = preparing.disabled(over_the_air, profile_maker)
    with step("1. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(other.aid)).sw == 0x9000
    with step("2. Nobody confirms"):
        sent, refreshed = inbox.until_refresh(told.confirmation_s * told.attempts + SPARE_S)
        assert refreshed, "no REFRESH"
        assert min(2, told.attempts) <= len(sent) <= told.attempts
        assert set(sent) == {sent[0]}
        assert (sent[0].kind, sent[0].aid) == (0x02, other.aid)
    with step("3. GetStatus"):
        preparing.assert_state(esim, first.aid, ProfileState.ENABLED)
        preparing.assert_state(esim, other.aid, ProfileState.DISABLED)
    with step("4. Roll-back"):
        (undone,) = inbox.after_start()
        assert (undone.kind, undone.aid) == (0x03, first.aid)
        assert undone.sequence != sent[0].sequence
    with step("5. Confirmation"):
        assert one(over_the_air, confirm(sent[0].sequence)).sw in (0x6A80, 0x6985)
        assert one(over_the_air, confirm(undone.sequence)).sw == 0x9000
