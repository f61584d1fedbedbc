from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.bench.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5.5 V", "V", 5.5),
        ("100 mA", "A", 0.1),
        ("250ms", "s", 0.25),
        (" 5 % ", "%", 0.05),
        ("20 uA", "A", 20e-6),
        ("20 µA", "A", 20e-6),
        ("1.5 kohm", "ohm", 1500.0),
        ("-0.3 V", "V", -0.3),
        ("1e3 mV", "V", 1.0),
    ],
)
def test_reads_number_prefix_and_unit(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "why"),
    [
        ("5.5", "V", "no unit"),
        ("5.5 A", "V", "unit 'A'"),
        ("5.5 MeV", "V", "unknown unit"),
        ("5,5 V", "V", "not a quantity"),
        ("V", "V", "not a quantity"),
        ("", "V", "not a quantity"),
        ("1e999 V", "V", "not a finite"),
        ("nan V", "V", "not a quantity"),
        ("5 m%", "%", "unknown unit"),
    ],
)
def test_refuses_and_says_how_to_write_it(text: str, unit: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse_quantity(text, unit)
    assert "such as '" in str(caught.value)


@given(st.integers(-(10**6), 10**6), st.sampled_from(["", "m", "k", "u"]))
def test_prefix_scales_exactly_once(number: int, prefix: str) -> None:
    scale = {"": 1.0, "m": 1e-3, "k": 1e3, "u": 1e-6}[prefix]
    assert parse_quantity(f"{number} {prefix}V", "V") == pytest.approx(number * scale)


@given(st.text(max_size=30), st.sampled_from(["V", "A", "s", "%", "ohm"]))
def test_any_text_gives_a_number_or_a_value_error(text: str, unit: str) -> None:
    try:
        value = parse_quantity(text, unit)
    except ValueError:
        return
    assert value == value  # noqa: PLR0124 - not NaN
