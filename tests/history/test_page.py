"""The page and its charts, as XML; a browser looks at it in test_page_in_a_browser.py."""

from __future__ import annotations

import random
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hil.history.errors import HistoryError
from hil.history.page import page, write_page
from hil.history.queries import outcomes, readings, runs
from hil.history.series import Series, series_of
from hil.history.spark import ASCII, BLOCKS, blocks_for, sparkline, strip
from hil.history.steadiness import steadiness_of
from hil.history.store import History
from hil.history.svg import HEIGHT, WIDTH, trend_chart
from tests.history.building import measurement, record

NAME = "test<a>&\"'"


def fill(history: History, *, days: int = 34) -> None:
    """A value that drifts from day 25 on, with one odd value on day 12."""
    chance = random.Random(2)  # noqa: S311 - noise
    for day in range(days):
        value = 1.8 + chance.gauss(0, 0.002) + 0.003 * max(0, day - 24) + 0.04 * (day == 12)
        history.add(
            record(
                f"r{day}",
                {NAME: "FAIL" if day in (3, 9) else "PASS"},
                day=day,
                measurements={NAME: [measurement(value)]},
                item={"model": "<i>M1", "serial": "42"},
            )
        )


def _series(history: History) -> Series:
    (one,) = series_of(readings(history, "jig voltage"))
    return one


def _svg(text: str) -> ET.Element:
    return ET.fromstring(re.sub(r' xmlns="[^"]+"', "", text))  # noqa: S314 - our own


def test_a_chart_shows_values_uncertainty_limits_drift_and_outliers(history: History) -> None:
    fill(history)
    svg = _svg(trend_chart(_series(history)))
    points = [g for g in svg.iter("g") if g.find("circle") is not None]
    assert len(points) == 34
    assert all(g.find("path") is not None for g in points), "no error bar"
    texts = {text.text for text in svg.iter("text")}
    assert {"upper limit 1.89", "lower limit 1.71", "baseline", "V", "2026-09-21"} <= texts
    assert len(svg.findall(".//line[@stroke-dasharray]")) == 2
    odd = [
        g.findtext("title", "") for g in points if g.find("circle[@class='outlier']") is not None
    ]
    assert ", r12, " in odd[0]
    assert len(svg.findall(".//path[@class='drift']")) >= 3
    assert svg.find("polyline") is not None


def test_points_stand_in_order_and_inside_the_picture(history: History) -> None:
    fill(history)
    one = _series(history)
    circles = _svg(trend_chart(one)).findall("g/circle[@r='2.6']")
    x = [float(circle.get("cx", "")) for circle in circles]
    y = [float(circle.get("cy", "")) for circle in circles]
    assert x == sorted(x)
    assert all(0 < value < WIDTH for value in x)
    assert all(0 < value < HEIGHT for value in y)
    means = [point.mean for point in one.points]
    assert y.index(min(y)) == means.index(max(means))


def test_a_far_limit_is_named_and_does_not_flatten_the_values(history: History) -> None:
    for day in range(3):
        taken = measurement(3.2 + day / 100, limits="at most 1200 s")
        history.add(record(f"r{day}", {"t": "PASS"}, day=day, measurements={"t": [taken]}))
    svg = _svg(trend_chart(_series(history)))
    assert "upper limit 1200 ↑" in {text.text for text in svg.iter("text")}
    assert not svg.findall(".//line[@stroke-dasharray]")


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [1e-12, 2e-12], [-1e9, 1e9], ["nan"]])
def test_any_values_make_a_chart(history: History, values: list[object]) -> None:
    for day, value in enumerate(values):
        taken = measurement(value, limits="", expanded_uncertainty=None)
        history.add(record(f"r{day}", {"t": "PASS"}, day=day, measurements={"t": [taken]}))
    text = trend_chart(_series(history))
    assert "nan" not in text
    assert "inf" not in text
    _svg(text)


def _page(history: History) -> str:
    found = steadiness_of(outcomes(history, None))
    return page("History <of> runs", runs(history), found, [_series(history)])


def test_the_page_escapes_loads_nothing_and_is_the_same_again(history: History) -> None:
    fill(history)
    text = _page(history)
    assert text == _page(history)
    assert "<a>" not in text
    assert "<i>" not in text
    assert "test&lt;a&gt;&amp;&quot;&#x27;" in text
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=|url\(|@import", text)
    assert "4 of 33" in text
    assert "ALARM" in text
    assert "VIRTUAL" not in text


def test_what_is_virtual_is_marked(history: History) -> None:
    taken = {"t": [measurement(1.8)]}
    history.add(record("r", {"t": "PASS"}, measurements=taken, virtual=True))
    assert _page(history).count(">VIRTUAL<") == 3


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("before")
    with pytest.raises(AttributeError):
        write_page(file, "x", [], [], [None])  # type: ignore[list-item]
    with pytest.raises(HistoryError, match="cannot be written"):
        write_page(tmp_path / "none" / "page.html", "x", [], [], [])
    assert file.read_text() == "before"
    write_page(file, "a lone \udc80", [], [], [])
    assert "a lone \\udc80" in file.read_text("utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_an_interrupt_leaves_nothing_beside_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_path: Path, _to: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_page(tmp_path / "page.html", "x", [], [], [])
    assert list(tmp_path.iterdir()) == []


def test_sparklines_and_strips() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == BLOCKS
    assert sparkline([5, 5]) == "▅▅"
    assert sparkline([0, 1], blocks=ASCII) == "_#"
    assert sparkline([9, 0, 1], width=2) == "▁█"
    assert sparkline([-1.7e308, 1.7e308]) == "▁█"
    assert sparkline([]) == ""
    assert strip(["PASS", "FAIL", "INCONCLUSIVE", "ERROR", "NOT APPLICABLE", "what"]) == ".FIE-?"
    assert blocks_for("utf-8") == BLOCKS
    assert blocks_for("latin-1") == blocks_for(None) == blocks_for("nonsense") == ASCII
