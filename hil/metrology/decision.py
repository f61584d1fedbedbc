"""Decision rules: what may be said of a value that has limits (ILAC-G8:09/2019).

``simple``: the value alone counts, w = 0; at the limit up to half of all acceptances are false.
``guarded``: a guard band w = U on both sides of each limit; a false acceptance, and a false
rejection, happen in less than 2.5 % of all cases. What lies within the band is INCONCLUSIVE
("conditional pass" and "conditional fail" of the non-binary statement).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from hil.errors import UsageError
from hil.metrology.measured import Measured


class Rule(StrEnum):
    """A decision rule, as a bench file states it."""

    SIMPLE = "simple"
    GUARDED = "guarded"


class Outcome(StrEnum):
    """What can be stated of a value and its limits."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Limits:
    """The lowest and the highest value that meets the requirement; None where there is no limit.

    :class:`UsageError` if there is none at all, or if they cross.
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.low, self.high) if value is not None]
        if not given or any(math.isnan(value) for value in given):
            raise UsageError(f"limits need a low or a high value, not {self.low} and {self.high}")
        if len(given) == 2 and given[0] > given[1]:
            raise UsageError(f"the lower limit {given[0]} lies above the higher one {given[1]}")

    def margin(self, value: float) -> float:
        """Return how far inside ``value`` lies from the nearer limit; negative outside."""
        return min(
            math.inf if self.low is None else value - self.low,
            math.inf if self.high is None else self.high - value,
        )

    def describe(self, unit: str) -> str:
        """Return the limits in words."""
        if self.low is None:
            return f"at most {self.high:g} {unit}"
        if self.high is None:
            return f"at least {self.low:g} {unit}"
        return f"{self.low:g} to {self.high:g} {unit}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was stated, by which rule: ``margin`` to the nearer limit and the ``guard`` band w."""

    outcome: Outcome
    measured: Measured
    limits: Limits
    rule: Rule
    margin: float
    guard: float

    def __str__(self) -> str:
        unit = self.measured.unit
        return (
            f"{self.outcome}: {self.measured}, limits {self.limits.describe(unit)}, margin "
            f"{self.margin:.3g} {unit}, rule {self.rule} (w = {self.guard:.3g} {unit})"
        )


def decide(measured: Measured, limits: Limits, rule: Rule) -> Decision:
    """Compare ``measured`` with ``limits`` by ``rule``; a value that is no number cannot pass.

    Exactly on a limit meets it; on the edge of the guard band it passes.
    """
    guard = measured.expanded if rule is Rule.GUARDED else 0.0
    margin = limits.margin(measured.value)
    if not (math.isfinite(measured.value) and math.isfinite(guard)):
        outcome = Outcome.INCONCLUSIVE
    elif margin >= guard:
        outcome = Outcome.PASS
    elif margin < -guard:
        outcome = Outcome.FAIL
    else:
        outcome = Outcome.INCONCLUSIVE
    return Decision(outcome, measured, limits, rule, margin, guard)
