"""Numbers of replies: what is written is read, and what was cut off never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.forms import NumberForm
from hil.errors import ProtocolError

DECIMALS = st.integers(1, 6)
VALUES = st.floats(-1000, 1000, allow_nan=False)
FRAMES = st.sampled_from([("", ""), ("V1 ", ""), ("", "V"), ("VP1 ", ""), ("", "A")])


@given(VALUES, DECIMALS, FRAMES)
def test_what_is_written_is_read(value: float, decimals: int, frame: tuple[str, str]) -> None:
    echo, unit = frame
    form = NumberForm((decimals, decimals), echo=echo.replace("1", "{n}"), unit=unit)
    written = f"{value:.{decimals}f}"
    assert replies.read_number(f"{echo}{written}{unit}", form, "here", 1) == float(written)


@given(VALUES, DECIMALS, FRAMES, st.data())
def test_what_was_cut_off_is_refused(
    value: float, decimals: int, frame: tuple[str, str], data: st.DataObject
) -> None:
    echo, unit = frame
    form = NumberForm((decimals, decimals), echo=echo.replace("1", "{n}"), unit=unit)
    whole = f"{echo}{value:.{decimals}f}{unit}"
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ProtocolError):
        replies.read_number(cut, form, "here", 1)


@given(VALUES.filter(lambda value: value == 0 or abs(value) > 1e-90))
def test_nr3_is_read_and_refused_when_cut(value: float) -> None:
    written = f"{value:+.5E}"
    for form in (NumberForm(None), NumberForm((3, 3), exponent=True)):
        assert replies.read_number(written, form, "here") == float(written)
        for end in range(9, len(written)):
            with pytest.raises(ProtocolError):
                replies.read_number(written[:end], form, "here")


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_a_named_error(text: str) -> None:
    for form in (NumberForm(None), NumberForm((1, 4), exponent=True, echo="V{n} ", unit="V")):
        try:
            found = replies.read_number(text, form, "here", 1)
        except ProtocolError:
            continue
        assert abs(found) < 9e37
