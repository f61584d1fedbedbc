"""The picture of a waveform: everything labelled, light on disk, the same every time."""

from __future__ import annotations

import gzip
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from hil.evidence import Notebook
from hil.evidence.pictures import DATA, FOLDER, PICTURE, ROWS_SHOWN, show
from hil.evidence.plot import Caption, PlotUnavailableError, svg
from hil.evidence.plot_traces import MOST_POINTS, envelope
from hil.evidence.plot_zones import stays, stretches
from hil.evidence.waveform import Mark, Waveform, Window
from tests.evidence.waveforms import from_csv

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

MS = 1_000_000
WINDOW = Window(1.71, 1.89, 1.69, 1.91, 0.030, 0.200, 0.100)
CAPTION = Caption(
    "A visit that is too short", "FAIL", "bench b    DP832 DP8C1    cal due 2027-01-31"
)


def waveform(*, readings: int = 100) -> Waveform:
    """A pulse from 1.5 V to 1.8 V at 300 ms for 120 ms, then the output off."""
    marks = [
        Mark("set", "jig", 0, 10 * MS, 1.5, 0.02, "on"),
        Mark("set", "jig", 300 * MS, 301 * MS, 1.8, 0.02, "on", due_ns=300 * MS),
        Mark("set", "jig", 420 * MS, 428 * MS, 1.5, 0.02, "on", due_ns=420 * MS),
        Mark("set", "jig", 700 * MS, 710 * MS, 0.0, 0.02, "off"),
    ]
    for n in range(readings):
        at = n * 700 * MS // readings
        volts = 1.8 if 300 * MS <= at < 420 * MS else 1.5
        marks.append(Mark("read", "jig", at, at + MS, volts + n % 3 / 1000, 0.004))
        state = "dwelling" if volts == 1.8 else "below"
        marks.append(Mark("device", "device", at, at + MS, volts, None, state, accepted=False))
    return Waveform.of(marks, start_ns=0, window=WINDOW)


def texts(picture: str) -> str:
    return " ".join("".join(node.itertext()) for node in ET.fromstring(picture).iter())  # noqa: S314


def test_axes_units_window_times_states_verdict_and_title_are_in_it() -> None:
    words = texts(svg(waveform(), CAPTION))
    for word in (
        "time / s", "voltage / V", "current / mA", "device",
        "window 1.71 … 1.89 V", "debounce 30 ms", "dwell 200 ms", "left too early",
        "below", "dwelling", "jig set", "jig read", "device reads",
        "A visit that is too short", "FAIL", "cal due 2027-01-31",
    ):  # fmt: skip
        assert word in words, word


def test_the_same_waveform_gives_the_same_bytes() -> None:
    one, other = svg(waveform(), CAPTION), svg(waveform(), CAPTION)
    assert one == other
    assert not re.search(r"20\d\d-\d\d-\d\dT", one)


def test_many_readings_stay_light() -> None:
    long = list(waveform(readings=20_000).marks)
    for n in range(100):
        at = n * 7 * MS
        long.append(Mark("set", "rail", at, at + MS, 3.0 + n % 2, 1.0, "on", due_ns=at))
        long.append(Mark("read", "rail", at, at + MS, 3.0 + n % 2, 0.1))
    heavy = Waveform.of(long, start_ns=0, window=WINDOW)
    assert len(svg(heavy, CAPTION).encode()) < 150_000


def test_dollars_are_no_formula_and_long_titles_end() -> None:
    words = texts(svg(waveform(), Caption("costs $5 and $6 " + "x" * 200)))
    assert "costs $5 and $6" in words
    assert "x" * 120 not in words


def test_an_empty_or_tiny_waveform_can_be_drawn() -> None:
    mark = Mark("device", "device", 5, 5, state="strange", accepted=False)
    for one in (Waveform(0, ()), Waveform(0, (mark,)), Waveform(0, (mark,), WINDOW)):
        assert "<svg" in svg(one, Caption("t"))


def test_a_window_of_amps_stands_on_the_amps() -> None:
    window = Window(0.0037, 0.0043, 0.0036, 0.0044, 0.03, 0.2, 0.1, unit="A")
    words = texts(svg(Waveform(0, waveform().marks, window), Caption("t")))
    assert "window 3.7 … 4.3 mA" in words


def test_thinning_a_line_keeps_its_peaks() -> None:
    values = [0.0] * 10_000
    values[1234], values[8765] = 5.0, -5.0
    _, kept = envelope(range(10_000), values)
    assert len(kept) <= MOST_POINTS
    assert (max(kept), min(kept)) == (5.0, -5.0)


def test_stays_and_stretches_are_what_was_set_and_said() -> None:
    (stay,) = stays(waveform(), WINDOW)
    assert stay == pytest.approx((0.3005, 0.424))
    assert [one.state for one in stretches(waveform())] == ["below", "dwelling", "below"]


def test_what_nobody_asked_is_not_said() -> None:
    marks = [
        Mark("device", "device", at * MS, (at + 1) * MS, 1.5, None, "below", accepted=False)
        for at in (0, 10, 20, 2000, 2010)
    ]
    first, second = stretches(Waveform.of(marks, start_ns=0))
    assert (first.end_s, second.begin_s) == pytest.approx((0.021, 2.0005))


class View:
    def __init__(self) -> None:
        self.attached: dict[str, tuple[str, str | bytes]] = {}

    def step(self, title: str) -> AbstractContextManager[None]:
        return nullcontext()

    def attach(self, name: str, body: str | bytes, *, kind: str = "text") -> None:
        self.attached[name] = (kind, body)


def test_picture_and_data_are_attached_and_kept(tmp_path: Path) -> None:
    view, drawn = View(), waveform(readings=20)
    show(drawn, CAPTION, Notebook(view=view), folder=tmp_path, name="a/test_b.py::test_c[x y]")
    assert [kind for kind, _ in view.attached.values()] == ["svg", "csv"]
    assert "<svg" in str(view.attached[PICTURE][1])
    assert from_csv(str(view.attached[DATA][1])).marks == drawn.marks
    names = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert names == ["a_test_b.py_test_c_x_y.csv", "a_test_b.py_test_c_x_y.svg"]


def test_long_data_is_shown_in_part_and_attached_whole() -> None:
    view, drawn = View(), waveform(readings=1000)
    show(drawn, CAPTION, Notebook(view=view))
    kinds = dict(view.attached.values())
    assert len(str(kinds["csv"]).splitlines()) <= ROWS_SHOWN + 20
    whole = kinds["csv.gz"]
    assert isinstance(whole, bytes)
    assert from_csv(gzip.decompress(whole).decode()).marks == drawn.marks


def test_without_the_library_the_data_is_there_and_the_cure_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    view = View()
    show(waveform(), CAPTION, Notebook(view=view))
    assert PICTURE not in view.attached
    assert any(name.startswith(DATA) for name in view.attached)
    (note,) = [body for name, (_, body) in view.attached.items() if name.startswith(PICTURE)]
    assert "pip install 'hil-esim[plot]'" in str(note)
    with pytest.raises(PlotUnavailableError):
        svg(waveform(), CAPTION)


def test_nobody_to_see_it_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.evidence.plot.svg", lambda *_: pytest.fail("it was drawn"))
    show(waveform(), CAPTION, Notebook())
