"""Numbers as a journal may hold them: JSON knows no bounds, and a file may hold anything."""

from __future__ import annotations

import math
from typing import Final

MOST: Final = 2**63 - 1
"""Largest count, size or time in nanoseconds (the year 2262): what stores and calendars take."""
_MOST_SECONDS: Final = MOST / 1e9


def number_of(value: object) -> float | None:
    """Return a finite number, None for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def seconds_of(value: object) -> float | None:
    """Return how long something took in seconds, None for what no clock can have measured."""
    number = number_of(value)
    return number if number is not None and 0 <= number <= _MOST_SECONDS else None


def count_of(value: object) -> int | None:
    """Return a whole number from 0 to ``MOST``, None for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST else None
