"""How well values fit between their limits: Cp, Cpk, Pp, Ppk (NIST e-Handbook 6.1.6).

Cp and Cpk take the scatter from one value to the next (moving ranges), Pp and Ppk that of all
values together; a drift shows as a Ppk below Cpk. All presume values that are near to normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from hil.history.control import moving_sigma
from hil.history.enough import LEAST, NotEnough

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Capability:
    """``cp`` and ``pp`` are None with one limit only, all are None where there is no scatter.

    ``ppk_low`` to ``ppk_high``: 95 % interval of Ppk (NIST e-Handbook 6.1.6).
    """

    values: int
    mean: float
    within: float
    overall: float
    cp: float | None
    cpk: float | None
    pp: float | None
    ppk: float | None
    ppk_low: float | None
    ppk_high: float | None


def indices(
    mean: float, sigma: float, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    """Return Cp and Cpk of a process with ``mean`` and ``sigma``; see :class:`Capability`."""
    if not sigma > 0:
        return None, None
    sides = []
    if high is not None:
        sides.append((high - mean) / (3 * sigma))
    if low is not None:
        sides.append((mean - low) / (3 * sigma))
    potential = (high - low) / (6 * sigma) if high is not None and low is not None else None
    return potential, min(sides, default=None)


def capability(
    values: Sequence[float], low: float | None, high: float | None, *, least: int = LEAST
) -> Capability | NotEnough:
    """State the capability of ``values``, in order; every value counts, outliers too."""
    n = len(values)
    if low is None and high is None:
        return NotEnough(n, least, "no limits")
    if n < max(2, least):
        return NotEnough(n, max(2, least))
    mean = math.fsum(values) / n
    overall = math.sqrt(math.fsum((one - mean) ** 2 for one in values) / (n - 1))
    within = moving_sigma(values)
    cp, cpk = indices(mean, within, low, high)
    pp, ppk = indices(mean, overall, low, high)
    half = None
    if ppk is not None:
        z = NormalDist().inv_cdf(0.975)
        half = z * math.sqrt(1 / (9 * n) + ppk * ppk / (2 * (n - 1)))
    return Capability(
        n,
        mean,
        within,
        overall,
        cp,
        cpk,
        pp,
        ppk,
        None if ppk is None or half is None else ppk - half,
        None if ppk is None or half is None else ppk + half,
    )
