"""Statistics against published worked examples, and what must hold for any values."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.history.capability import Capability, capability, indices
from hil.history.control import Chart, chart, moving_sigma
from hil.history.enough import NotEnough
from hil.history.flakes import flakes, wilson
from hil.history.student import coverage_factor
from hil.history.trend import line

# NIST/SEMATECH e-Handbook 6.3.2.4, EWMA control charts
NIST_EWMA_VALUES = [
    *(52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5),
    *(49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1),
]
NIST_EWMA_AVERAGES = [
    *(50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33),
    *(50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99),
]
# NIST StRD, linear regression, data set Norris
NORRIS_X = [
    *(0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4),
    *(0.6, 775.5, 666.9, 338.0, 447.5, 11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3),
    *(0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1, 448.9, 0.5),
]
NORRIS_Y = [
    *(0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3),
    *(0.1, 778.1, 668.8, 339.3, 448.9, 10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3),
    *(0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2, 0.2),
]


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - noise for a test


VALUES = st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=60)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_of_newcombe_1998_table_1(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.5, 0.999))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(
    yes: int, no: int, confidence: float
) -> None:
    low, high = wilson(yes, yes + no, confidence)
    assert 0 <= low <= high <= 1
    if yes + no:
        assert low <= yes / (yes + no) <= high


@given(st.integers(0, 100), st.integers(1, 100))
def test_more_trials_of_the_same_share_narrow_the_interval(yes: int, no: int) -> None:
    low, high = wilson(yes, yes + no)
    closer_low, closer_high = wilson(4 * yes, 4 * (yes + no))
    assert closer_high - closer_low < high - low
    more_low, _ = wilson(yes + 1, yes + no)
    assert more_low >= low


def test_no_proportion_has_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(3, 2)


def test_only_changes_between_runs_that_are_alike_count() -> None:
    found = flakes(
        [
            ("a", "PASS"),
            ("a", "FAIL"),
            ("b", "PASS"),
            ("a", "NOT RUN"),
            ("a", "NOT APPLICABLE"),
            ("a", "FAIL"),
            ("b", "PASS"),
            ("b", "ERROR"),
        ]
    )
    assert (found.changes, found.pairs) == (2, 4)
    assert found.rate == 0.5
    assert flakes([("a", "PASS"), ("b", "FAIL")]).rate is None


@given(st.lists(st.sampled_from(["PASS", "FAIL", "NOT RUN"]), max_size=60))
def test_a_flake_rate_lies_in_its_interval(verdicts: list[str]) -> None:
    found = flakes(("same", verdict) for verdict in verdicts)
    assert 0 <= found.low <= found.high <= 1
    if found.rate is not None:
        assert found.low - 1e-12 <= found.rate <= found.high + 1e-12


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.3, 0.5])
def test_the_interval_of_a_flake_rate_covers_the_true_one(share: float) -> None:
    """Neighbours depend on each other: with all pairs, that of 0.02 is covered in 76 % only."""
    chance, true = _chance(5), 2 * share * (1 - share)
    covered = 0
    for _ in range(800):
        found = flakes(("", "FAIL" if chance.random() < share else "PASS") for _ in range(101))
        covered += found.low <= true <= found.high
    assert covered / 800 > 0.93


@pytest.mark.parametrize(
    ("freedom", "t"),
    # GUM (JCGM 100:2008), table G.2, column 95 %
    [(1, 12.71), (2, 4.30), (3, 3.18), (5, 2.57), (10, 2.23), (30, 2.04), (100, 1.984)],
)
def test_coverage_factors_of_the_gum(freedom: int, t: float) -> None:
    assert coverage_factor(freedom) == pytest.approx(t, abs=0.005)


def test_a_coverage_factor_falls_with_the_degrees_of_freedom() -> None:
    factors = [coverage_factor(n) for n in range(1, 60)]
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] > 1.959
    assert coverage_factor(5, 0.9545) == pytest.approx(2.65, abs=0.005)
    with pytest.raises(ValueError, match="degrees of freedom"):
        coverage_factor(0)


def test_the_line_of_norris() -> None:
    fitted = line(NORRIS_X, NORRIS_Y)
    assert fitted is not None
    assert fitted.slope == pytest.approx(1.00211681802045, rel=1e-12)
    assert fitted.intercept == pytest.approx(-0.262323073774029, rel=1e-10)
    assert fitted.standard == pytest.approx(0.429796848199937e-03, rel=1e-9)
    assert fitted.moves


def test_no_line_goes_through_two_points_or_one_moment() -> None:
    assert line([1, 2], [1, 2]) is None
    assert line([1, 1, 1], [1, 2, 3]) is None


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_a_straight_line_is_found_again(slope: float, start: float) -> None:
    fitted = line(range(20), [start + slope * x for x in range(20)])
    assert fitted is not None
    assert fitted.slope == pytest.approx(slope, abs=1e-6)


def test_the_ewma_chart_of_the_nist_handbook() -> None:
    drawn = chart(NIST_EWMA_VALUES, weight=0.3, width=3, centre=50, sigma=2.0539)
    assert isinstance(drawn, Chart)
    assert drawn.averages == pytest.approx(NIST_EWMA_AVERAGES, abs=0.0051)
    assert (drawn.low, drawn.high) == pytest.approx((47.4115, 52.5884), abs=2e-4)
    assert drawn.alarms == ()


def test_the_moving_range_of_the_nist_handbook() -> None:
    """6.3.2.2: ten batches, mean 50.81, mean moving range 1.8778, limits 45.8159 and 55.8041."""
    values = NIST_EWMA_VALUES[10:]
    sigma = moving_sigma(values)
    assert sigma * 1.128 == pytest.approx(1.8778, abs=5e-5)
    drawn = chart(values, baseline=10)
    assert isinstance(drawn, Chart)
    assert drawn.centre == pytest.approx(50.81)
    assert drawn.centre + 3 * drawn.sigma == pytest.approx(55.8041, abs=5e-4)
    assert drawn.centre - 3 * drawn.sigma == pytest.approx(45.8159, abs=5e-4)
    assert drawn.outliers == ()


def _run_length(shift: float, chance: random.Random, most: int) -> int:
    """Return the number of values until the first alarm."""
    values = [chance.gauss(shift, 1) for _ in range(most)]
    drawn = chart(values, centre=0, sigma=1)
    assert isinstance(drawn, Chart)
    return drawn.alarms[0] + 1 if drawn.alarms else most


def test_false_alarms_are_rare_and_a_shift_is_found_soon() -> None:
    """Lucas and Saccucci 1990, weight 0.2, width 2.962: 500 values without a shift, 10.5 with."""
    chance = _chance(11)
    quiet = [_run_length(0, chance, 4000) for _ in range(150)]
    shifted = [_run_length(1, chance, 200) for _ in range(150)]
    assert 380 < sum(quiet) / 150 < 640
    assert 9 < sum(shifted) / 150 < 12


def test_one_odd_value_is_an_outlier_and_two_in_a_row_are_a_drift() -> None:
    steady = [10.0, 10.2, 9.8, 10.1, 9.9] * 6
    drawn = chart([*steady, 99.0, *steady])
    assert isinstance(drawn, Chart)
    assert drawn.outliers == (30,)
    assert drawn.alarms == ()
    assert not drawn.drifts
    drawn = chart([*steady, 99.0, 99.0])
    assert isinstance(drawn, Chart)
    assert drawn.outliers == (30, 31)
    assert drawn.drifts


def test_a_slow_drift_is_found_even_within_the_baseline() -> None:
    chance = _chance(3)
    values = [5 + 0.0015 * n + chance.gauss(0, 0.005) for n in range(30)]
    drawn = chart(values)
    assert isinstance(drawn, Chart)
    assert drawn.drifts


@given(VALUES, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_alarms_do_not_depend_on_unit_and_zero(
    values: list[float], scale: float, zero: float
) -> None:
    rounded = [float(round(value)) for value in values]
    drawn, moved = chart(rounded), chart([zero + scale * value for value in rounded])
    if not isinstance(drawn, Chart) or not isinstance(moved, Chart):
        return
    margin = 1e-6 * drawn.sigma
    sure = [
        i for i, one in enumerate(drawn.averages)
        if abs(abs(one - drawn.centre) - (drawn.high - drawn.centre)) > margin
    ]  # fmt: skip
    if drawn.sigma * scale > 1e-6 * abs(zero):
        assert [i in drawn.alarms for i in sure] == [i in moved.alarms for i in sure]


def test_a_chart_needs_values_and_scatter() -> None:
    few = chart([1.0, 2.0])
    assert str(few) == "not enough values (2 of 25)"
    assert "no scatter" in str(chart([1.0] * 30))
    with pytest.raises(ValueError, match="weight"):
        chart([1.0], weight=0)


def test_the_capability_of_the_nist_handbook() -> None:
    """6.1.6: limits 8 and 20, mean 16, standard deviation 2."""
    assert indices(16, 2, 8, 20) == pytest.approx((1.0, 0.6667), abs=5e-5)
    for low, high, expected in ((None, 20, 0.6667), (8, None, 1.3333)):
        potential, nearer = indices(16, 2, low, high)
        assert potential is None
        assert nearer == pytest.approx(expected, abs=5e-5)
    assert indices(16, 2, None, None) == (None, None)
    assert indices(16, 0, 8, 20) == (None, None)


def test_capability_is_not_stated_of_too_few_values() -> None:
    assert str(capability([1.0] * 12, 0, 2)) == "not enough values (12 of 25)"
    assert str(capability([1.0] * 30, None, None)) == "no limits"
    stated = capability([1.0, 1.1] * 6, 0, 2, least=12)
    assert isinstance(stated, Capability)
    assert stated.values == 12


def test_a_drift_lowers_ppk_below_cpk() -> None:
    chance = _chance(1)
    values = [5 + 0.01 * n + chance.gauss(0, 0.02) for n in range(40)]
    stated = capability(values, 4.5, 6)
    assert isinstance(stated, Capability)
    assert stated.ppk is not None
    assert stated.cpk is not None
    assert stated.ppk < stated.cpk / 2
    assert stated.ppk_low is not None
    assert stated.ppk_high is not None
    assert stated.ppk_low < stated.ppk < stated.ppk_high


@given(VALUES, st.floats(0, 1e6), st.floats(0, 1e6))
def test_capability_is_bounded_and_grows_with_the_limits(
    values: list[float], room: float, more: float
) -> None:
    low, high = -1e6 - room, 1e6 + room
    stated, wider = capability(values, low, high), capability(values, low - more, high + more)
    assert isinstance(stated, Capability)
    assert isinstance(wider, Capability)
    if stated.cp is None:
        assert stated.within == 0
        return
    assert stated.cpk is not None
    assert wider.cpk is not None
    assert 0 <= stated.cpk <= stated.cp * (1 + 1e-9)
    assert wider.cpk >= stated.cpk
    assert math.isfinite(stated.overall)


@given(VALUES)
def test_one_limit_gives_no_cp_and_the_nearer_of_two_gives_cpk(values: list[float]) -> None:
    both = capability(values, -1e6, 1e6)
    lower, upper = capability(values, -1e6, None), capability(values, None, 1e6)
    assert isinstance(both, Capability)
    assert isinstance(lower, Capability)
    assert isinstance(upper, Capability)
    assert lower.cp is None
    assert upper.pp is None
    if both.cpk is not None:
        assert lower.cpk is not None
        assert upper.cpk is not None
        assert both.cpk == min(lower.cpk, upper.cpk)


def test_not_enough_says_how_many() -> None:
    assert str(NotEnough(3, 25)) == "not enough values (3 of 25)"
