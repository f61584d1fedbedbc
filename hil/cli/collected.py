"""What the test cases say of themselves.

A child pytest collects them, so that a broken test file cannot break this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hil.cli.pytest_command import pytest_command
from hil.requirement_ways import Way

if TYPE_CHECKING:
    from pathlib import Path

COLLECTED: Final = "hil-collected: "
_COLLECTED_WELL: Final = (0, 5)


@dataclass(frozen=True, slots=True)
class CollectedTest:
    """One test: what it shows of each requirement; its conformance case by field name, if any."""

    requirements: dict[str, tuple[Way, ...]]
    case: dict[str, Any] = field(default_factory=dict)


def collect(root: Path) -> dict[str, CollectedTest] | None:
    """Return what the tests in ``root``/testcases say, by node id; None when they are broken."""
    command = [*pytest_command(), "--collect-only", "-q", "testcases"]
    command += ["-p", "hil.cli.collecting", "-p", "no:cacheprovider", "--rootdir", str(root)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for name in ("HIL_BENCH", "HIL_CASE"):
        environment.pop(name, None)
    done = subprocess.run(
        command,
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    for line in done.stdout.splitlines() if done.returncode in _COLLECTED_WELL else ():
        if line.startswith(COLLECTED):
            rows = json.loads(line.removeprefix(COLLECTED))
            return {
                node: CollectedTest(
                    {name: tuple(map(Way, ways)) for name, ways in row["requirements"].items()},
                    row["case"],
                )
                for node, row in rows.items()
            }
    sys.stderr.write(f"hil: the test cases cannot be collected:\n{done.stdout}{done.stderr}")
    return None


def last_verdict(verdicts: dict[str, dict[str, Any]], node: str) -> dict[str, Any]:
    """Return the last verdict of a test and its time; NOT RUN where there is none."""
    entry = verdicts.get(node, {})
    return {"verdict": entry.get("verdict", "NOT RUN"), "at": entry.get("at", "")}
