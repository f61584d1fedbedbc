"""Measured values that may be compared, and what they tell together.

Values of one series have the same name, unit and test, were taken on the same bench by the same
instrument, and are all virtual or all real. Trend and drift look at one point a run, the mean of
its values: repeats within a run scatter less than runs do, and would make every chart cry wolf.
Capability looks at each value.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.evidence.verdict import WORST_FIRST
from hil.history.capability import Capability, capability
from hil.history.control import Chart, chart
from hil.history.enough import LEAST, NotEnough
from hil.history.trend import Line, line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.history.queries import Of, Reading

DAY_NS: Final = 86_400 * 10**9
SEVERAL: Final = "several"


@dataclass(frozen=True, slots=True)
class Point:
    """The values of one run: mean, lowest, highest, how many, and the largest U among them."""

    of: Of
    mean: float
    least: float
    most: float
    count: int
    expanded: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Series:
    """Values that belong together; ``low`` and ``high`` are the limits of the newest.

    ``trend`` is in units a day, None with fewer than three runs. ``without_number`` counts what was
    noted and is no number, ``other_limits`` how many were judged by other limits than the newest.
    """

    name: str
    unit: str
    virtual: bool
    test: str
    bench: str
    instrument: str
    points: tuple[Point, ...]
    values: int
    without_number: int
    low: float | None
    high: float | None
    other_limits: int
    trend: Line | None
    chart: Chart | NotEnough
    capability: Capability | NotEnough


def series_of(
    readings: Iterable[Reading], *, together: bool = False, baseline: int = LEAST
) -> list[Series]:
    """Sort ``readings``, in the order of their runs, into series; real ones come first.

    ``together`` takes benches and instruments into one series; virtual and real never meet.
    """
    sorted_: dict[tuple[bool, str, str, str, str, str], list[Reading]] = defaultdict(list)
    for one in readings:
        place = ("", "") if together else (one.of.bench, one.instrument)
        sorted_[one.of.virtual, one.name, one.unit, one.test, *place].append(one)
    return [_series(found, baseline) for _, found in sorted(sorted_.items())]


def _series(readings: list[Reading], baseline: int) -> Series:
    newest = readings[-1]
    numbers = [(one, one.value) for one in readings if one.value is not None]
    limited = [one for one, _ in numbers if one.low is not None or one.high is not None]
    low, high = (limited[-1].low, limited[-1].high) if limited else (None, None)
    points = _points(numbers)
    days = [(point.of.began_ns - points[0].of.began_ns) / DAY_NS for point in points]
    means = [point.mean for point in points]
    return Series(
        name=newest.name,
        unit=newest.unit,
        virtual=newest.of.virtual,
        test=newest.test,
        bench=_one({one.of.bench for one in readings}),
        instrument=_one({one.instrument for one in readings}),
        points=tuple(points),
        values=len(numbers),
        without_number=len(readings) - len(numbers),
        low=low,
        high=high,
        other_limits=sum(1 for one in limited if (one.low, one.high) != (low, high)),
        trend=line(days, means),
        chart=chart(means, baseline=baseline),
        capability=capability([value for _, value in numbers], low, high, least=baseline),
    )


def _points(numbers: list[tuple[Reading, float]]) -> list[Point]:
    runs: dict[str, list[tuple[Reading, float]]] = defaultdict(list)
    for one, value in numbers:
        runs[one.of.run].append((one, value))
    return [_point(found) for found in runs.values()]


def _point(found: list[tuple[Reading, float]]) -> Point:
    values = [value for _, value in found]
    verdicts = {one.verdict for one, _ in found}
    return Point(
        of=found[0][0].of,
        mean=math.fsum(values) / len(values),
        least=min(values),
        most=max(values),
        count=len(values),
        expanded=max((one.expanded for one, _ in found if one.expanded is not None), default=None),
        verdict=next((one for one in WORST_FIRST if one in verdicts), ""),
    )


def _one(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else f"{SEVERAL}: {', '.join(sorted(names))}"
