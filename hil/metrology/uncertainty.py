"""Uncertainty budgets after the GUM (JCGM 100:2008): contributions, their sum, its expansion.

Every contribution is a standard uncertainty in the unit of the value. They are taken as
uncorrelated and add in quadrature (GUM 5.1.2); the expanded uncertainty is ``k`` times the sum,
with k = 2 for a coverage of about 95 % (GUM 6.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hil.errors import UsageError

COVERAGE = 2.0
"""The coverage factor used where nothing else is stated."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One source of uncertainty: ``standard`` in the unit of the value; ``basis`` says from what.

    :class:`UsageError` for a negative or endless one.
    """

    name: str
    standard: float
    basis: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.standard) and self.standard >= 0):
            raise UsageError(f"uncertainty of {self.name!r} must be 0 or more, not {self.standard}")


def rectangular(name: str, half_width: float) -> Contribution:
    """Return what a bound contributes: anything within ± ``half_width`` is as likely (GUM 4.3.7).

    Data sheets state accuracy so.
    """
    return Contribution(name, abs(half_width) / math.sqrt(3), f"± {abs(half_width):.3g}, rect.")


def resolution(name: str, step: float) -> Contribution:
    """Return what the last digit contributes: ``step`` / √12 (GUM F.2.2.1)."""
    return Contribution(name, abs(step) / math.sqrt(12), f"step {abs(step):.3g}")


def from_certificate(name: str, expanded: float, k: float = COVERAGE) -> Contribution:
    """Return what a certificate contributes that states ``expanded`` for a factor ``k``."""
    return Contribution(name, abs(expanded) / k, f"U = {abs(expanded):.3g}, k = {k:g}")


def from_repeats(name: str, values: Sequence[float]) -> Contribution:
    """Return the standard deviation of the mean of repeated readings (GUM 4.2.3); two or more."""
    count = len(values)
    if count < 2:
        raise UsageError(f"{name}: a standard deviation needs two readings or more, not {count}")
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    return Contribution(name, deviation / math.sqrt(count), f"s = {deviation:.2g}, n = {count}")


@dataclass(frozen=True, slots=True)
class Budget:
    """The contributions to one value, in the order they are to be shown."""

    contributions: tuple[Contribution, ...] = ()
    k: float = COVERAGE

    def __iter__(self) -> Iterator[Contribution]:
        """Yield the contributions."""
        return iter(self.contributions)

    def with_(self, *more: Contribution) -> Budget:
        """Return the budget with more contributions."""
        return Budget((*self.contributions, *more), self.k)

    @property
    def standard(self) -> float:
        """The combined standard uncertainty."""
        return math.hypot(*(one.standard for one in self.contributions))

    @property
    def expanded(self) -> float:
        """The expanded uncertainty U."""
        return self.k * self.standard

    def table(self, unit: str) -> str:
        """Return the budget as lines: source, standard uncertainty, share of the variance."""
        total = self.standard**2
        width = max((len(one.name) for one in self.contributions), default=0)
        lines = [
            f"{one.name:<{width}}  u = {one.standard:.3g} {unit}"
            f"  {100 * one.standard**2 / total if total else 0:5.1f} %  {one.basis}".rstrip()
            for one in self.contributions
        ]
        return "\n".join([*lines, f"U = {self.expanded:.3g} {unit} (k = {self.k:g})"])
