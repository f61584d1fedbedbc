"""How long a stimulus that went out late can have stayed in the window."""

from __future__ import annotations

import pytest

from hil.bench.performance import Performance
from hil.equipment.power_supply.stimulus import Played, Stamp
from hil.equipment.power_supply.stimulus.timing import Timing
from hil.evidence.waveform import Waveform
from testcases.jig_attacks.playing import longest_stay

MS = 1_000_000
LOW, HIGH = 1.71, 1.89
AT_ONCE = Timing(0.0, 1e9, 1e9, 0.0)


def stay(*levels: tuple[int, float], timing: Timing = AT_ONCE, accuracy: float = 0.0) -> float:
    """Return the longest stay of levels, each from an instant in ms on; the first is there at 0."""
    _, before = levels[0]
    stamps = []
    for at_ms, volts in levels[1:]:
        stamps.append(
            Stamp(
                channel=1,
                due_ns=0,
                before_ns=at_ms * MS,
                after_ns=at_ms * MS,
                from_volts=before,
                volts=volts,
                amps=1.0,
                on=True,
                timing=timing,
                accuracy_volts=accuracy,
            )
        )
        before = volts
    return longest_stay(
        Performance(Played(0, 1000 * MS, tuple(stamps), ()), Waveform(0, ())), LOW, HIGH
    )


def test_a_ramp_stays_from_the_step_that_enters_to_the_step_that_leaves() -> None:
    assert stay((0, 1.0), (10, 1.6), (20, 1.75), (30, 1.85), (70, 1.95)) == pytest.approx(0.050)


def test_separate_visits_are_not_added_up() -> None:
    visits = (0, 1.5), (10, 1.8), (40, 1.5), (50, 1.8), (90, 1.5)
    assert stay(*visits) == pytest.approx(0.040)


def test_a_level_that_accuracy_can_bring_inside_counts_as_inside() -> None:
    near = (0, 1.5), (10, 1.70), (110, 1.5)
    assert stay(*near) == 0.0
    assert stay(*near, accuracy=0.02) == pytest.approx(0.100)


def test_the_time_a_supply_takes_counts_as_inside() -> None:
    slow = Timing(0.118, 1e9, 1e9, 0.0)
    assert stay((0, 1.5), (10, 1.8), (40, 1.5), timing=slow) == pytest.approx(0.148)


def test_what_never_leaves_stays_until_the_end() -> None:
    assert stay((0, 1.5), (10, 1.8)) == pytest.approx(0.990)


def test_what_is_inside_from_the_start_stays_from_the_start() -> None:
    assert stay((0, 1.8), (30, 1.5)) == pytest.approx(0.030)


def test_a_step_across_the_window_stays_for_as_long_as_the_output_moves() -> None:
    slow = Timing(0.0, 10.0, 10.0, 0.0)
    assert stay((0, 1.5), (10, 2.1), timing=slow) == pytest.approx((HIGH - 1.5) / 10.0)
    assert stay((0, 2.1), (10, 1.5), timing=slow) == pytest.approx((2.1 - LOW) / 10.0)
