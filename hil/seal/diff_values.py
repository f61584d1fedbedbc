"""Compares single values of two runs: fields of a record, and measured values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.numbers import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_JUDGED_BY: Final = ("coverage_factor", "limits", "decision_rule", "guard_band", "verdict")
"""What a measured value is stated and judged by, beside its unit and uncertainty."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is different; None stands for: not stated. ``name`` is dotted."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """One measured value that is different.

    ``before`` and ``after`` are values in ``unit`` (with "before → after" where the units differ),
    each with its expanded uncertainty or None; None as a value: not measured in that run. ``en`` is
    the E_n number, None where it cannot be told; ``exceeds``: it is above 1, so the change is more
    than both uncertainties allow. ``others`` is what else was stated differently: coverage factor,
    limits, decision rule, guard band, verdict.
    """

    test: str
    name: str
    unit: str
    before: Any
    before_uncertainty: float | None
    after: Any
    after_uncertainty: float | None
    en: float | None
    others: tuple[Change, ...] = ()

    @property
    def exceeds(self) -> bool | None:
        """Whether the change is more than both uncertainties allow; None: cannot be told."""
        return None if self.en is None else self.en > 1


def changed_fields(name: str, before: object, after: object) -> Iterator[Change]:
    """Go through what is different between two values, into objects, not into lists."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({str(one) for one in before} | {str(one) for one in after}):
            yield from changed_fields(f"{name}.{key}", before.get(key), after.get(key))
    elif not _same(before, after):
        yield Change(name, before, after)


def measured_changes(
    test: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[MeasuredChange]:
    """Go through the measured values of a test that are different, or were judged differently.

    Values of one name are compared in the order in which they were taken.
    """
    old, new = _named(before), _named(after)
    for name in [*old, *(one for one in new if one not in old)]:
        rows = old.get(name, {}), new.get(name, {})
        change = _measured(test, name, *rows)
        said = ([row.get(key) for key in ("value", "unit", "expanded_uncertainty")] for row in rows)
        if change.others or not _same(*said):
            yield change


def _same(before: object, after: object) -> bool:
    """Return whether two values say the same; NaN, which equals nothing, is NaN again."""
    return before == after or repr(before) == repr(after)


def en_number(
    before: float, before_uncertainty: float, after: float, after_uncertainty: float
) -> float:
    """Return the E_n number: the change over the root of both expanded uncertainties squared.

    ISO/IEC 17043, ISO 13528: above 1 the two do not agree. Infinite where none is uncertain.

    >>> en_number(1.800, 0.003, 1.805, 0.004)
    1.0000000000000...
    """
    allowed = math.hypot(before_uncertainty, after_uncertainty)
    moved = abs(after - before)
    if allowed == 0:
        return math.inf if moved else 0.0
    return moved / allowed


def _named(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    seen: Counter[str] = Counter()
    named = {}
    for row in rows:
        name = str(row.get("name", ""))
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} #{seen[name]}"] = row
    return named


def _measured(
    test: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> MeasuredChange:
    units = [str(row.get("unit", "")) for row in (old, new) if row]
    same_unit = len(set(units)) == 1
    values = [number_of(row.get("value")) for row in (old, new)]
    spread = [number_of(row.get("expanded_uncertainty")) for row in (old, new)]
    en = None
    if same_unit and None not in values and None not in spread:
        en = en_number(
            *(
                value
                for pair in zip(values, spread, strict=True)
                for value in pair
                if value is not None
            )
        )
        en = None if math.isnan(en) else en
    others = (
        change
        for key in (_JUDGED_BY if old and new else ())
        for change in changed_fields(key, old.get(key), new.get(key))
    )
    return MeasuredChange(
        test=test,
        name=name,
        unit=units[0] if same_unit else " → ".join(units),
        before=old.get("value"),
        before_uncertainty=spread[0],
        after=new.get("value"),
        after_uncertainty=spread[1],
        en=en,
        others=tuple(others),
    )
