"""From stimuli to a plan: set points of all channels on one time axis, checked before any byte.

What two channels do at the same instant becomes one message, so that they move as close together
as the instrument can.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.readings import Regulation
from hil.equipment.power_supply.stimulus.errors import TooFineError
from hil.equipment.power_supply.stimulus.shapes import Grain, SetPoint, Stimulus
from hil.errors import UsageError

NS: Final = 1_000_000_000
LONGEST_S: Final = 3600.0
MOST_EDGES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Track:
    """What one channel of the supply plays, from ``at_s`` seconds after the common start.

    ``volts`` and ``amps`` hold for what the stimulus leaves open: ``amps`` is the current limit
    under a stimulus of volts, ``volts`` what a stimulus of amps allows. Before ``at_s`` the output
    is off. ``regulation`` says what must have settled before the start, where it is on by then.
    """

    channel: int
    stimulus: Stimulus
    amps: float
    volts: float = 0.0
    at_s: float = 0.0
    regulation: Regulation = "voltage"


@dataclass(frozen=True, slots=True)
class Setting:
    """All that holds on one channel: volts, current limit in amps, output on or off."""

    channel: int
    volts: float
    amps: float
    on: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """One instant (nanoseconds after the start) and what changes there: before and after."""

    at_ns: int
    changes: tuple[tuple[Setting, Setting], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds before the start, the edges in the order of time, and the length of it all.

    ``regulation`` belongs to the channels of ``start``, in their order.
    """

    start: tuple[Setting, ...]
    regulation: tuple[Regulation, ...]
    edges: tuple[Edge, ...]
    length_ns: int

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels that play."""
        return tuple(setting.channel for setting in self.start)


def plan(
    tracks: Sequence[Track], *, limits: Mapping[int, CableLimits], grain: Grain, where: str
) -> Plan:
    """Return the plan of ``tracks``, each on its own channel of the supply ``where``.

    Raises:
        SafetyError: a set point is beyond the limits of its cable.
        TooFineError: two edges follow each other faster than the supply can be told.
        UsageError: no track, a channel without limits or with two tracks, too long.

    """
    channels = [track.channel for track in tracks]
    if not tracks or len(set(channels)) != len(channels):
        raise UsageError(f"{where}: a plan needs one track for each of its channels: {channels}")
    settings: dict[int, list[tuple[int, Setting]]] = {}
    for track in tracks:
        if track.channel not in limits:
            raise UsageError(
                f"{where}: no cable limits for channel {track.channel}; mend the bench file"
            )
        settings[track.channel] = _settings(track, grain)
        for _, setting in settings[track.channel]:
            name = f"{where} CH{setting.channel}"
            limits[track.channel].check(name, setting.volts, setting.amps)
    length_s = max(track.at_s + track.stimulus.seconds for track in tracks)
    if not length_s <= LONGEST_S:
        raise UsageError(f"{where}: {length_s:g} s is too long, {LONGEST_S:g} s is the longest")
    edges = _merged(settings)
    _check_grain(edges, round(length_s * NS), grain, where)
    start = tuple(settings[channel][0][1] for channel in channels)
    regulation = tuple(track.regulation for track in tracks)
    return Plan(start, regulation, edges, round(length_s * NS))


def _settings(track: Track, grain: Grain) -> list[tuple[int, Setting]]:
    """Return the complete settings of one channel with their instants, the first before 0."""
    if not (math.isfinite(track.at_s) and track.at_s >= 0):
        raise UsageError(f"a track begins at 0 s or later, not at {track.at_s}")
    points = track.stimulus.set_points(grain)
    now = Setting(track.channel, track.volts, track.amps, on=False)
    now = replace(_after(now, _first_levels(points), grain), on=False)
    found = [(-1, now)]
    for point in points:
        now = _after(now, point, grain)
        at_ns = round((track.at_s + point.at_s) * NS)
        if at_ns == 0:
            # What holds from the very start is made ready before it.
            found = [(-1, now)]
        elif now != found[-1][1]:
            found.append((at_ns, now))
    return found


def _first_levels(points: tuple[SetPoint, ...]) -> SetPoint:
    """Return the first level of each kind, so that switching on later is one command."""
    volts = next((point.volts for point in points if point.volts is not None), None)
    amps = next((point.amps for point in points if point.amps is not None), None)
    return SetPoint(0.0, volts, amps)


def _after(before: Setting, point: SetPoint, grain: Grain) -> Setting:
    return Setting(
        before.channel,
        before.volts if point.volts is None else _on_grid(point.volts, grain.volts),
        before.amps if point.amps is None else _on_grid(point.amps, grain.amps),
        before.on if point.on is None else point.on,
    )


def _on_grid(value: float, step: float) -> float:
    return round(round(value / step) * step, 9)


def _merged(settings: Mapping[int, list[tuple[int, Setting]]]) -> tuple[Edge, ...]:
    changes = [
        (at_ns, (before, after))
        for of_channel in settings.values()
        for (_, before), (at_ns, after) in itertools.pairwise(of_channel)
    ]
    changes.sort(key=lambda change: (change[0], change[1][0].channel))
    if len(changes) > MOST_EDGES:
        raise UsageError(f"{len(changes)} edges are too many, {MOST_EDGES} are the most")
    return tuple(
        Edge(at_ns, tuple(pair for _, pair in group))
        for at_ns, group in itertools.groupby(changes, key=lambda change: change[0])
    )


def _check_grain(edges: tuple[Edge, ...], length_ns: int, grain: Grain, where: str) -> None:
    shortest_ns = round(grain.shortest_s * NS)
    instants = [*(edge.at_ns for edge in edges), length_ns]
    for one, next_one in itertools.pairwise(instants):
        if next_one - one < shortest_ns:
            raise TooFineError(
                f"{where}: edges at {one / NS:.4f} s and {next_one / NS:.4f} s lie closer than the "
                f"{grain.shortest_s * 1000:.1f} ms that one set point takes; ask for slower ones, "
                f"or use a supply with a list of its own or a waveform generator"
            )
