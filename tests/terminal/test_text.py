"""Text that fits, whatever it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.terminal.text import about, clean, clock, columns, fit, short


@given(st.text(), st.integers(0, 120))
def test_nothing_is_wider_than_it_may(text: str, width: int) -> None:
    shown = fit(clean(text), width)
    assert columns(shown) <= width
    if columns(clean(text)) <= width:
        assert shown == clean(text)


@given(st.text())
def test_nothing_drives_the_terminal(text: str) -> None:
    shown = clean(text)
    assert len(shown) == len(text)
    assert not {"\x1b", "\r", "\n", "\x9b", "\u202e", "\x7f", "\u2028"}.intersection(shown)


def test_escape_codes_of_a_title_are_shown_as_such() -> None:
    assert clean("a\x1b[2Jb\nc\td") == "a?[2Jb c d"


def test_wide_and_combining_characters() -> None:
    assert columns("読む") == 4
    assert columns("e\u0301") == 1
    assert fit("読む読む", 5) == "読..."
    assert fit("abcdef", 5, ellipsis="…") == "abcd…"
    assert fit("abcdef", 2) == ".."


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-1, "00:00"), (0, "00:00"), (72.9, "01:12"), (3599, "59:59"), (3723, "1:02:03")],
)
def test_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (41.2, "41 s"), (125, "02:05")]
)
def test_short(seconds: float, told: str) -> None:
    assert short(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "about 5 s"),
        (42, "about 40 s"),
        (56, "about 1 min"),
        (840, "about 14 min"),
        (4800, "about 1 h 20 min"),
        (7200, "about 2 h"),
        (3590, "about 1 h"),
    ],
)
def test_about(seconds: float, told: str) -> None:
    assert about(seconds) == told
