"""The verdicts of a lab, and which of two counts.

A worse one overwrites a better one and a FAIL is never overwritten (as in TTCN-3, ETSI ES
201 873-1): an observed nonconformity is not hidden by what breaks after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PASS: Final = "PASS"  # noqa: S105 - a verdict
FAIL: Final = "FAIL"
INCONCLUSIVE: Final = "INCONCLUSIVE"
ERROR: Final = "ERROR"
NOT_APPLICABLE: Final = "NOT APPLICABLE"
NOT_RUN: Final = "NOT RUN"
VERDICTS: Final = (PASS, FAIL, INCONCLUSIVE, ERROR, NOT_APPLICABLE, NOT_RUN)
WORST_FIRST: Final = (FAIL, ERROR, NOT_RUN, INCONCLUSIVE, PASS, NOT_APPLICABLE)
"""The order among the tests of a run: which counts for a requirement, and which is shown first.

A test that did not run leaves it open, one that does not apply says nothing. Within one test it is
another order (:func:`worst`): whatever it was judged to be ends its NOT RUN.
"""
_RANK: Final = {
    NOT_RUN: 0,
    PASS: 1,
    NOT_APPLICABLE: 2,
    INCONCLUSIVE: 3,
    ERROR: 4,
    FAIL: 5,
}


def worst(verdicts: Iterable[str]) -> str:
    """Return the one that counts; NOT RUN if there is none, ERROR for a word that is none."""
    return max(
        (one if one in _RANK else ERROR for one in verdicts), key=_RANK.__getitem__, default=NOT_RUN
    )
