"""What the plugin costs a session that does not use it."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
TESTS: Final = 1000
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
    with tempfile.TemporaryDirectory(prefix="hil-bench-") as folder:
        body = "\n".join(f"def test_{number}(): pass" for number in range(TESTS))
        (Path(folder) / "test_empty.py").write_text(body)
        with_us, without = [], []
        # Alternating, and the smallest of each: what else the machine does only ever adds.
        for _ in range(9):
            without.append(_session(folder))
            with_us.append(_session(folder, "-p", "hil.plugin"))
    cost = (min(with_us) - min(without)) / TESTS * 1000
    note = f"of {TESTS} empty tests, CPU time; reference: a test without the plugin"
    return _row("idle cost of a test", max(cost, 0.0), min(without) / TESTS * 1000, 0.05, note)


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


def _session(folder: str, *options: str) -> float:
    """Return the CPU seconds of one session."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder]
    before = of_children()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return of_children() - before


def of_children() -> float:
    """Return the CPU seconds of all processes that have ended: finer than os.times tells it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
