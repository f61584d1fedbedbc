"""How often a test changes its mind while nothing has changed.

A change is a verdict that differs from the one before it, on the same product, bench and version.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from hil.evidence.verdict import ERROR, FAIL, INCONCLUSIVE, PASS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

DECIDED: Final = frozenset({PASS, FAIL, INCONCLUSIVE, ERROR})
"""Verdicts of a test that ran; what did not run says nothing about flaking."""
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Flakes:
    """``changes`` among ``pairs`` of consecutive runs; the rate lies within ``low`` to ``high``."""

    changes: int
    pairs: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        """The share of pairs with a change; None without a pair."""
        return self.changes / self.pairs if self.pairs else None

    def __str__(self) -> str:
        if not self.pairs:
            return "no two runs alike"
        return f"{self.changes} of {self.pairs} ({100 * self.low:.0f} to {100 * self.high:.0f} %)"


def wilson(successes: float, trials: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the score interval of a proportion; 0 to 1 where nothing was tried.

    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209; method 3 of R. G. Newcombe, Stat. Med. 17
    (1998), 857. Raises ValueError where ``successes`` are no part of ``trials``.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no proportion")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    whole = 1 + z * z / trials
    low = 0.0 if successes == 0 else max(0.0, (centre - half) / whole)
    high = 1.0 if successes == trials else min(1.0, (centre + half) / whole)
    return low, high


def flakes(outcomes: Iterable[tuple[Hashable, str]], confidence: float = CONFIDENCE) -> Flakes:
    """Count changes in ``outcomes``: (what must be alike, verdict), in the order of the runs.

    The interval is Wilson's for half as many pairs: one odd run among good ones makes two changes,
    so neighbouring pairs are not independent, and the variance of a rare change is twice that of
    independent pairs.
    """
    last: dict[Hashable, str] = {}
    found: dict[bool, int] = defaultdict(int)
    for alike, verdict in outcomes:
        if verdict not in DECIDED:
            continue
        if alike in last:
            found[last[alike] != verdict] += 1
        last[alike] = verdict
    changes, pairs = found[True], found[True] + found[False]
    low, high = wilson(changes / 2, pairs / 2, confidence)
    return Flakes(changes, pairs, low, high)
