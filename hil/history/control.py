"""Is a measured value still where it was? A control chart with an alarm for drift.

The alarm is an EWMA chart (NIST e-Handbook 6.3.2.4), not the run rules of Western Electric: an
instrument or a product drifts slowly, which an average with a memory finds earliest, at a rate of
false alarms that is known: with weight 0.2 and width 2.962 one in about 500 values (Lucas and
Saccucci, Technometrics 32 (1990), 1). Run rules, all together, cry wolf once in about 90.

Centre and scatter come from the first values, the baseline; the scatter from moving ranges, so that
a drift within the baseline does not hide itself. A single odd value is an outlier, and no drift: it
is kept and marked, and moves the average by no more than three standard deviations would.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.history.enough import LEAST, NotEnough

if TYPE_CHECKING:
    from collections.abc import Sequence

D2: Final = 1.128
"""Mean range of two values in standard deviations (NIST e-Handbook 6.3.2.2)."""
WEIGHT: Final = 0.2
WIDTH: Final = 2.962
OUTLIER: Final = 3.0
"""Beyond how many standard deviations of the baseline a value is an outlier."""


@dataclass(frozen=True, slots=True)
class Chart:
    """``averages`` (EWMA) leave ``low`` to ``high`` at the places in ``alarms``.

    ``centre`` and ``sigma`` are of the baseline; ``outliers`` are places of odd values.
    """

    centre: float
    sigma: float
    averages: tuple[float, ...]
    low: float
    high: float
    alarms: tuple[int, ...]
    outliers: tuple[int, ...]

    @property
    def drifts(self) -> bool:
        """Whether the newest average lies outside."""
        return bool(self.alarms) and self.alarms[-1] == len(self.averages) - 1


def moving_sigma(values: Sequence[float]) -> float:
    """Return the standard deviation by the mean moving range of two; 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    ranges = [abs(b - a) for a, b in itertools.pairwise(values)]
    return math.fsum(ranges) / len(ranges) / D2


def chart(
    values: Sequence[float],
    *,
    baseline: int = LEAST,
    weight: float = WEIGHT,
    width: float = WIDTH,
    centre: float | None = None,
    sigma: float | None = None,
) -> Chart | NotEnough:
    """Judge ``values``, in order; ``centre`` and ``sigma`` are taken from the baseline if None.

    Raises ValueError for a weight outside 0 < weight <= 1 or a baseline below 2.
    """
    if not 0 < weight <= 1 or baseline < 2:
        raise ValueError(f"no control chart with weight {weight} and a baseline of {baseline}")
    if (centre is None or sigma is None) and len(values) < baseline:
        return NotEnough(len(values), baseline)
    first = values[:baseline]
    middle = math.fsum(first) / len(first) if centre is None else centre
    scatter = moving_sigma(first) if sigma is None else sigma
    if not scatter > 0:
        return NotEnough(len(values), baseline, "the first values are all alike: no scatter")
    averages: list[float] = []
    average, reach = middle, OUTLIER * scatter
    for value in values:
        held = min(max(value, middle - reach), middle + reach)
        average = weight * held + (1 - weight) * average
        averages.append(average)
    half = width * scatter * math.sqrt(weight / (2 - weight))
    return Chart(
        middle,
        scatter,
        tuple(averages),
        middle - half,
        middle + half,
        tuple(i for i, one in enumerate(averages) if abs(one - middle) > half),
        tuple(i for i, one in enumerate(values) if abs(one - middle) > reach),
    )
