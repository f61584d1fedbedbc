"""A bisection ends about the true threshold, says so where there is none, and repeats its ends."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.bench.reaction import Reaction
from hil.bench.threshold import (
    MOST_TRIALS,
    NoThresholdError,
    Threshold,
    ThresholdSearch,
    UnreadError,
)
from hil.errors import UsageError
from hil.metrology import CLOCK, Budget, Instrument, Measured, elapsed


class _Spec:
    nominal_current = None
    nominal_voltage = 1.8
    window, hysteresis = 0.05, 0.01
    debounce, dwell, revoke, attempts = 0.03, 0.2, 0.1, 5


class _Jig:
    spec = _Spec()
    nominal_volts = 1.8


class _Meter:
    instrument = Instrument("DMM", "7")


def search(told: list[str] | None = None) -> ThresholdSearch:
    lines = [] if told is None else told
    return ThresholdSearch(_Jig(), _Meter(), lambda: None, progress=lines.append)  # type: ignore[arg-type]


def bisect(one: ThresholdSearch, threshold: float, **changes: object) -> Threshold:
    arguments: dict[str, object] = {
        "no": 1.0,
        "yes": 2.0,
        "expected": threshold,
        "resolution": 0.01,
        "repeats": 1,
        **changes,
    }
    unit = arguments.pop("unit", "V")
    rising = arguments["yes"] > arguments["no"]  # type: ignore[operator]

    def tried(level: float) -> tuple[float, float, bool]:
        return level, 0.003, level >= threshold if rising else level <= threshold

    return one._bisect("edge", unit, tried, **arguments)  # type: ignore[arg-type]


@given(st.floats(1.001, 1.999), st.floats(0.001, 0.3), st.booleans())
def test_the_threshold_lies_within_and_no_coarser_than_asked(
    true: float, resolution: float, downward: bool
) -> None:
    ends = {"no": 2.0, "yes": 1.0} if downward else {}
    found = bisect(search(), true, resolution=resolution, **ends)
    assert min(found.no, found.yes) <= true <= max(found.no, found.yes)
    assert abs(found.yes - found.no) <= resolution
    assert found.low == min(found.no, found.yes) - 0.003
    assert len(found.trials) <= MOST_TRIALS


@pytest.mark.parametrize("true", [0.5, 2.5])
def test_the_same_word_at_both_ends_is_no_threshold(true: float) -> None:
    with pytest.raises(NoThresholdError, match="no threshold between"):
        bisect(search(), true)


def test_every_trial_is_told_and_repeats_are_tried() -> None:
    told: list[str] = []
    found = bisect(search(told), 1.3, resolution=0.1, repeats=3)
    assert len(told) == len(found.trials) == 2 + 4 + 4
    assert "trial 1: 1 V" in told[0]
    assert "no" in told[0]


def test_a_device_that_wavers_widens_the_interval() -> None:
    answers = iter([False, True, True, False, False, False, True, True])

    def tried(level: float) -> tuple[float, float, bool]:
        return level, 0.0, next(answers)

    found = search()._bisect(
        "edge", "V", tried, no=1.0, yes=2.0, expected=1.4, resolution=0.25, repeats=2
    )
    # Ends 1.25 (no) and 1.5 (yes); the repeat says no at 1.5, so "yes" moves out to 1.75.
    assert (found.no, found.yes) == (1.25, 1.75)


def test_a_level_at_which_the_supply_was_not_read_is_tried_again() -> None:
    told: list[str] = []
    one, unread = search(told), iter([True, False, True, True, True])
    volts = Measured("v", 1.5, "V", Budget())

    def tried(level: float) -> tuple[Measured, bool]:
        if next(unread):
            raise UnreadError("too slow")
        return replace(volts, value=level), True

    assert one._until_read(tried, 1.25) == (replace(volts, value=1.25), True)
    assert told == ["the supply was not read at the level, so it is tried again"]
    with pytest.raises(UnreadError):
        one._until_read(tried, 1.25)


def test_nonsense_is_refused() -> None:
    for changes in ({"repeats": 0}, {"resolution": 0.0}):
        with pytest.raises(UsageError):
            bisect(search(), 1.5, **changes)


def test_results_read_as_sentences() -> None:
    assert str(bisect(search(), 1.3, resolution=0.1)) == (
        "edge: 1.25 … 1.312 V ± 0.003 V (k = 2, each end 1 time(s)), stated 1.3 V"
    )
    assert str(Reaction("revocation", 0.081, 0.1042, 0.1)) == (
        "revocation: 81 … 104 ms, stated 100 ms"
    )


def test_a_threshold_is_as_sure_as_its_ends_and_what_lies_between_and_names_who_read_it() -> None:
    found = bisect(search(), 1.3, resolution=0.1)
    measured = found.measured
    assert (measured.name, measured.value, measured.unit) == ("edge", 1.28125, "V")
    assert measured.expanded == pytest.approx(2 * math.hypot(0.0015, 0.03125 / math.sqrt(3)))
    assert str(measured.instrument) == "DMM 7"
    assert bisect(search(), 1.3, unit="s").measured.instrument is CLOCK


def test_a_reaction_is_timed_by_the_clock_and_as_sure_as_the_answers_that_bound_it() -> None:
    measured = Reaction("revocation", 0.08, 0.104, 0.1).measured
    assert measured.value == pytest.approx(0.092)
    assert measured.unit == "s"
    assert measured.expanded == pytest.approx(2 * 0.012 / math.sqrt(3), rel=1e-4)
    assert measured.instrument is CLOCK
    exact = elapsed("by image", 10.0, 10.0)
    assert exact.expanded == pytest.approx(2 * 10.0 * 5e-4 / math.sqrt(3))
