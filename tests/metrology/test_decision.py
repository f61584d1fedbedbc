"""Decision rules at, near and beyond the limits (ILAC-G8:09/2019)."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import UsageError
from hil.metrology import (
    Budget,
    Calibration,
    CalibrationState,
    Contribution,
    Limits,
    Measured,
    Outcome,
    Rule,
    decide,
)

U = 0.02
LIMITS = Limits(1.7, 1.9)


def value(volts: float, expanded: float = U) -> Measured:
    return Measured("v", volts, "V", Budget((Contribution("all", expanded / 2),)))


@pytest.mark.parametrize(
    ("volts", "guarded", "simple"),
    [
        (1.80, "PASS", "PASS"),
        (1.90 - U / 2, "INCONCLUSIVE", "PASS"),
        (1.90 - 2 * U, "PASS", "PASS"),
        (1.90 + U / 2, "INCONCLUSIVE", "FAIL"),
        (1.90 + 2 * U, "FAIL", "FAIL"),
        (1.70 + U / 2, "INCONCLUSIVE", "PASS"),
        (1.70 - U / 2, "INCONCLUSIVE", "FAIL"),
        (1.70 - 2 * U, "FAIL", "FAIL"),
        (math.nan, "INCONCLUSIVE", "INCONCLUSIVE"),
        (math.inf, "INCONCLUSIVE", "INCONCLUSIVE"),
    ],
)
def test_both_sides_of_both_limits(volts: float, guarded: str, simple: str) -> None:
    assert decide(value(volts), LIMITS, Rule.GUARDED).outcome == guarded
    assert decide(value(volts), LIMITS, Rule.SIMPLE).outcome == simple


def test_on_the_limit() -> None:
    assert decide(value(1.5), Limits(high=1.5), Rule.SIMPLE).outcome is Outcome.PASS
    assert decide(value(1.5, 0.0), Limits(low=1.5), Rule.GUARDED).outcome is Outcome.PASS


def test_a_window_narrower_than_the_uncertainty_never_passes() -> None:
    assert decide(value(1.8, 0.2), LIMITS, Rule.GUARDED).outcome is Outcome.INCONCLUSIVE


@given(
    st.floats(-10, 10),
    st.floats(0, 2),
    st.floats(-5, 5),
    st.floats(0, 5),
)
def test_guarded_is_never_bolder_than_simple(
    volts: float, expanded: float, low: float, width: float
) -> None:
    measured, limits = value(volts, expanded), Limits(low, low + width)
    guarded = decide(measured, limits, Rule.GUARDED).outcome
    simple = decide(measured, limits, Rule.SIMPLE).outcome
    assert guarded in (simple, Outcome.INCONCLUSIVE)
    if guarded is Outcome.PASS:
        assert measured.low >= low - 1e-9
        assert measured.high <= low + width + 1e-9
    if guarded is Outcome.FAIL:
        assert measured.high < low or measured.low > low + width


@pytest.mark.parametrize(
    ("low", "high", "why"),
    [(None, None, "need a low"), (2.0, 1.0, "above"), (math.nan, None, "need a low")],
)
def test_limits_that_make_no_sense(low: float | None, high: float | None, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Limits(low, high)


def test_it_says_what_it_decided() -> None:
    text = str(decide(value(1.895), LIMITS, Rule.GUARDED))
    assert text == (
        "INCONCLUSIVE: v 1.895 V ± 0.020 V (k = 2), limits 1.7 to 1.9 V, margin 0.005 V, "
        "rule guarded (w = 0.02 V)"
    )


@pytest.mark.parametrize(
    ("calibration", "state"),
    [
        (Calibration("C-1", datetime.date(2026, 6, 30)), CalibrationState.VALID),
        (Calibration("C-1", datetime.date(2026, 6, 29)), CalibrationState.EXPIRED),
        (Calibration(), CalibrationState.MISSING),
        (Calibration(virtual=True), CalibrationState.VIRTUAL),
        (Calibration("C-1", datetime.date(2026, 6, 29), virtual=True), CalibrationState.EXPIRED),
    ],
)
def test_calibration_on_a_day(calibration: Calibration, state: CalibrationState) -> None:
    assert calibration.state(datetime.date(2026, 6, 30)) is state
