"""A series as a picture: values with U, limits, control band, average, drift and outliers marked.

Drawn by hand, without matplotlib: a page with thirty charts is made in a moment, on any machine.
Runs stand side by side at equal distance, since they come in bursts; their dates are below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from hil.history import words
from hil.history.control import Chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.history.series import Point, Series

WIDTH: Final = 860
HEIGHT: Final = 260
_LEFT: Final = 76
_RIGHT: Final = 118
_TOP: Final = 22
_BOTTOM: Final = 34
_FARTHEST: Final = 6.0
"""A limit farther from the values than so many times their span is named, and not drawn."""
_COLOURS: Final = {"FAIL": "#b42318", "INCONCLUSIVE": "#b25e00"}
_INK: Final = "#24292f"
_VALUE: Final = "#0550ae"
_LIMIT: Final = "#b42318"
_AVERAGE: Final = "#8250df"


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    count: int

    def x(self, place: int) -> float:
        inner = WIDTH - _LEFT - _RIGHT
        return _LEFT + inner * (place + 0.5) / self.count

    def y(self, value: float) -> float:
        inner = HEIGHT - _TOP - _BOTTOM
        return _TOP + inner * (self.high - value) / (self.high - self.low)


def trend_chart(series: Series) -> str:
    """Return the chart as an SVG element with its text as text; the same series, the same bytes."""
    label = escape(f"{series.name}: {len(series.points)} runs, {words.limits(series)}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{label}" font-family="sans-serif" font-size="11" fill="{_INK}">'
    ]
    if series.points:
        parts += _drawing(series)
    else:
        parts.append(f'<text x="{_LEFT}" y="{HEIGHT // 2}">no value is a number</text>')
    return "\n".join([*parts, "</svg>"])


def _drawing(series: Series) -> Iterator[str]:
    chart = series.chart if isinstance(series.chart, Chart) else None
    values = list(_extent(series, chart))
    limits = [(series.high, "upper limit"), (series.low, "lower limit")]
    near = [limit for limit, _ in limits if limit is not None and _is_near(limit, values)]
    scale = _scale([*values, *near], len(series.points))
    yield from _grid(scale, series.unit)
    if chart is not None:
        yield from _band(scale, chart)
    for limit, name in limits:
        if limit is not None:
            yield from _limit(scale, limit, f"{name} {words.amount(limit)}", drawn=limit in near)
    for place, point in enumerate(series.points):
        yield _point(
            scale, place, point, series.unit, odd=chart is not None and place in chart.outliers
        )
    if chart is not None:
        yield from _average(scale, chart)
    yield from _dates(scale, series)


def _extent(series: Series, chart: Chart | None) -> Iterator[float]:
    for point in series.points:
        margin = point.expanded or 0.0
        yield min(point.least, point.mean - margin)
        yield max(point.most, point.mean + margin)
    if chart is not None:
        yield from (chart.low, chart.high)


def _is_near(limit: float, values: list[float]) -> bool:
    low, high = min(values), max(values)
    return max(low - limit, limit - high) <= _FARTHEST * (high - low)


def _scale(values: list[float], count: int) -> _Scale:
    low, high = min(values), max(values)
    margin = (high - low) * 0.07 or abs(high) * 0.01 or 1.0
    return _Scale(low - margin, high + margin, count)


def _grid(scale: _Scale, unit: str) -> Iterator[str]:
    step = _step(scale.high - scale.low)
    decimals = max(0, -math.floor(math.log10(step)))
    tick = math.ceil(scale.low / step)
    while tick * step <= scale.high:
        y, label = scale.y(tick * step), f"{tick * step:.{decimals}f}"
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" '
            f'stroke="#d0d7de" stroke-width="0.6"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
        tick += 1
    yield f'<text x="{_LEFT - 6}" y="12" text-anchor="end">{escape(unit)}</text>'


def _step(span: float) -> float:
    """Return a round distance of grid lines: four to eight of them."""
    raw = span / 6
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)


def _band(scale: _Scale, chart: Chart) -> Iterator[str]:
    top, bottom = scale.y(chart.high), scale.y(chart.low)
    yield (
        f'<rect x="{_LEFT}" y="{top:.1f}" width="{WIDTH - _LEFT - _RIGHT}" '
        f'height="{bottom - top:.1f}" fill="{_AVERAGE}" fill-opacity="0.09"/>'
    )
    yield _side(scale.y(chart.centre), "baseline", _AVERAGE)


def _limit(scale: _Scale, limit: float, name: str, *, drawn: bool) -> Iterator[str]:
    if not drawn:
        above = limit > scale.high
        edge = _TOP - 8 if above else HEIGHT - _BOTTOM - 4
        yield _side(edge, f"{name} {'↑' if above else '↓'}", _LIMIT)
        return
    y = scale.y(limit)
    yield (
        f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{_LIMIT}" '
        f'stroke-width="1.3" stroke-dasharray="6 3"/>'
    )
    yield _side(y, name, _LIMIT)


def _side(y: float, text: str, colour: str) -> str:
    return (
        f'<text x="{WIDTH - _RIGHT + 6}" y="{y + 4:.1f}" font-size="10" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _point(scale: _Scale, place: int, point: Point, unit: str, *, odd: bool) -> str:
    x, y = scale.x(place), scale.y(point.mean)
    colour = _COLOURS.get(point.verdict, _VALUE)
    told = words.plus_minus(point.mean, point.expanded, unit)
    told += f", {words.when(point.of.began_ns)}, {point.of.run}, {point.of.item}"
    if point.count > 1:
        told += f", {point.count} values {point.least:g} to {point.most:g}"
    told += f", {point.verdict}" * bool(point.verdict) + ", outlier" * odd
    drawn = [f"<g><title>{escape(told)}</title>"]
    if point.expanded:
        top, bottom = scale.y(point.mean + point.expanded), scale.y(point.mean - point.expanded)
        drawn.append(
            f'<path d="M{x - 2.5:.1f} {top:.1f}h5m-2.5 0V{bottom:.1f}m-2.5 0h5" '
            f'stroke="{colour}" stroke-width="1" fill="none"/>'
        )
    if point.count > 1:
        drawn.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{scale.y(point.least):.1f}" '
            f'y2="{scale.y(point.most):.1f}" stroke="{colour}" stroke-width="4" '
            f'stroke-opacity="0.25"/>'
        )
    drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>')
    if odd:
        drawn.append(
            f'<circle class="outlier" cx="{x:.1f}" cy="{y:.1f}" r="6.5" fill="none" '
            f'stroke="{_INK}" stroke-width="1.4"/>'
        )
    return "".join([*drawn, "</g>"])


def _average(scale: _Scale, chart: Chart) -> Iterator[str]:
    path = " ".join(
        f"{scale.x(place):.1f},{scale.y(value):.1f}" for place, value in enumerate(chart.averages)
    )
    yield f'<polyline points="{path}" fill="none" stroke="{_AVERAGE}" stroke-width="1.6"/>'
    for place in chart.alarms:
        x = scale.x(place)
        yield (
            f'<path class="drift" d="M{x:.1f} {_TOP - 4}l-4.5 -8h9z" fill="{_AVERAGE}">'
            f"<title>drift: average {words.amount(chart.averages[place])}</title></path>"
        )


def _dates(scale: _Scale, series: Series) -> Iterator[str]:
    last = len(series.points) - 1
    for place in sorted({0, last // 3, 2 * last // 3, last}):
        when = words.when(series.points[place].of.began_ns)[:10]
        anchor = "start" if place == 0 and last else "end" if place == last and last else "middle"
        yield (
            f'<text x="{scale.x(place):.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}">{when}</text>'
        )
