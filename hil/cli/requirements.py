"""``hil requirements``: each requirement, the tests that prove it, and their last verdicts."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from hil.bench.project import project_root, runs_folder
from hil.cli import FAILED, OK, USAGE
from hil.cli.pytest_command import pytest_command

COLLECTED: Final = "hil-collected: "
_COLLECTED_WELL: Final = (0, 5)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("ids", nargs="*", metavar="R-NN", help="only these requirements")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--missing", action="store_true", help="only those without a test")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print the table; exit code 1 if a requirement that was asked for has no test."""
    from hil.pytest_verdicts import VERDICTS_FILE, read_verdicts  # noqa: PLC0415
    from hil.requirements import REQUIREMENTS, check_ids, claims_of  # noqa: PLC0415

    wanted = check_ids(tuple(arguments.ids), "hil requirements") if arguments.ids else REQUIREMENTS
    collected = collect(project_root())
    if collected is None:
        return USAGE
    verdicts = read_verdicts(runs_folder() / VERDICTS_FILE)
    tests: dict[str, list[str]] = defaultdict(list)
    for node, ids in collected.items():
        for requirement in ids:
            tests[requirement].append(node)
    rows = [
        {
            "id": name,
            "text": REQUIREMENTS[name].text,
            "reference": REQUIREMENTS[name].reference,
            "claims": list(claims_of(name)),
            "tests": {node: _last(verdicts, node) for node in tests[name]},
        }
        for name in wanted
        if not (arguments.missing and tests[name])
    ]
    if arguments.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        _print(rows)
    without = [row["id"] for row in rows if not row["tests"]]
    return FAILED if without and arguments.ids else OK


def collect(root: Path) -> dict[str, list[str]] | None:
    """Return the requirements of each test in ``root``/testcases by node id, or None.

    A child pytest collects them, so that a broken test file cannot break this process.
    """
    command = [*pytest_command(), "--collect-only", "-q", "testcases"]
    command += ["-p", "hil.cli.collecting", "-p", "no:cacheprovider", "--rootdir", str(root)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("HIL_BENCH", None)
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
            found: dict[str, list[str]] = json.loads(line.removeprefix(COLLECTED))
            return found
    sys.stderr.write(f"hil: the test cases cannot be collected:\n{done.stdout}{done.stderr}")
    return None


def _last(verdicts: dict[str, dict[str, Any]], node: str) -> dict[str, Any]:
    entry = verdicts.get(node, {})
    return {"verdict": entry.get("verdict", "NOT RUN"), "at": entry.get("at", "")}


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(f"{row['id']}  {row['text']}  [{row['reference']}]")
        for node, last in row["tests"].items():
            print(f"      {last['verdict']:<14}  {node}  {last['at']}".rstrip())
        if not row["tests"]:
            print("      NO TEST")
    proved = sum(1 for row in rows if row["tests"])
    passed = sum(
        1
        for row in rows
        if row["tests"] and all(t["verdict"] == "PASS" for t in row["tests"].values())
    )
    print(f"{len(rows)} requirements, {proved} with tests, {passed} with every test at PASS")
