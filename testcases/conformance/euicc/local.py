"""Local functions (SGP.02, ESx): what the device asks of the card without the SM-SR."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import cat, cat_events, dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.cat_events import Service
from hil.wire.cat_values import CommandType, Result
from hil.wire.identifiers import ISD_R_AID
from testcases.conformance.euicc import notified
from testcases.conformance.euicc.preparing import assert_state, one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.apdu import ResponseApdu


def groups_for_test_profile(esim: Esim) -> tuple[int, int]:
    """Return the data groupings of LocalEnableTestProfile and LocalDisableTestProfile."""
    enable, disable = esim.functions.enable_test_dgi, esim.functions.disable_test_dgi
    if enable is None or disable is None:
        not_applicable(
            "the key set does not tell the local functions (functions.enable_test_dgi, "
            "functions.disable_test_dgi)"
        )
    return enable, disable


def groups_for_emergency_profile(esim: Esim) -> tuple[int, int]:
    """Return those of LocalEnableEmergencyProfile and LocalDisableEmergencyProfile."""
    enable, disable = esim.functions.enable_emergency_dgi, esim.functions.disable_emergency_dgi
    if enable is None or disable is None:
        not_applicable(
            "the key set does not tell the local functions (functions.enable_emergency_dgi, "
            "functions.disable_emergency_dgi)"
        )
    return enable, disable


def set_emergency(session: OverTheAirSession, esim: Esim, aid: bytes) -> ResponseApdu:
    """Send the function that moves the emergency profile attribute; return its answer."""
    group = esim.functions.emergency_dgi
    if group is None:
        not_applicable(
            "the key set does not tell how the emergency attribute is set (functions.emergency_dgi)"
        )
    return one(session, isdr_commands.set_emergency(aid, group=group))


def local(esim: Esim, group: int, aid: bytes = b"") -> tuple[int, bool]:
    """Send a local function; return the status word, and whether the card asked for a REFRESH."""
    value = tlv.encode(0x4F, aid) if aid else b""
    with esim.card.transaction() as card:
        notified.started(card)
        card.select(ISD_R_AID)
        answer = card.send(CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(group, value), 256))
        served: tuple[cat.ProactiveCommand, ...] = notified.serve(
            card, answer, lambda _: Result.DONE
        )
        card.reset()
    sw = 0x9000 if answer.sw1 == 0x91 else answer.sw
    return sw, any(command.kind == CommandType.REFRESH for command in served)


def assert_there_and_back(
    esim: Esim, groups: tuple[int, int], profile: LabProfile, before: LabProfile
) -> None:
    """Have a profile enabled and disabled locally, each in its turn alone; four steps.

    ``groups``: data groupings that enable and disable it; ``before``: the one that is ENABLED.
    """
    enable, disable = groups
    with step("1. Nothing to go back from"):
        assert local(esim, disable) == (0x6985, False)
    with step("2. Locally enabled"):
        assert local(esim, enable) == (0x9000, True)
        assert_state(esim, profile.aid, ProfileState.ENABLED)
        assert_state(esim, before.aid, ProfileState.DISABLED)
        assert esim.iccid() == profile.iccid
    with step("3. Again"):
        assert local(esim, enable) == (0x6985, False)
    with step("4. Locally disabled"):
        assert local(esim, disable) == (0x9000, True)
        assert_state(esim, profile.aid, ProfileState.DISABLED)
        assert_state(esim, before.aid, ProfileState.ENABLED)


def lost_network(esim: Esim) -> list[int]:
    """Start the card, and report "no service" until it must have fallen back if it ever does.

    Returns the status words; NOT APPLICABLE where nobody knows when the card falls back.
    """
    if esim.functions.network_loss_s is None:
        not_applicable(
            "the key set does not tell when the card falls back (functions.network_loss_s)"
        )
    lost = cat_events.location_status(Service.NONE)
    with esim.card.transaction() as card:
        notified.started(card)
        answers = [card.send(lost).sw]
        # The time itself is what is tested.
        time.sleep(esim.functions.network_loss_s * 1.2)
        return [*answers, card.send(lost).sw, card.send(lost).sw]
