"""Values and findings in words, for the terminal and the page."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from hil.history.enough import NotEnough

if TYPE_CHECKING:
    from hil.history.series import Series


def when(ns: int) -> str:
    """Return a UTC time to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(ns / 1e9))


def amount(value: float, expanded: float | None = None) -> str:
    """Return a value with the decimals that its U has with two digits (GUM 7.2.6)."""
    if expanded is None or not (math.isfinite(expanded) and expanded > 0):
        return f"{value:.6g}"
    decimals = 1 - math.floor(math.log10(expanded))
    if not 0 <= decimals <= 9:
        return f"{value:.6g}"
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def plus_minus(value: float, expanded: float | None, unit: str) -> str:
    """Return value ± U with the unit."""
    if expanded is None:
        return f"{amount(value)} {unit}".rstrip()
    return f"{amount(value, expanded)} ± {amount(expanded, expanded)} {unit}".rstrip()


def limits(series: Series) -> str:
    """Return the limits of a series."""
    low, high, unit = series.low, series.high, series.unit
    if low is None and high is None:
        return "no limits"
    told = (
        f"at most {high:g} {unit}"
        if low is None
        else f"at least {low:g} {unit}"
        if high is None
        else f"{low:g} to {high:g} {unit}"
    )
    other = f" ({series.other_limits} values had others)" if series.other_limits else ""
    return f"limits {told.rstrip()}{other}"


def trend(series: Series) -> str:
    """Return how fast a series moves."""
    found = series.trend
    if found is None:
        return "not enough runs for a trend"
    told = plus_minus(found.slope, found.expanded or None, series.unit)
    return f"{told} a day, {'moves' if found.moves else 'no trend at 95 %'}"


def drift(series: Series) -> str:
    """Return what the control chart says."""
    found = series.chart
    if isinstance(found, NotEnough):
        return str(found)
    band = f"{amount(found.low)} to {amount(found.high)} {series.unit}".rstrip()
    if not found.alarms:
        return f"none (average within {band})"
    first = series.points[found.alarms[0]].of
    state = "ALARM" if found.drifts else "was outside, is back"
    return (
        f"{state}: average {amount(found.averages[-1])}, band {band}, "
        f"{len(found.alarms)} runs outside, the first {when(first.began_ns)} ({first.run})"
    )


def capable(series: Series) -> str:
    """Return the capability indices."""
    found = series.capability
    if isinstance(found, NotEnough):
        return str(found)
    named = [
        f"{name} {value:.2f}"
        for name, value in (
            ("Cp", found.cp),
            ("Cpk", found.cpk),
            ("Pp", found.pp),
            ("Ppk", found.ppk),
        )
        if value is not None
    ]
    if found.ppk_low is not None:
        named.append(f"(Ppk {found.ppk_low:.2f} to {found.ppk_high:.2f} at 95 %)")
    moved = not isinstance(series.chart, NotEnough) and series.chart.alarms
    told = " ".join(named) or "no scatter"
    return f"{told}; not in control, so Cp and Cpk foretell nothing" if moved else told


def outliers(series: Series) -> str:
    """Return the odd values: they are kept, and named."""
    if isinstance(series.chart, NotEnough):
        return ""
    return ", ".join(
        f"{amount(series.points[place].mean)} {series.unit} ({series.points[place].of.run})"
        for place in series.chart.outliers
    )
