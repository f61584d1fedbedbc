"""Measured values as a report states them: digits by their uncertainty, and all that explains them.

The number of digits follows U: two significant ones (GUM, JCGM 100:2008, 7.2.6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hil.evidence.numbers import number_of
from hil.report.text import NOT_STATED, stated, visible


@dataclass(frozen=True, slots=True)
class Value:
    """One measured value in words; what the journal does not say reads "not stated".

    No line breaks between a number and its unit (U+00A0).
    ``value`` carries its unit, ``uncertainty`` is U with its k. ``limits``, ``rule``, ``margin``
    and ``verdict`` are "" where it was not judged. ``accuracy`` says where the instrument's
    limits of error stand, or that they are assumed.
    """

    name: str
    value: str
    uncertainty: str
    limits: str
    rule: str
    margin: str
    verdict: str
    instrument: str
    calibration: str
    accuracy: str


def value_of(body: Mapping[str, Any]) -> Value:
    """Return a ``measurement`` record of a journal in words."""
    unit = stated(body, "unit")
    expanded = number_of(body.get("expanded_uncertainty"))
    judged = bool(stated(body, "verdict") or stated(body, "limits"))
    guard = number_of(body.get("guard_band"))
    rule = stated(body, "decision_rule")
    if rule and guard is not None:
        rule = f"{rule} (w = {_with_unit(guard, unit, expanded)})"
    return Value(
        name=stated(body, "name") or NOT_STATED,
        value=_shown(body.get("value"), unit, expanded),
        uncertainty=_uncertainty(body, unit, expanded),
        limits=_limits(body.get("limits"), unit) or (NOT_STATED if judged else ""),
        rule=rule or (NOT_STATED if judged else ""),
        margin=_shown(body.get("margin"), unit, expanded) if judged else "",
        verdict=stated(body, "verdict"),
        instrument=stated(body, "instrument") or NOT_STATED,
        calibration=stated(body, "calibration") or NOT_STATED,
        accuracy=stated(body, "accuracy") or NOT_STATED,
    )


def decimals(expanded: float) -> int:
    """Return the decimals that show an expanded uncertainty with two significant digits."""
    return max(0, 1 - math.floor(math.log10(expanded)))


def _uncertainty(body: Mapping[str, Any], unit: str, expanded: float | None) -> str:
    if expanded is None:
        return NOT_STATED
    factor = number_of(body.get("coverage_factor"))
    k = f"k\xa0=\xa0{factor:g}" if factor is not None else f"k {NOT_STATED}"
    return f"{_with_unit(expanded, unit, expanded)} ({k})"


def _limits(given: object, unit: str) -> str:
    if isinstance(given, Mapping):
        ends = [number_of(given.get(name)) for name in ("low", "high")]
        shown = ["none" if one is None else f"{one:g}" for one in ends]
        return f"{shown[0]} to {shown[1]} {unit}".strip()
    return visible(given).strip() if given is not None else ""


def _shown(given: object, unit: str, expanded: float | None) -> str:
    number = number_of(given)
    if number is None:
        return NOT_STATED if given is None else f"{visible(given)} {unit}".strip()
    return _with_unit(number, unit, expanded)


def _with_unit(number: float, unit: str, expanded: float | None) -> str:
    if expanded is None or not 1e-12 < expanded < 1e12:
        return f"{number:g}\xa0{unit}".strip()
    return f"{number:.{decimals(expanded)}f}\xa0{unit}".strip()
