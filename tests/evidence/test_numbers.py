"""Numbers of a journal: whatever stands in it, a view gets a number that it can show, or none."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.evidence.numbers import MOST, count_of, number_of, seconds_of

ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
)


@given(ANY)
def test_what_is_told_is_a_number_that_can_be_shown(value: object) -> None:
    number, seconds, count = number_of(value), seconds_of(value), count_of(value)
    assert number is None or (math.isfinite(number) and number == float(value))  # type: ignore[arg-type]
    assert seconds is None or (number == seconds and int(seconds * 1e9) >= 0)
    assert count is None or (count == value and 0 <= count < 2**63)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_what_json_lets_through_and_no_clock_or_instrument_can_tell(text: str) -> None:
    value = json.loads(text)
    assert (number_of(value), seconds_of(value), count_of(value)) == (None, None, None)


@pytest.mark.parametrize("value", [True, False, "1", None, [], {}])
def test_what_is_no_number(value: object) -> None:
    assert (number_of(value), seconds_of(value), count_of(value)) == (None, None, None)


def test_the_ends() -> None:
    assert (count_of(0), count_of(MOST), count_of(MOST + 1), count_of(-1)) == (0, MOST, None, None)
    assert (seconds_of(0), seconds_of(-0.5), seconds_of(1e10)) == (0.0, None, None)
    assert (number_of(-1), number_of(0.5), number_of(10**300)) == (-1.0, 0.5, 1e300)
