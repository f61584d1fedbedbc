"""Times as measured values: what the clock of the computer that runs the tests says, and how sure.

Causes and answers are seen between two instants each; so a time is an interval, or a bound.
"""

from __future__ import annotations

from typing import Final

from hil.metrology.measured import Instrument, Measured
from hil.metrology.uncertainty import Budget, Contribution, rectangular

RATE: Final = 5e-4
"""Bound of the relative error of a time: as far as Linux lets NTP correct a clock (500 ppm)."""
CLOCK: Final = Instrument(
    "clock of the computer",
    accuracy="rate within 0.05 %, as far as NTP may correct it (assumed)",
    assumed=True,
)
"""The monotonic clock on which everything of a run is stamped. Nobody calibrates it."""


def elapsed(name: str, least_s: float, longest_s: float) -> Measured:
    """Return the time between ``least_s`` and ``longest_s``, in seconds: the middle of both."""
    middle = (least_s + longest_s) / 2
    half = abs(longest_s - least_s) / 2
    between = (rectangular("between the answers", half),) if half else ()
    return by_clock(name, middle, "s", *between)


def by_clock(name: str, value: float, unit: str, *more: Contribution) -> Measured:
    """Return what rests on one time by the clock: a bound of it, or a rate made of it.

    ``more``: what its uncertainty has besides the clock's.
    """
    budget = Budget((rectangular("rate of the clock", abs(value) * RATE), *more))
    return Measured(name, value, unit, budget, CLOCK)
