"""The whole suite on the virtual bench, with two workers.

What is limited is the time of a hundred test cases: the suite is meant to grow, and each new case
lengthens the whole; that a case costs more than it did is what must not pass unseen. The whole is
shown beside it, without a limit, so that its growth is seen as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

LIMIT_S: Final = 60 / 115 * 100
"""For a hundred cases: the suite of 115 cases had to end in 60 s."""

TIMEOUT_S: Final = 900.0
ROOT: Final = Path(__file__).parent.parent
_COUNTS: Final = re.compile(r"(\d+) (passed|failed|errors?|xfailed|xpassed)\b")


def cases(summary: str) -> int:
    """Return how many test cases ran, after the last line of pytest: skipped ones did not."""
    return sum(int(number) for number, _ in _COUNTS.findall(summary))


def rows(summary: str, seconds: float, *, green: bool) -> list[dict[str, Any]]:
    """Return the rows for a run that took ``seconds`` and ended with the line ``summary``."""
    count = cases(summary)
    hundred = seconds * 100 / count if count else None
    shared = {"unit": "s", "reference": None, "ratio": None, "note": f"{count} cases: {summary}"}
    return [
        {
            "name": "suite: 100 cases, -n 2",
            "value": hundred,
            "limit": LIMIT_S,
            "ok": green and hundred is not None and hundred <= LIMIT_S,
            **shared,
        },
        {
            "name": "whole suite on the virtual bench, -n 2",
            "value": seconds,
            "limit": None,
            "ok": green,
            **shared,
        },
    ]


def run() -> list[dict[str, Any]]:
    """Return the rows of this benchmark."""
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
    if done.returncode:
        told = [one for one in done.stdout.splitlines() if one.startswith(("FAILED", "ERROR"))]
        sys.stderr.write("\n".join([*told, done.stderr]))
    last = (done.stdout.strip().splitlines() or ["no output"])[-1]
    return rows(last.strip("= "), seconds, green=done.returncode == 0)


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
