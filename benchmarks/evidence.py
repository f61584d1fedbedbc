"""What evidence costs: the journal's rate, its memory, reading a run back, a test and a step."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.session_clock import Spans, session
from hil.evidence.journal import Journal
from hil.evidence.run_record import RunRecord, read_run
from hil.history import History
from hil.history.queries import outcomes

ROOT: Final = Path(__file__).parents[1]
RECORDS: Final = 40_000
EXCHANGES: Final = 100_000
TESTS: Final = 2_000
SESSION_TESTS: Final = 250
FEW: Final = 10
TURNS: Final = 5
STEPS: Final = 20
BEGIN: Final = {"format": 1, "run": "bench", "process": "main", "bench": "none", "virtual": True}
APDU: Final = {
    "link": "apdu",
    "equipment": "card",
    "direction": "out",
    "text": "80E2880010" + "0123456789ABCDEF" * 2 + "00",
    "note": "",
}
MEMORY: Final = """
import resource, sys
from pathlib import Path
from hil.evidence.journal import Journal
from hil.evidence.notebook import Notebook
from hil.observer import Exchange
folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
notebook = Notebook(Journal(folder, "main", {"format": 1, "run": "bench"}), folder=folder)
notebook.begin_test("t")
def go(n):
    for _ in range(n):
        notebook.exchange(Exchange("apdu", "card", "out", "80E2880010" + "0123456789ABCDEF" * 2))
go(first)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
go(count)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def run() -> list[dict[str, Any]]:
    """Measure all of it; each figure beside a peer in the same run."""
    with tempfile.TemporaryDirectory(prefix="hil-bench-") as name:
        folder = Path(name)
        rows = [_rate(folder), _memory(folder), *_reading(folder), *_history(folder)]
        return [*rows, *_session_costs(folder)]


def _rate(folder: Path) -> dict[str, Any]:
    """Return the rate of the journal; the peer writes the same bytes, a call a line."""
    ours, bare = [], []
    for turn in range(5):
        journal = Journal(folder / f"rate{turn}", "main", BEGIN)
        started = time.perf_counter()
        for _ in range(RECORDS):
            journal.write("exchange", APDU, test="testcases/a.py::test_b")
        ours.append(time.perf_counter() - started)
        journal.close("0")
        lines = journal.path.read_bytes().splitlines(keepends=True)[1:-1]
        with (folder / f"bare{turn}").open("ab") as file:
            started = time.perf_counter()
            for line in lines:
                file.write(line)
                file.flush()
            bare.append(time.perf_counter() - started)
    rate, peer = RECORDS / min(ours), RECORDS / min(bare)
    note = f"{len(lines[0])} bytes each; reference: the same bytes by write and flush alone"
    return _row(
        "journal", rate, "records/s", reference=peer, limit=20_000, note=note, at_least=True
    )


def _memory(folder: Path) -> dict[str, Any]:
    """Return how much memory grows over APDUs, behind the first that are kept for a view."""
    into = folder / "memory"
    into.mkdir()
    command = [sys.executable, "-c", MEMORY, str(into), "25000", str(EXCHANGES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    grown = int(subprocess.check_output(command, env=environment, text=True)) / 1024
    size = (into / "journal" / "main.jsonl").stat().st_size / 2**20
    note = f"over {EXCHANGES:,} APDUs; reference: what they are in the journal"
    return _row("memory of a notebook", grown, "MiB", reference=size, limit=2.0, note=note)


def _reading(folder: Path) -> list[dict[str, Any]]:
    """Return how long a run of 2,000 tests and 100,000 records takes to read."""
    into = folder / "reading"
    journal = Journal(into, "main", BEGIN)
    each = (EXCHANGES - 5 * TESTS) // TESTS
    for number in range(TESTS):
        test = f"testcases/folder/test_file.py::test_{number:04}"
        journal.write("test-registered", {"title": test, "requirements": ["R-01"]}, test=test)
        journal.write("test-begin", {"attempt": 1}, test=test)
        for _ in range(each):
            journal.write("exchange", APDU, test=test)
        journal.write("check", {"text": "sw == 0x9000", "ok": True}, test=test)
        value = {"name": "jig voltage", "value": 1.8, "unit": "V", "expanded_uncertainty": 0.004}
        journal.write("measurement", value, test=test)
        journal.write("test-end", {"verdict": "PASS", "seconds": 0.5, "checks": 1}, test=test)
    journal.close("0")
    took = _best(lambda: read_run(into))
    bare = _best(lambda: [json.loads(line) for line in journal.path.open("rb")])
    note = f"{TESTS:,} tests, {EXCHANGES:,} records, chain checked; reference: json.loads of them"
    return [_row("read_run", took, "s", reference=bare, limit=5.0, note=note)]


def _history(folder: Path) -> list[dict[str, Any]]:
    """Return how long the run of :func:`_reading` takes to be kept, and one test to be found."""
    run: RunRecord = read_run(folder / "reading")
    with History(folder / "history.sqlite", writable=True) as history:
        kept = _best(lambda: history.add(run))
        found = _best(lambda: outcomes(history, next(iter(run.tests))))
    note = f"a run of {TESTS:,} tests with a measured value each"
    return [
        _row("history: keep a run", kept, "s", reference=None, limit=1.0, note=note),
        _row(
            "history: ask for one test", found * 1000, "ms", reference=None, limit=20.0, note=note
        ),
    ]


def _best(do: Callable[[], object]) -> float:
    """Return the least seconds of three goes: what else the machine does only ever adds."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        do()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _session_costs(folder: Path) -> list[dict[str, Any]]:
    """Return what a test and a step cost with evidence on, beside allure-pytest alone.

    CPU time: how long the disk takes to keep a test's records is a row of its own.
    """
    plain = folder / "tests"
    plain.mkdir()
    allure = ["-p", "allure_pytest.plugin", "--allure-no-capture", f"--alluredir={folder / 'a'}"]
    ours = [*allure, "-p", "hil.plugin", "-o", "enable_assertion_pass_hook=true"]
    ours += ["--hil-bench", "virtual-inprocess"]
    modes: dict[str, tuple[str, list[str]]] = {
        "none": ("contextlib import nullcontext as step", []),
        "bare": ("allure import step", allure),
        "ours": ("hil.evidence import step", ours),
    }
    kinds = [(FEW, 0), (SESSION_TESTS, 0), (SESSION_TESTS, STEPS)]
    spans: dict[tuple[str, int, int], Spans] = {}
    for turn in range(TURNS):
        for mode, (source, options) in modes.items():
            for count, steps in kinds:
                file = plain / f"test_{mode}_{count}_{steps}.py"
                if not turn:
                    file.write_text(_tests(source, count, steps))
                kept = f"--hil-run-dir={folder / f'run{turn}-{count}-{steps}'}"
                given = [*options, kept] if mode == "ours" else options
                taken = session(plain, file.name, given)
                key = (mode, count, steps)
                spans[key] = taken.least(spans.get(key, taken))
    few = {mode: spans[mode, FEW, 0] for mode in modes}
    test = {mode: spans[mode, SESSION_TESTS, 0].of_a_test(few[mode]) for mode in modes}
    stepped = {mode: spans[mode, SESSION_TESTS, STEPS].of_a_test(few[mode]) for mode in modes}
    step = {mode: (stepped[mode] - test[mode]) / STEPS for mode in modes}
    note = f"of {SESSION_TESTS} tests above bare pytest, CPU time; reference: allure-pytest alone"
    return [
        _row(
            f"evidence and Allure, a {name}",
            1000 * (cost["ours"] - cost["none"]),
            "ms",
            reference=1000 * (cost["bare"] - cost["none"]),
            limit=limit,
            note=note,
        )
        for name, cost, limit in (("test", test, 2.0), ("step", step, 0.3))
    ] + [_synced(folder)]


def _tests(source: str, count: int, steps: int) -> str:
    lines = [f"from {source}"]
    for number in range(count):
        lines.append(f"def test_{number}():")
        lines += [f"    with step('step {one} of a test'):\n        pass" for one in range(steps)]
        lines.append(f"    assert {number} + 1 == {number + 1}")
    return "\n".join(lines)


def _synced(folder: Path) -> dict[str, Any]:
    journal = Journal(folder / "synced", "main", BEGIN)
    seconds = []
    for number in range(100):
        journal.write("test-end", {"verdict": "PASS", "seconds": 0.5}, test=f"test_{number}")
        started = time.perf_counter()
        journal.sync()
        seconds.append(time.perf_counter() - started)
    journal.close("0")
    taken = statistics.median(seconds) * 1000
    return _row(
        "journal: kept by the disk", taken, "ms", reference=None, limit=None, note="once a test"
    )


def _row(
    name: str,
    value: float,
    unit: str,
    *,
    reference: float | None,
    limit: float | None,
    note: str,
    at_least: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "reference": None if reference is None else round(reference, 4),
        "ratio": value / reference if reference else None,
        "limit": limit,
        "ok": limit is None or (value >= limit if at_least else value <= limit),
        "note": note,
    }
