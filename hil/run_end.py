"""What a run leaves behind when it is over: reports from its journal, history, seal, one number.

A report that cannot be made never changes the verdict; it is said, and can be made again from the
journal (``hil report``).
"""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.bench.project import runs_folder
from hil.errors import HilError
from hil.evidence.gate import Gate, gate
from hil.evidence.run_record import RunRecord, read_run
from hil.history import FILE, remember
from hil.report.document import pdf_lacks, write_document
from hil.report.matrix import write_matrix
from hil.run_views import EVIDENCE, PAGE, Front, make_front, make_page, make_traces
from hil.run_waivers import CONFIG, WAIVERS, waived, waiver_of

if TYPE_CHECKING:
    from hil.bench.lab import Lab
    from hil.evidence.waivers import Waivers
    from hil.report.verdicts import WaiverOf

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
        except Exception as err:  # noqa: BLE001 - a defect of a view must not take the verdict away
            self.failed.append(f"{what}: a defect of this tool: {type(err).__name__}: {err}")
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
    waiver = waiver_of(run)
    evidence = folder / EVIDENCE
    foreign = ended.attempt("traces", lambda: make_traces(run, waiver))
    for line in foreign if isinstance(foreign, list) else ():
        ended.say("foreign", line)
    history = runs_folder() / "history.jsonl"
    with ThreadPoolExecutor(1) as beside:
        # Allure's report is made by a program of its own, which takes longer than the others.
        front = beside.submit(
            ended.attempt, "report", lambda: make_front(run, waiver, history=history)
        )
        _others(ended, waiver, evidence)
    made = front.result()
    if isinstance(made, Front):
        ended.say("report", "; ".join([str(made.page), *made.notes]))
        ended.failed += [f"report: {made.failed}"] if made.failed else []


def _others(ended: Ended, waiver: WaiverOf, evidence: Path) -> None:
    run = ended.run
    ended.attempt("matrix", lambda: write_matrix(run, evidence, waiver=waiver))
    issued = datetime.datetime.fromtimestamp(run.ended_ns / 1e9, tz=datetime.UTC).date()
    made = ended.attempt(
        "document", lambda: write_document(run, evidence, issued=issued, waiver=waiver)
    )
    ended.attempt("page", lambda: make_page(run, evidence / PAGE, waiver))
    if isinstance(made, list) and made:
        ended.say("document", f"{made[-1]}  {pdf_lacks()}".rstrip())


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
