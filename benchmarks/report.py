"""Reports of a run of 2,000 tests, each with steps, exchanges, a measured value and a picture.

Wall time, because somebody waits for it. Allure's own part is the reference of Allure's row: what
lies between is bringing its results in line with the journal. Without Allure that row is left out.
"""

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.evidence.run_record import read_run
from hil.report import allure
from hil.report.allure_results import complete
from hil.report.document import write_document
from hil.report.matrix import write_matrix
from hil.report.page import write_page
from hil.report.traces import traces_of_run

ROOT: Final = Path(__file__).parents[1]
TESTS: Final = 2_000
STEPS: Final = 10
EXCHANGES: Final = 20
LIMIT_S: Final = 30.0
ISSUED: Final = datetime.date(2026, 1, 2)
PICTURE: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320">{}</svg>'


def run() -> list[dict[str, Any]]:
    """Return a row for each report."""
    with tempfile.TemporaryDirectory(prefix="hil-report-") as place:
        folder = Path(place)
        _write(folder)
        record = read_run(folder)
        evidence, rows = folder / "evidence", []
        traces: dict[str, tuple[Path, ...]] = {}
        views: tuple[tuple[str, Callable[[], object]], ...] = (
            ("traces", lambda: traces.update(traces_of_run(record, evidence / "traces"))),
            ("matrix", lambda: write_matrix(record, evidence)),
            ("test report, HTML and PDF", lambda: write_document(record, evidence, issued=ISSUED)),
            ("plain page", lambda: write_page(record, evidence / "run.html")),
        )
        for name, make in views:
            rows.append(_row(name, _seconds(make), None))
        command = allure.find_allure(ROOT)
        if command is not None:
            rows.append(_allure(folder, command, traces))
    return rows


def _allure(folder: Path, command: str, traces: dict[str, tuple[Path, ...]]) -> dict[str, Any]:
    record, results = read_run(folder), folder / "allure-results"
    config = allure.configuration("benchmark", folder / "history.jsonl", {})
    ours = _seconds(lambda: complete(record, results, traces=traces))
    theirs = _seconds(lambda: allure.build(command, results, folder / "report", config))
    return _row("Allure, by behaviour and by requirement", ours + theirs, theirs)


def _write(folder: Path) -> None:
    journal = Journal(folder, "main", {"format": 1, "run": "bench", "bench": "virtual"})
    for number in range(TESTS):
        name = f"testcases/room_{number % 12}/test_file_{number % 60}.py::test_{number:04}"
        body = {"title": f"Test number {number}", "requirements": [f"R-{number % 75 + 1:02}"]}
        journal.write("test-registered", {**body, "file": name.partition("::")[0]}, test=name)
        journal.write("test-begin", {"attempt": 1}, test=name)
        for step in range(1, STEPS + 1):
            journal.write("step-begin", {"step": step, "title": f"Step {step}"}, test=name)
            for turn in range(EXCHANGES // STEPS):
                text = {"direction": "in", "text": "9000"} if turn % 2 else _COMMAND
                told = {"link": "apdu", "equipment": "card", **text}
                journal.write("exchange", told, test=name)
            ended = {"step": step, "status": "passed", "seconds": 0.01}
            journal.write("step-end", ended, test=name)
        value = {"name": "jig voltage", "value": 1.8, "unit": "V", "expanded_uncertainty": 0.004}
        journal.write("measurement", value, test=name)
        kept = store(folder, PICTURE.format(f"<text>{number}</text>" * 200).encode(), "svg")
        stored = {"file": kept.file, "sha256": kept.sha256, "size": kept.size}
        journal.write("attachment", {"name": "Jig pin", "kind": "svg", **stored}, test=name)
        journal.write("check", {"text": "sw == 0x9000", "ok": True}, test=name)
        verdict = "PASS" if number % 50 else "FAIL"
        journal.write("test-end", {"verdict": verdict, "seconds": 0.5, "checks": 1}, test=name)
    journal.close("0")


_COMMAND: Final = {"direction": "out", "text": "00A40004023F00"}


def _seconds(make: Callable[[], object]) -> float:
    started = time.perf_counter()
    make()
    return time.perf_counter() - started


def _row(name: str, seconds: float, reference: float | None) -> dict[str, Any]:
    return {
        "name": f"report of {TESTS:,} tests: {name}",
        "value": seconds,
        "unit": "s",
        "reference": reference,
        "ratio": seconds / reference if reference else None,
        "limit": LIMIT_S,
        "ok": seconds <= LIMIT_S,
        "note": f"{STEPS} steps, {EXCHANGES} exchanges and a picture each",
    }
