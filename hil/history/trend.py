"""The straight line through measured values: how fast they move, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.history.student import coverage_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST: Final = 3
"""Fewest points that say anything of their scatter about a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A least-squares line; ``standard`` and ``expanded`` (95 %) uncertainty are the slope's."""

    slope: float
    intercept: float
    standard: float
    expanded: float
    points: int

    @property
    def moves(self) -> bool:
        """Whether the slope differs from none, at 95 %."""
        return abs(self.slope) > self.expanded


def line(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """Fit a line (NIST e-Handbook 4.4.3.1); None for fewer than three points, or all at one x."""
    n = len(x)
    if n < LEAST:
        return None
    mean_x, mean_y = math.fsum(x) / n, math.fsum(y) / n
    spread = math.fsum((one - mean_x) ** 2 for one in x)
    if not spread:
        return None
    slope = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    intercept = mean_y - slope * mean_x
    left = math.fsum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    standard = math.sqrt(left / (n - 2) / spread)
    return Line(slope, intercept, standard, coverage_factor(n - 2) * standard, n)
