"""What a run leaves behind when it is over: reports from its journal, history, seal, one number.

A report that cannot be made never changes the verdict; it is said, and can be made again from the
journal (``hil report``).
"""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.bench.project import project_root, runs_folder
from hil.errors import HilError
from hil.evidence.gate import Gate, gate
from hil.evidence.run_record import RunRecord, read_run
from hil.history import FILE, remember
from hil.report import allure
from hil.report.allure_results import complete
from hil.report.document import pdf_lacks, write_document
from hil.report.matrix import write_matrix
from hil.report.page import write_page
from hil.report.traces import traces_of_run
from hil.run_waivers import CONFIG, WAIVERS, waived, waiver_of

if TYPE_CHECKING:
    from hil.bench.lab import Lab
    from hil.evidence.waivers import Waivers

EVIDENCE: Final = "evidence"
"""Folder in a run's folder with what is made from the journal."""
ALLURE_RESULTS: Final = "allure-results"
REPORT: Final = "report"
SEAL_KEY_ENV: Final = "HIL_SEAL_KEY"


@dataclass
class Ended:
    """How a run ended: its record, what the gate says, and lines for the person who waits.

    ``failed`` are views that could not be made, a line each.
    """

    run: RunRecord
    gate: Gate
    lines: list[tuple[str, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def say(self, name: str, text: object) -> None:
        """Keep one line for the end."""
        self.lines.append((name, str(text)))

    def attempt(self, what: str, make: Callable[[], object]) -> object:
        """Make one view; what goes wrong is said and does not stop the others."""
        try:
            return make()
        except (HilError, OSError) as err:
            self.failed.append(f"{what}: {err}")
            return None


def keep_config(lab: Lab, folder: Path, waivers: Waivers | None) -> None:
    """Keep the files by which a run is made beside its journal; none of them holds a key."""
    to = folder / CONFIG
    to.mkdir(exist_ok=True)
    shutil.copyfile(lab.path, to / f"bench{lab.path.suffix}")
    if lab.ics is not None:
        shutil.copyfile(lab.ics.path, to / f"ics{lab.ics.path.suffix}")
    if waivers is not None and waivers.path is not None:
        shutil.copyfile(waivers.path, to / WAIVERS)


def finish(folder: Path, *, reports: bool = True) -> Ended:
    """Make everything from the journals of ``folder``; they are closed by now.

    Raises EvidenceError if there is no journal. ``reports`` False leaves the views out.
    """
    run = read_run(folder)
    ended = Ended(run, gate(run, waived(run)))
    records = sum(file.lines for file in run.files)
    state = "complete" if run.ended else "INCOMPLETE"
    ended.say(
        "journal", f"{folder / 'journal'}  {len(run.files)} files, {records} records, {state}"
    )
    if reports:
        _views(ended)
    told = remember(run, runs_folder() / FILE)
    if told:
        ended.failed.append(told)
    _seal(ended)
    return ended


def _views(ended: Ended) -> None:
    run, folder = ended.run, ended.run.folder
    told = waiver_of(run)
    evidence = folder / EVIDENCE
    traces = ended.attempt("traces", lambda: traces_of_run(run, evidence / "traces"))
    results = folder / ALLURE_RESULTS
    foreign = ended.attempt(
        "Allure's results",
        lambda: complete(
            run,
            results,
            traces=traces if isinstance(traces, dict) else {},
            waived=lambda test: told(test) or "",
        ),
    )
    for line in foreign if isinstance(foreign, list) else ():
        ended.say("foreign", line)
    ended.attempt("matrix", lambda: write_matrix(run, evidence, waiver=told))
    issued = datetime.datetime.fromtimestamp(run.ended_ns / 1e9, tz=datetime.UTC).date()
    made = ended.attempt(
        "document", lambda: write_document(run, evidence, issued=issued, waiver=told)
    )
    page = ended.attempt("page", lambda: write_page(run, evidence / "run.html", waiver=told))
    if isinstance(made, list) and made:
        ended.say("document", made[-1])
        if pdf_lacks():
            ended.say("document", pdf_lacks())
    command = allure.find_allure(project_root())
    if command is not None:
        front = ended.attempt("report", lambda: _allure(run, command, results))
        ended.say("report", front or page)
    else:
        ended.say("report", f"{page} (the Allure command is missing; {allure.MENDS})")


def _allure(run: RunRecord, command: str, results: Path) -> Path:
    bench = str(run.begin.get("bench", ""))
    config = allure.configuration(
        f"eSIM provisioning on {bench}",
        runs_folder() / "history.jsonl",
        {"Run": run.run, "Bench": bench},
    )
    return allure.build(command, results, run.folder / REPORT, config)


def _seal(ended: Ended) -> None:
    """Seal the run where a key is named."""
    reference = os.environ.get(SEAL_KEY_ENV, "")
    if not reference:
        return
    from hil.seal import SigningKey, seal_run  # noqa: PLC0415 - only where somebody seals

    sealed = ended.attempt(
        "seal",
        lambda: seal_run(ended.run.folder, SigningKey.load(reference), waived=waived),
    )
    if sealed is not None:
        ended.say("seal", ended.run.folder / "seal.dsse.json")
