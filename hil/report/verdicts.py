"""What a report says of the verdict of a test, of a requirement, and of many tests together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from hil.evidence.run_record import RunRecord
from hil.evidence.test_record import TestRecord
from hil.evidence.verdict import FAIL, VERDICTS, WORST_FIRST

NOT_COVERED: Final = "NOT COVERED"
"""Instead of a verdict where no test proves a requirement."""

WaiverOf: TypeAlias = Callable[[TestRecord], str | None]
"""Tells of a test which waiver covers it, in words; None: none does."""


def no_waiver(_test: TestRecord) -> str | None:
    """Know of no waiver."""
    return None


def remark_on(test: TestRecord) -> str:
    """Return what has to stand beside the verdict, "" mostly."""
    remarks = []
    if test.ended_as and test.ended_as not in VERDICTS:
        remarks.append("the journal holds no verdict that is one")
    elif test.ended_as and test.fail_seen and test.ended_as != FAIL:
        remarks.append(f"a FAIL was observed; it ended as {test.ended_as}")
    if test.attempts > 1:
        remarks.append(f"{test.attempts} attempts, the worst counts")
    return "; ".join(remarks)


def verdict_of_all(tests: Iterable[TestRecord]) -> str:
    """Return the worst verdict of the tests of a requirement; NOT COVERED if there are none."""
    found = {test.verdict for test in tests}
    return next((verdict for verdict in WORST_FIRST if verdict in found), NOT_COVERED)


def counts(run: RunRecord) -> dict[str, int]:
    """Return how many tests have each verdict; every verdict is there."""
    counted = Counter(test.verdict for test in run.tests.values())
    return {verdict: counted[verdict] for verdict in VERDICTS}
