"""Budgets against worked figures: data sheets of bench supplies, and the GUM's own divisors."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import UsageError
from hil.metrology import (
    Budget,
    Contribution,
    Measured,
    from_certificate,
    from_repeats,
    rectangular,
    resolution,
)

finite = st.floats(0, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("volts", "millivolts"),
    [(1.8, 12.6), (3.3, 13.5), (5.0, 14.4)],
)
def test_readback_of_a_dp832(volts: float, millivolts: float) -> None:
    """0.05 % + 10 mV as a rectangular bound, k = 2: U = 2a/sqrt 3."""
    budget = Budget((rectangular("accuracy", 0.0005 * volts + 0.010),))
    assert budget.expanded * 1000 == pytest.approx(millivolts, abs=0.05)


@pytest.mark.parametrize(("volts", "millivolts"), [(1.8, 24.1), (3.3, 25.0), (5.0, 26.0)])
def test_programming_of_a_dp832(volts: float, millivolts: float) -> None:
    budget = Budget((rectangular("accuracy", 0.0005 * volts + 0.020),))
    assert budget.expanded * 1000 == pytest.approx(millivolts, abs=0.05)


def test_divisors() -> None:
    assert rectangular("a", 0.3).standard == pytest.approx(0.3 / math.sqrt(3))
    assert resolution("q", 0.001).standard == pytest.approx(0.000288675, rel=1e-5)
    assert from_certificate("c", 0.004).standard == pytest.approx(0.002)
    assert from_certificate("c", 0.006, k=3).standard == pytest.approx(0.002)


def test_repeats_are_the_deviation_of_their_mean() -> None:
    values = [1.801, 1.799, 1.802, 1.800, 1.798]
    wanted = statistics.stdev(values) / math.sqrt(5)
    assert from_repeats("s", values).standard == pytest.approx(wanted)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_one_reading_has_no_scatter(values: list[float]) -> None:
    with pytest.raises(UsageError, match="two readings"):
        from_repeats("s", values)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_a_contribution_is_a_number_from_zero(wrong: float) -> None:
    with pytest.raises(UsageError, match="0 or more"):
        Contribution("x", wrong)


@given(st.lists(finite, min_size=1, max_size=6), finite)
def test_another_contribution_never_makes_it_smaller(parts: list[float], more: float) -> None:
    budget = Budget(tuple(Contribution("x", part) for part in parts))
    assert budget.with_(Contribution("y", more)).expanded >= budget.expanded * (1 - 1e-12)
    assert budget.expanded >= 2 * max(parts) * (1 - 1e-12)
    assert budget.expanded <= 2 * math.fsum(parts) * (1 + 1e-12)


def test_it_is_shown_with_two_digits_of_uncertainty() -> None:
    budget = Budget((rectangular("accuracy", 0.0109), resolution("resolution", 0.001)))
    measured = Measured("jig voltage", 1.80312, "V", budget)
    assert str(measured) == "jig voltage 1.803 V ± 0.013 V (k = 2)"
    table = budget.table("V")
    assert "accuracy" in table
    assert "99.8 %" in table
    assert table.endswith("U = 0.0126 V (k = 2)")


def test_without_uncertainty_nothing_divides_by_zero() -> None:
    measured = Measured("x", 1.5, "V", Budget((Contribution("none", 0.0),)))
    assert "1.500000 V ± 0.000000 V" in str(measured)
    assert "0.0 %" in measured.budget.table("V")
