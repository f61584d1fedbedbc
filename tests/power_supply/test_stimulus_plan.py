"""From a stimulus to set points: a plan lasts as long as its stimulus, and stays in limits."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.equipment.power_supply import CableLimits
from hil.equipment.power_supply.stimulus import (
    Chatter,
    Dropout,
    Hold,
    Open,
    Pulse,
    Ramp,
    Sequence,
    Step,
    Stimulus,
    TooFineError,
    Track,
    plan,
)
from hil.equipment.power_supply.stimulus.planning import Plan
from hil.equipment.power_supply.stimulus.shapes import Grain
from hil.errors import SafetyError, UsageError

LIMITS = {
    1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6),
    2: CableLimits(max_volts=4.5, max_amps=1.5, ovp_volts=5.0, ocp_amps=2.0),
}
GRAIN = Grain(0.002, 0.001, 0.001)
LEVELS = st.integers(0, 5500).map(lambda millivolts: millivolts / 1000)
TIMES = st.integers(2, 2000).map(lambda milliseconds: milliseconds / 1000)
SHAPES: st.SearchStrategy[Stimulus] = st.one_of(
    st.builds(Hold, LEVELS, TIMES),
    st.builds(Open, TIMES),
    st.builds(Step, LEVELS, LEVELS, TIMES, TIMES),
    st.builds(Pulse, LEVELS, TIMES, LEVELS, TIMES, TIMES),
    st.builds(Dropout, LEVELS, TIMES, LEVELS, TIMES, TIMES),
    st.builds(Chatter, LEVELS, LEVELS, TIMES, TIMES, st.integers(1, 5), TIMES),
    st.builds(Ramp, LEVELS, LEVELS, st.integers(20, 2000).map(lambda ms: ms / 1000)),
    st.builds(Sequence, st.lists(st.tuples(LEVELS, TIMES), min_size=1, max_size=6).map(tuple)),
)
STIMULI = st.lists(SHAPES, min_size=1, max_size=4).map(
    lambda parts: parts[0] if len(parts) == 1 else _chained(parts)
)


def _chained(parts: list[Stimulus]) -> Stimulus:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def planned(*tracks: Track, grain: Grain = GRAIN) -> Plan:
    return plan(tracks, limits=LIMITS, grain=grain, where="supply")


@given(STIMULI)
def test_a_plan_lasts_as_long_as_its_stimulus_and_goes_from_setting_to_setting(
    stimulus: Stimulus,
) -> None:
    made = planned(Track(1, stimulus, amps=0.1))
    assert made.length_ns == pytest.approx(stimulus.seconds * 1e9, abs=10)
    instants = [edge.at_ns for edge in made.edges]
    assert instants == sorted(set(instants))
    assert all(0 < at_ns < made.length_ns for at_ns in instants)
    (now,) = made.start
    for edge in made.edges:
        ((before, after),) = edge.changes
        assert before == now
        assert after != now
        now = after


@given(STIMULI)
def test_every_set_point_is_on_the_grid_and_within_the_cable(stimulus: Stimulus) -> None:
    made = planned(Track(1, stimulus, amps=0.1))
    for setting in [*made.start, *(after for e in made.edges for _, after in e.changes)]:
        LIMITS[1].check("here", setting.volts, setting.amps)
        assert setting.volts == round(setting.volts, 3)


@given(STIMULI, st.floats(5.5011, 1e6))
def test_one_level_beyond_the_cable_refuses_the_whole(stimulus: Stimulus, level: float) -> None:
    with pytest.raises(SafetyError, match="cable"):
        planned(Track(1, stimulus + Hold(level, 0.1), amps=0.1))


@given(SHAPES, SHAPES, SHAPES)
def test_adding_is_associative(a: Stimulus, b: Stimulus, c: Stimulus) -> None:
    assert (a + b) + c == a + (b + c)
    assert ((a + b) + c).set_points(GRAIN) == (a + (b + c)).set_points(GRAIN)


@given(LEVELS, LEVELS, st.integers(20, 2000))
def test_a_ramp_climbs_evenly_and_ends_where_it_should(
    start: float, end: float, milliseconds: int
) -> None:
    points = Ramp(start, end, milliseconds / 1000).set_points(GRAIN)
    volts = [point.volts for point in points if point.volts is not None]
    assert volts[0] == start
    assert volts[-1] == pytest.approx(end)
    assert volts == sorted(volts, reverse=end < start)
    gaps = [b.at_s - a.at_s for a, b in itertools.pairwise(points)]
    assert max(gaps) == pytest.approx(min(gaps))
    assert min(gaps) >= GRAIN.shortest_s


def test_a_pulse_is_three_settings_and_two_edges() -> None:
    made = planned(Track(1, Pulse(1.8, 0.05, base=1.5, lead_s=0.1, tail_s=0.2), amps=0.1))
    assert (made.start[0].volts, made.start[0].on) == (1.5, True)
    assert [(e.at_ns, e.changes[0][1].volts) for e in made.edges] == [
        (100_000_000, 1.8),
        (150_000_000, 1.5),
    ]
    assert made.length_ns == 350_000_000


def test_two_channels_at_one_instant_are_one_edge() -> None:
    made = planned(
        Track(1, Step(1.8, 0.0, 0.1, 0.1), amps=0.1), Track(2, Hold(1.8, 0.1), amps=1.0, at_s=0.1)
    )
    (edge,) = made.edges
    assert [after.channel for _, after in edge.changes] == [1, 2]
    assert [(before.on, after.on) for before, after in edge.changes] == [
        (True, True),
        (False, True),
    ]


def test_a_track_that_begins_later_is_off_but_set_before() -> None:
    made = planned(Track(1, Open(0.1) + Hold(1.8, 0.2), amps=0.1))
    assert (made.start[0].on, made.start[0].volts) == (False, 1.8)
    ((edge),) = made.edges
    assert edge.at_ns == 100_000_000
    assert edge.changes[0][1].on


def test_a_stimulus_of_amps_moves_the_current_limit_alone() -> None:
    made = planned(Track(1, Pulse(0.02, 0.05, base=0.004, unit="A"), amps=0.3, volts=3.3))
    settings = [made.start[0], *(e.changes[0][1] for e in made.edges)]
    assert [(s.volts, s.amps) for s in settings] == [(3.3, 0.004), (3.3, 0.02), (3.3, 0.004)]


def test_edges_closer_than_the_supply_can_do_are_refused() -> None:
    with pytest.raises(TooFineError, match="waveform generator"):
        planned(Track(1, Pulse(1.8, 0.0015), amps=0.1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hold(math.nan, 1.0),
        lambda: Hold(-0.1, 1.0),
        lambda: Hold(1.8, 0.0),
        lambda: Hold(1.8, math.inf),
        lambda: Pulse(1.8, -1.0),
        lambda: Hold(1.8, 1.0, unit="W"),  # type: ignore[arg-type]
        lambda: Chatter(1.8, 0.0, 0.1, 0.1, 0),
        lambda: Sequence(()),
        lambda: Ramp(0.0, 1.0, 1.0, steps=0),
    ],
)
def test_nonsense_is_refused_where_it_is_written(make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError):
        make()


def test_plans_that_cannot_be() -> None:
    hold = Hold(1.8, 0.1)
    with pytest.raises(UsageError, match="one track"):
        planned()
    with pytest.raises(UsageError, match="one track"):
        planned(Track(1, hold, amps=0.1), Track(1, hold, amps=0.1))
    with pytest.raises(UsageError, match="no cable limits"):
        planned(Track(3, hold, amps=0.1))
    with pytest.raises(UsageError, match="too long"):
        planned(Track(1, Hold(1.8, 3601.0), amps=0.1))
    with pytest.raises(UsageError, match="begins at 0 s"):
        planned(Track(1, hold, amps=0.1, at_s=-1.0))
