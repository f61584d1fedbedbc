"""The closed form against plain numerical integration of the same circuit."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.virtual.electrical import (
    NS,
    OFF,
    Drive,
    Law,
    Load,
    Segment,
    Stage,
    is_limiting,
    next_crossing,
    parallel,
    plan,
    segment_at,
    spans_above,
    spans_limiting,
    volts_at,
)

STAGE = Stage(farads=1e-3, sink_amps=0.07, slew_v_s=500.0)


def integrate(drive: Drive, load: Load, v0: float, seconds: float, steps: int = 20_000) -> float:
    """Integrate C·dV/dt = i(V) - load(V) with small explicit steps, the regulator as a clamp."""
    volts, dt = v0, seconds / steps
    for _ in range(steps):
        pull = load.amps(volts)
        if volts < drive.volts:
            slope = min((drive.amps - pull) / STAGE.farads, STAGE.slew_v_s)
            volts = min(volts + slope * dt, drive.volts)
        elif volts > drive.volts:
            slope = (-STAGE.sink_amps - pull) / STAGE.farads
            volts = max(volts + slope * dt, drive.volts)
        elif pull > drive.amps or -pull > STAGE.sink_amps:
            over = drive.amps if pull > drive.amps else -STAGE.sink_amps
            volts += (over - pull) / STAGE.farads * dt
    return volts


def slope(drive: Drive, load: Load, volts: float, side: float) -> float:
    """Return dV/dt below (side < 0), above or at the set voltage: the stage less the load.

    Below it is the limit (at most the slew rate), above minus the sink, at it what is needed.
    """
    pull = load.amps(volts)
    if side < 0:
        return min((drive.amps - pull) / STAGE.farads, STAGE.slew_v_s)
    if side > 0:
        return (-STAGE.sink_amps - pull) / STAGE.farads
    needed = min(max(pull, -STAGE.sink_amps), drive.amps)
    return (needed - pull) / STAGE.farads


def runge_kutta(drive: Drive, load: Load, v0: float, times: list[float]) -> list[float]:
    """Integrate by RK4 with steps far below every time constant; regulation is an event."""
    tau = STAGE.farads * (load.ohms or 1e3)
    volts, now, found = v0, 0.0, []
    for at in times:
        steps = max(20, math.ceil((at - now) / min(tau / 20, 2e-4)))
        dt = (at - now) / steps
        for _ in range(steps):
            side = volts - drive.volts
            a = slope(drive, load, volts, side)
            b = slope(drive, load, volts + a * dt / 2, side)
            c = slope(drive, load, volts + b * dt / 2, side)
            d = slope(drive, load, volts + c * dt, side)
            after = volts + (a + 2 * b + 2 * c + d) * dt / 6
            # A step that would cross the set voltage ends on it: the regulator takes over there.
            volts = drive.volts if side * (after - drive.volts) < 0 else after
            volts = max(volts, STAGE.clamp_volts)
        now = at
        found.append(volts)
    return found


@settings(max_examples=120, deadline=None)
@given(
    set_volts=st.floats(0, 30),
    limit=st.floats(0.01, 3.2),
    ohms=st.one_of(st.none(), st.floats(1.0, 10_000)),
    emf=st.one_of(st.just(0.0), st.floats(0, 24)),
    v0=st.floats(0, 30),
    seconds=st.floats(0.002, 0.5),
)
def test_any_circuit_agrees_with_runge_kutta_within_2_percent_at_20_times(  # noqa: PLR0917
    set_volts: float, limit: float, ohms: float | None, emf: float, v0: float, seconds: float
) -> None:
    drive, load = Drive(set_volts, limit), Load(ohms, emf if ohms else 0.0)
    chain = plan(STAGE, drive, load, v0, 0)
    times = [seconds * index / 20 for index in range(1, 21)]
    span = max(abs(set_volts - v0), set_volts, v0, 0.1)
    for at, expected in zip(times, runge_kutta(drive, load, v0, times), strict=True):
        found = volts_at(chain, round(at * NS))
        circuit = f"{drive}, {load}, from {v0} V, at {at} s"
        assert found == pytest.approx(expected, rel=0.02, abs=0.02 * span), circuit


def test_spans_are_where_the_chain_is_above() -> None:
    for drive, load, v0, seconds in CASES.values():
        chain = plan(STAGE, drive, load, v0, 0)
        end = round(seconds * NS)
        for level in (0.5, 1.9, 2.5, 4.0, 4.9):
            spans = spans_above(chain, level)
            for index in range(200):
                at = end * index // 200
                inside = any(a <= at and (b is None or at < b) for a, b in spans)
                volts = volts_at(chain, at)
                if abs(volts - level) > 1e-6:
                    assert inside == (volts > level), (drive, load, level, at)


def test_the_current_limit_rules_while_it_charges_and_while_it_is_overloaded() -> None:
    slow = Drive(5.0, 0.1)
    assert spans_limiting(STAGE, slow, plan(STAGE, slow, Load(), 0.0, 0)) == [(0, 50_000_000)]
    fast = Drive(5.0, 3.0)
    assert spans_limiting(STAGE, fast, plan(STAGE, fast, Load(), 0.0, 0)) == []
    heavy = Drive(5.0, 0.2)
    overload = plan(STAGE, heavy, Load(10.0), 5.0, 7)
    assert spans_limiting(STAGE, heavy, overload) == [(7, None)]
    down = plan(STAGE, Drive(1.0, 0.2), Load(10.0), 5.0, 0)
    assert spans_limiting(STAGE, Drive(1.0, 0.2), down) == []


CASES = {
    "no load up": (Drive(5.0, 0.5), Load(), 0.0, 0.02),
    "no load up, limited by current": (Drive(5.0, 0.1), Load(), 0.0, 0.06),
    "loaded up": (Drive(5.0, 1.0), Load(10.0), 0.0, 0.02),
    "loaded up, slew then exponential": (Drive(12.0, 0.8), Load(16.0), 0.0, 0.05),
    "into constant current": (Drive(5.0, 0.2), Load(10.0), 0.0, 0.05),
    "no load down": (OFF, Load(), 5.0, 0.1),
    "loaded down": (OFF, Load(10.0), 5.0, 0.05),
    "down to a lower set point": (Drive(2.0, 1.0), Load(50.0), 5.0, 0.05),
    "load too heavy all at once": (Drive(5.0, 0.2), Load(10.0), 5.0, 0.05),
    "fed back above the set point": (Drive(3.0, 1.0), Load(10.0, emf=5.0), 3.0, 0.05),
    "fed back while off": (OFF, Load(100.0, emf=9.0), 0.0, 0.3),
    "fed back, but the sink takes it": (Drive(3.0, 1.0), Load(100.0, emf=5.0), 3.0, 0.05),
    "fed back past the set point": (Drive(3.0, 1.0), Load(10.0, emf=8.0), 0.0, 0.05),
    "fed back past zero while off": (OFF, Load(10.0, emf=4.0), -0.5, 0.05),
    "down against a feed": (OFF, Load(50.0, emf=5.0), 5.0, 0.2),
}


@pytest.mark.parametrize("name", CASES)
def test_closed_form_agrees_with_integration_at_20_times(name: str) -> None:
    drive, load, v0, seconds = CASES[name]
    chain = plan(STAGE, drive, load, v0, 0)
    for index in range(1, 21):
        at = seconds * index / 20
        expected = integrate(drive, load, v0, at)
        found = volts_at(chain, round(at * NS))
        assert found == pytest.approx(expected, rel=0.005, abs=0.003), f"{name} at {at} s"


def test_crossover_from_voltage_to_current() -> None:
    drive = Drive(5.0, 0.5)
    edge = 5.0 / 0.5
    for ohms, limiting in ((edge * 1.01, False), (edge * 0.99, True)):
        chain = plan(STAGE, drive, Load(ohms), 0.0, 0)
        volts = volts_at(chain, 10 * NS)
        assert volts == pytest.approx(min(5.0, 0.5 * ohms), rel=1e-6)
        segment = segment_at(chain, 10 * NS)
        assert segment is not None
        assert is_limiting(STAGE, drive, segment) is limiting


def test_loads_in_parallel_are_one_load() -> None:
    assert parallel() == Load()
    assert parallel(Load(), Load(20.0)) == Load(20.0)
    both = parallel(Load(10.0, emf=4.0), Load(30.0))
    for volts in (0.0, 1.0, 7.5):
        separate = Load(10.0, emf=4.0).amps(volts) + Load(30.0).amps(volts)
        assert both.amps(volts) == pytest.approx(separate)


def test_a_negative_feed_is_clamped_and_bleeds_away() -> None:
    chain = plan(STAGE, OFF, Load(5.0, emf=-9.0), 0.0, 0)
    assert volts_at(chain, NS) == pytest.approx(-0.6)
    chain = plan(STAGE, OFF, Load(), -0.6, 0)
    assert volts_at(chain, NS) == 0.0


@settings(max_examples=300, deadline=None)
@given(
    st.floats(0, 30),
    st.floats(0, 3),
    st.one_of(st.none(), st.floats(0.5, 1e6)),
    st.floats(-5, 30),
    st.floats(0, 30),
)
def test_chains_are_continuous_and_never_over_the_top(
    volts: float, amps: float, ohms: float | None, emf: float, v0: float
) -> None:
    drive, load = Drive(volts, amps), Load(ohms, emf)
    chain = plan(STAGE, drive, load, v0, 0)
    for before, after in pairwise(chain):
        assert after.t0_ns >= before.t0_ns
        # One nanosecond of the steepest slope there can be.
        assert before.volts(after.t0_ns) == pytest.approx(after.v0, abs=1e-3)
    top = max(volts, v0, emf if ohms else 0.0)
    for index in range(50):
        assert -0.6 - 1e-9 <= volts_at(chain, index * NS // 50) <= top + 1e-9


@pytest.mark.parametrize("name", CASES)
def test_crossings_are_where_the_voltage_is(name: str) -> None:
    drive, load, v0, seconds = CASES[name]
    chain = plan(STAGE, drive, load, v0, 0)
    end = volts_at(chain, round(seconds * NS))
    if math.isclose(end, v0, abs_tol=1e-3):
        assert next_crossing(chain, v0 + 0.5, 0) is None
        return
    for share in (0.1, 0.5, 0.9):
        level = v0 + (end - v0) * share
        at_ns = next_crossing(chain, level, 0)
        assert at_ns is not None
        assert volts_at(chain, at_ns) == pytest.approx(level, abs=1e-4)
        assert next_crossing(chain, level, at_ns + 1) is None, "monotone: crossed once"
    assert next_crossing(chain, max(v0, end) + 1.0, 0) is None


def test_before_its_beginning_a_segment_says_where_it_begins() -> None:
    assert Segment(1000, Law.RAMP, 2.0, target=5.0, rate_v_s=10.0).volts(0) == 2.0
    assert volts_at((), 5) == 0.0
