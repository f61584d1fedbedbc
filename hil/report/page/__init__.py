"""The whole run as one page that opens anywhere: no server, no script, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hil.evidence.run_record import RunRecord
from hil.report.out import write_whole
from hil.report.page.as_html import as_html
from hil.report.page.budget import Budget
from hil.report.page.one_test import TraceOf, no_trace
from hil.report.verdicts import WaiverOf, no_waiver

__all__ = ["MOST_BYTES", "write_page"]

MOST_BYTES: Final = 24_000_000
"""About how large the page becomes; beyond it, it leads to files, because browsers grow slow."""


def write_page(
    run: RunRecord,
    path: Path,
    *,
    waiver: WaiverOf = no_waiver,
    trace_of: TraceOf = no_trace,
    most_bytes: int = MOST_BYTES,
) -> Path:
    """Write the page to ``path`` and return it; its links lead to files in the run's folder.

    ``waiver`` tells which test is waived, ``trace_of`` where a test's whole trace is (a file in
    the run's folder), if not in the journal alone. Raises EvidenceError if it cannot be written.
    """
    page = as_html(run, path.parent, waiver=waiver, trace_of=trace_of, budget=Budget(most_bytes))
    return write_whole(path, page)
