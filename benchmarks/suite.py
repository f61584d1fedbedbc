"""The suite on the virtual bench, with two workers, against its limit of 60 seconds.

The conformance set has a row of its own without a limit: it grows with every function of the
standards.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

LIMIT_S: Final = 60.0
TIMEOUT_S: Final = 300.0
ROOT: Final = Path(__file__).parent.parent


def run() -> list[dict[str, Any]]:
    """Return the rows of this benchmark."""
    behaviour = ["testcases", "--ignore", "testcases/conformance"]
    return [
        _row("suite on the virtual bench, -n 2", behaviour, LIMIT_S),
        _row("conformance set on the virtual bench, -n 2", ["testcases/conformance"], None),
    ]


def _row(name: str, chosen: list[str], limit_s: float | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hil-") as folder:
        command = [sys.executable, "-m", "pytest", *chosen, "--hil-bench", "virtual", "-q"]
        command += ["-p", "no:randomly", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
        command += ["--hil-run-dir", folder, "--alluredir", f"{folder}/allure"]
        began = time.perf_counter()
        done = subprocess.run(
            command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S
        )
        seconds = time.perf_counter() - began
    last = (done.stdout.strip().splitlines() or ["no output"])[-1]
    return {
        "name": name,
        "value": seconds,
        "unit": "s",
        "reference": None,
        "ratio": None,
        "limit": limit_s,
        "ok": done.returncode == 0 and (limit_s is None or seconds <= limit_s),
        "note": last.strip("= "),
    }


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
