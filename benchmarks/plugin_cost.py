"""What the plugin costs a session that does not use it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.session_clock import Spans, session

ROOT: Final = Path(__file__).parents[1]
TESTS: Final = 1000
FEW: Final = 10
TURNS: Final = 9
IMPORT: Final = """
import time
import pytest
started = time.perf_counter()
import hil.plugin
print((time.perf_counter() - started) * 1000)
"""
PYTEST: Final = """
import time
started = time.perf_counter()
import pytest
print((time.perf_counter() - started) * 1000)
"""


def run() -> list[dict[str, Any]]:
    """Measure the import above pytest's own, and the idle cost of each test."""
    return [_import_cost(), _idle_cost()]


def _python(script: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    return float(subprocess.check_output(command, env=environment, text=True))


def _import_cost() -> dict[str, Any]:
    ours = statistics.median(_python(IMPORT) for _ in range(7))
    pytests = statistics.median(_python(PYTEST) for _ in range(5))
    return _row("plugin import above pytest's own", ours, pytests, 60.0, "reference: pytest's own")


def _idle_cost() -> dict[str, Any]:
    modes: dict[str, list[str]] = {"without": [], "with": ["-p", "hil.plugin"]}
    spans: dict[tuple[str, int], Spans] = {}
    with tempfile.TemporaryDirectory(prefix="hil-bench-") as name:
        folder = Path(name)
        for count in (FEW, TESTS):
            body = "\n".join(f"def test_{number}(): pass" for number in range(count))
            (folder / f"test_{count}.py").write_text(body)
        for _ in range(TURNS):
            for mode, options in modes.items():
                for count in (FEW, TESTS):
                    taken = session(folder, f"test_{count}.py", options)
                    spans[mode, count] = taken.least(spans.get((mode, count), taken))
    a_test = {mode: 1000 * spans[mode, TESTS].of_a_test(spans[mode, FEW]) for mode in modes}
    note = f"of {TESTS} empty tests, CPU time; reference: a test without the plugin"
    cost = max(a_test["with"] - a_test["without"], 0.0)
    return _row("idle cost of a test", cost, a_test["without"], 0.05, note)


def _row(name: str, value: float, reference: float, limit: float, note: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 4),
        "unit": "ms",
        "reference": round(reference, 3),
        "ratio": None,
        "limit": limit,
        "ok": value <= limit,
        "note": note,
    }
