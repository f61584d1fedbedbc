"""Waveforms go out as CSV, and others read them the same; what is thinned tells the same story."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from hil.evidence.waveform import Mark, Waveform
from hil.evidence.waveform_csv import COLUMNS, thinned, to_csv
from tests.evidence.waveforms import from_csv

INSTANTS = st.integers(-(10**13), 10**13)
TEXTS = st.text("ab1 ,;\"'\r\n\tµ€", max_size=8)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def marks(draw: st.DrawFn) -> Mark:
    earliest = draw(INSTANTS)
    return Mark(
        draw(st.sampled_from(("set", "read", "device"))),
        draw(TEXTS),
        earliest,
        earliest + draw(st.integers(0, 10**10)),
        draw(NUMBERS),
        draw(NUMBERS),
        draw(TEXTS),
        draw(st.none() | st.booleans()),
        draw(st.none() | INSTANTS),
        draw(TEXTS),
    )


@given(st.lists(marks(), max_size=8), INSTANTS)
def test_out_and_in_again(given_marks: list[Mark], start_ns: int) -> None:
    waveform = Waveform.of(given_marks, start_ns=start_ns)
    assert from_csv(to_csv(waveform), start_ns=start_ns) == waveform


def test_a_foreign_reader_finds_the_columns() -> None:
    mark = Mark("set", "jig", 1_500_000_000, 1_501_000_000, 1.8, 0.02, "on", due_ns=1_500_000_000)
    (row,) = csv.DictReader(io.StringIO(to_csv(Waveform(1_000_000_000, (mark,)))))
    assert tuple(row) == COLUMNS
    assert float(row["earliest_s"]) == 0.5
    assert float(row["latest_s"]) == 0.501
    assert (row["volts"], row["amps"], row["state"], row["accepted"]) == ("1.8", "0.02", "on", "")


@given(st.lists(marks(), max_size=60), st.integers(0, 30))
def test_thinning_keeps_set_points_and_changes_of_mind(given_marks: list[Mark], most: int) -> None:
    waveform = Waveform.of(given_marks, start_ns=0)
    thin = thinned(waveform, most)
    assert thin.of_kind("set") == waveform.of_kind("set")
    assert set(thin.marks) <= set(waveform.marks)
    said = [(m.state, m.accepted) for m in waveform.of_kind("device")]
    changes = [one for index, one in enumerate(said) if index == 0 or said[index - 1] != one]
    kept = [(m.state, m.accepted) for m in thin.of_kind("device")]
    kept_changes = [one for index, one in enumerate(kept) if index == 0 or kept[index - 1] != one]
    assert kept_changes == changes
