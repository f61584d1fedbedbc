"""How long the rest of a session takes: by history, else by the tests so far; without jumps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SETTLES_S: Final = 10.0
"""What is shown follows what is estimated with this time constant."""
ENOUGH: Final = 3
"""So many tests must have ended before their mean says anything of the others."""


class Estimate:
    """Expects times of tests (seconds) by ``history``, which says None for what it never saw."""

    def __init__(self, history: Callable[[str], float | None]) -> None:
        self._history = history
        self._known: dict[str, float | None] = {}
        self._seconds: list[float] = []
        self._end_s: float | None = None
        self._asked_s = 0.0

    def ended(self, test: str, seconds: float) -> None:
        """Take in how long a test took; only what history does not know is learnt from."""
        if self._of_history(test) is None:
            self._seconds.append(seconds)

    def expected(self, test: str) -> float | None:
        """Return how long a test should take in seconds; None if nobody can say."""
        known = self._of_history(test)
        if known is not None:
            return known
        if len(self._seconds) >= ENOUGH:
            return math.fsum(self._seconds) / len(self._seconds)
        return None

    def left(
        self,
        now_s: float,
        waiting: Iterable[str],
        running: Iterable[tuple[str, float]],
        workers: int,
    ) -> float | None:
        """Return the seconds until the end; None as long as nobody can say.

        ``waiting`` are the tests that have not begun, ``running`` those that have, with the
        seconds since. What is returned follows a new estimate slowly, and runs down steadily
        between: people look at it to decide whether to fetch a coffee.
        """
        work = longest = 0.0
        for test in waiting:
            seconds = self.expected(test)
            if seconds is None:
                return None
            work += seconds
            longest = max(longest, seconds)
        for test, passed_s in running:
            seconds = self.expected(test)
            if seconds is None:
                return None
            rest = max(seconds - passed_s, 0.0)
            work += rest
            longest = max(longest, rest)
        end_s = now_s + max(work / max(workers, 1), longest)
        if self._end_s is None:
            self._end_s = end_s
        else:
            share = 1 - math.exp(-max(now_s - self._asked_s, 0.0) / SETTLES_S)
            self._end_s += (end_s - self._end_s) * share
        self._asked_s = now_s
        return max(self._end_s - now_s, 0.0)

    def _of_history(self, test: str) -> float | None:
        if test not in self._known:
            self._known[test] = self._history(test)
        return self._known[test]
