"""What earlier runs tell: which tests flake, which values drift, how long things take.

:func:`remember` keeps a run that has ended in a store of runs (:class:`History`); statistics are
pure functions in :mod:`hil.history.flakes`, :mod:`hil.history.trend`, :mod:`hil.history.control`
and :mod:`hil.history.capability`. Virtual and real runs never meet in one statistic.
"""

from __future__ import annotations

from hil.history.errors import HistoryError
from hil.history.expected import Expected, expected_run_seconds, expected_seconds
from hil.history.store import FILE, History, remember

__all__ = [
    "FILE",
    "Expected",
    "History",
    "HistoryError",
    "expected_run_seconds",
    "expected_seconds",
    "remember",
]
