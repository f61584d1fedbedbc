"""Plays a plan by the instrument's own list: one start that is stamped, the rest by its clock."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Final

from hil.equipment.power_supply.stimulus.stamps import NS, Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.equipment.power_supply.channel import Channel
    from hil.equipment.power_supply.sequencer import Sequencer, Step
    from hil.equipment.power_supply.stimulus.planning import Plan
    from hil.equipment.power_supply.stimulus.timing import Timing

FINEST_S: Final = 0.020
"""A list that is coarser than this is no better than a host that stamps its edges."""


def list_for(plan: Plan, channel: Channel) -> Sequencer | None:
    """Return the list that can play all of a plan on its one channel, or None."""
    sequencer = channel.sequencer
    if sequencer is None or len(plan.start) != 1 or not plan.edges:
        return None
    settings = [plan.start[0], *(after for edge in plan.edges for _, after in edge.changes)]
    if not all(setting.on for setting in settings) or len(settings) > sequencer.most_steps:
        return None
    if sequencer.resolution_s > FINEST_S:
        return None
    for _, _, seconds in steps_of(plan):
        ticks = seconds / sequencer.resolution_s
        if not sequencer.shortest_s <= seconds <= sequencer.longest_s:
            return None
        if abs(ticks - round(ticks)) > 1e-6:
            return None
    return sequencer


def steps_of(plan: Plan) -> list[Step]:
    """Return the plan of one channel as steps of volts, amps and seconds."""
    settings = [plan.start[0], *(edge.changes[0][1] for edge in plan.edges)]
    instants = [0, *(edge.at_ns for edge in plan.edges), plan.length_ns]
    return [
        (setting.volts, setting.amps, (end - begin) / NS)
        for setting, (begin, end) in zip(settings, itertools.pairwise(instants), strict=True)
    ]


def stamps_of(
    plan: Plan, channel: Channel, sequencer: Sequencer, started: tuple[int, int], timing: Timing
) -> Sequence[Stamp]:
    """Return the stamps of all edges, the list having ``started`` between two instants."""
    begun_ns, answered_ns = started
    found = []
    for edge in plan.edges:
        before, after = edge.changes[0]
        found.append(
            Stamp(
                channel=after.channel,
                due_ns=begun_ns + edge.at_ns,
                before_ns=begun_ns + edge.at_ns,
                after_ns=answered_ns + edge.at_ns,
                from_volts=before.volts,
                volts=after.volts,
                amps=after.amps,
                on=after.on,
                timing=timing,
                accuracy_volts=channel.accuracy.set_volts.at(after.volts),
                resolution_ns=round(sequencer.resolution_s * NS),
            )
        )
    return found


def start(sequencer: Sequencer) -> tuple[int, int]:
    """Start a list that is loaded; return the clock before it was told and after it answered."""
    before_ns = time.monotonic_ns()
    sequencer.start()
    return before_ns, time.monotonic_ns()
