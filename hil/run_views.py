"""The views of a run, made from its journal: traces, and the report that people open first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hil.bench.project import project_root
from hil.errors import UsageError
from hil.report import allure
from hil.report.allure_results import complete
from hil.report.page import write_page
from hil.report.traces import TRANSCRIPT, folder_name, traces_of_run

if TYPE_CHECKING:
    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord
    from hil.report.verdicts import WaiverOf

EVIDENCE: Final = "evidence"
"""Folder of a run for what is made from its journal."""
REPORT: Final = "report"
"""Folder of a run for the report that people open first."""
RESULTS: Final = "allure-results"
PAGE: Final = "run.html"


@dataclass
class Front:
    """The report that people open first: ``page``; ``notes`` say what it lacks or is too large.

    ``failed`` tells why Allure failed, "" if it did not or is not there.
    """

    page: Path
    notes: list[str] = field(default_factory=list)
    failed: str = ""


def make_page(run: RunRecord, path: Path, waiver: WaiverOf) -> Path:
    """Write the plain page of a run, which leads to the traces that there are."""

    def trace_of(test: TestRecord) -> Path | None:
        name = Path(EVIDENCE, "traces", folder_name(test.id), TRANSCRIPT)
        return name if (run.folder / name).is_file() else None

    return write_page(run, path, waiver=waiver, trace_of=trace_of)


def make_traces(run: RunRecord, waiver: WaiverOf) -> list[str]:
    """Write the traces of every test, and bring Allure's results in line with the journal.

    Returns what was foreign among the results, a line each.
    """
    traces = traces_of_run(run, run.folder / EVIDENCE / "traces")
    return complete(
        run, run.folder / RESULTS, traces=traces, waived=lambda test: waiver(test) or ""
    )


def make_front(
    run: RunRecord,
    waiver: WaiverOf,
    *,
    history: Path,
    single_file: bool = True,
    again: bool = False,
) -> Front:
    """Make Allure's report, or a plain page in its place where it cannot be made.

    ``history`` is Allure's file of trends; ``again``: the run is in it already.
    """
    results, out = run.folder / RESULTS, run.folder / REPORT
    command = allure.find_allure(root())
    why, failed = "", ""
    if command is None:
        why = f"the Allure command is missing; {allure.MENDS}"
    elif not any(results.glob("*-result.json")):
        why = f"{results} holds no results"
    else:
        try:
            config = _configuration(run, history, single_file=single_file, again=again)
            page = allure.build(command, results, out, config)
        except allure.NoAllureError as err:
            why = str(err)
        except allure.ReportError as err:
            why = failed = str(err)
        else:
            large = allure.too_large(page)
            return Front(page, [large] if large else [])
    note = f"no Allure report: {why}; a plain page takes its place"
    return Front(make_page(run, out / "index.html", waiver), [note], failed)


def _configuration(
    run: RunRecord, history: Path, *, single_file: bool, again: bool
) -> dict[str, Any]:
    bench = str(run.begin.get("bench") or "a bench not stated")
    return allure.configuration(
        f"eSIM provisioning on {bench}",
        history,
        {"Run": run.run, "Bench": bench},
        single_file=single_file,
        again=again,
    )


def root() -> Path | None:
    """Return the folder of the project; None outside of one."""
    try:
        return project_root()
    except UsageError:
        return None
