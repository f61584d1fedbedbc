"""The whole suite on the virtual bench, with two workers, against its limit of 60 seconds."""

from __future__ import annotations

import json
import os
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
    """Return the row of this benchmark."""
    with tempfile.TemporaryDirectory(prefix="hil-") as folder:
        command = [sys.executable, "-m", "pytest", "testcases", "--hil-bench", "virtual", "-q"]
        command += ["-p", "no:randomly", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
        command += ["--hil-run-dir", folder, "--alluredir", f"{folder}/allure"]
        # As ./lab does: what is compiled once is kept.
        kept = {key: val for key, val in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        began = time.perf_counter()
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            env=kept,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        seconds = time.perf_counter() - began
    last = (done.stdout.strip().splitlines() or ["no output"])[-1]
    return [
        {
            "name": "whole suite on the virtual bench, -n 2",
            "value": seconds,
            "unit": "s",
            "reference": None,
            "ratio": None,
            "limit": LIMIT_S,
            "ok": done.returncode == 0 and seconds <= LIMIT_S,
            "note": last.strip("= "),
        }
    ]


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
