"""How long a test, and a run, will probably take, from earlier runs on the same bench."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Final

from hil.evidence.verdict import NOT_APPLICABLE, NOT_RUN, PASS
from hil.history.errors import HistoryError
from hil.history.store import History

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RUNS: Final = 30
"""How many runs back is looked."""
VALUES: Final = 10
"""Of how many of them, the newest, the median is taken."""
_OF_A_BENCH: Final = """
    SELECT names.name, tests.verdict, tests.seconds
    FROM (
        SELECT number, began_ns FROM runs WHERE bench = :bench AND virtual = (
            SELECT virtual FROM runs WHERE bench = :bench ORDER BY began_ns DESC LIMIT 1
        ) ORDER BY began_ns DESC LIMIT :runs
    ) AS recent
    JOIN tests ON tests.run = recent.number
    JOIN names ON names.number = tests.test
    WHERE tests.verdict NOT IN (:not_run, :not_applicable)
    ORDER BY recent.began_ns DESC
"""


class Expected:
    """What to expect on one bench; read once, so that a display may ask for every test.

    Virtual runs do not count where the newest run on the bench was a real one, nor the other way.
    """

    def __init__(self, history: History, bench: str) -> None:
        """Read what is known of ``bench``. Raises HistoryError."""
        seen: dict[str, list[tuple[str, float]]] = defaultdict(list)
        given = {
            "bench": bench,
            "runs": RUNS,
            "not_run": NOT_RUN,
            "not_applicable": NOT_APPLICABLE,
        }
        for test, verdict, seconds in history.rows(_OF_A_BENCH, given):
            if len(seen[test]) < VALUES:
                seen[test].append((verdict, seconds))
        self._seconds = {test: _typical(values) for test, values in seen.items()}

    def seconds(self, test: str) -> float | None:
        """Return the expected seconds of a test (a pytest node id), None if it is not known."""
        return self._seconds.get(test)

    def run_seconds(self, tests: Iterable[str]) -> float | None:
        """Return the sum over ``tests``, one after the other; None if none of them is known.

        One that is not known counts as the median of those that are.
        """
        wanted = list(tests)
        known = [self._seconds[test] for test in wanted if test in self._seconds]
        if not known:
            return None
        return sum(known) + (len(wanted) - len(known)) * median(known)


def expected_seconds(test_id: str, bench: str, *, file: Path) -> float | None:
    """Return how long a test will take, by the store in ``file``; None if that is not known.

    Never raises for a store that is missing, locked or damaged: a display goes on without. To ask
    for many tests, make one :class:`Expected`.
    """
    expected = _read(bench, file)
    return None if expected is None else expected.seconds(test_id)


def expected_run_seconds(tests: Iterable[str], bench: str, *, file: Path) -> float | None:
    """Return how long ``tests`` will take, one after the other; see :func:`expected_seconds`."""
    expected = _read(bench, file)
    return None if expected is None else expected.run_seconds(tests)


def _read(bench: str, file: Path) -> Expected | None:
    try:
        with History(file, timeout_s=0.5) as history:
            return Expected(history, bench)
    except HistoryError:
        return None


def _typical(values: list[tuple[str, float]]) -> float:
    """Return the median: of those that passed, since a failure may end a test early."""
    passed = [seconds for verdict, seconds in values if verdict == PASS]
    return median(passed or [seconds for _, seconds in values])
