"""The gate: one number for a whole run, from its journal and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.evidence.verdict import ERROR, FAIL, INCONCLUSIVE, NOT_APPLICABLE, NOT_RUN, PASS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord

PASSED: Final = 0
FAILED: Final = 1
UNDECIDED: Final = 2
INCOMPLETE: Final = 3
BENCH: Final = 4
"""Exit codes: the bench or the evidence is at fault, nothing can be said of the product."""
_TESTS_FAILED: Final = "1"
_INTERRUPTED: Final = "2"
_INTERNAL_ERROR: Final = "3"


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate says: exit code, reasons (a line each), and the count of each verdict.

    ``waived`` is how many verdicts a waiver covers.
    """

    code: int
    reasons: tuple[str, ...]
    counts: Counter[str]
    waived: int = 0


def gate(run: RunRecord, waived: Callable[[TestRecord], bool] = lambda _test: False) -> Gate:
    """Judge a run: the worst that was found counts.

    1 a FAIL that nobody waived; 4 an ERROR, an output not proven off, or evidence that is not
    valid; 3 incomplete; 2 INCONCLUSIVE; 0 all well, in this order.

    ``waived`` tells of a test whose verdict is covered by a waiver that holds.
    """
    counts = Counter(test.verdict for test in run.tests.values())
    open_ = Counter(test.verdict for test in run.tests.values() if not waived(test))
    found: list[tuple[int, str]] = []
    if open_[FAIL]:
        found.append((FAILED, f"{open_[FAIL]} unwaived FAIL"))
    if open_[ERROR]:
        found.append((BENCH, f"{open_[ERROR]} ERROR: the bench or the test broke"))
    found += [(BENCH, f"not safe: {text}") for text in run.unsafe]
    found += [(BENCH, f"the evidence is not valid: {fault}") for fault in run.faults]
    found += _unexplained(run, counts)
    if not run.tests:
        found.append((INCOMPLETE, "no test was registered"))
    if counts[NOT_RUN]:
        found.append((INCOMPLETE, f"{counts[NOT_RUN]} NOT RUN"))
    if run.recovered:
        found.append((INCOMPLETE, "the run was broken off, and closed afterwards"))
    found += [
        (INCOMPLETE, f"{file.path.name} has no end: the run was broken off")
        for file in run.files
        if not file.ended
    ]
    if open_[INCONCLUSIVE]:
        found.append((UNDECIDED, f"{open_[INCONCLUSIVE]} INCONCLUSIVE"))
    code = next(
        (
            code
            for code in (FAILED, BENCH, INCOMPLETE, UNDECIDED)
            if any(one == code for one, _ in found)
        ),
        PASSED,
    )
    return Gate(code, tuple(text for _, text in found), counts, counts.total() - open_.total())


def _unexplained(run: RunRecord, counts: Counter[str]) -> list[tuple[int, str]]:
    """Return what pytest's own exit status says beyond the verdicts (its numbers are fixed)."""
    status = next((file.exit_status for file in run.files if file.process == "main"), "")
    if status == _INTERRUPTED:
        return [(INCOMPLETE, "pytest was interrupted, or could not collect every test")]
    good = counts[PASS] + counts[NOT_APPLICABLE] == counts.total()
    if status == _INTERNAL_ERROR or (status == _TESTS_FAILED and good):
        return [(BENCH, f"pytest ended with {status}, and no verdict tells why")]
    return []
