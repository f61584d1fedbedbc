"""``hil requirements``: each requirement, the tests that prove it, and their last verdicts."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from typing import Any

from hil.bench.project import project_root, runs_folder
from hil.cli import FAILED, OK, USAGE
from hil.cli.collected import collect, last_verdict


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
    for node, test in collected.items():
        for requirement in test.requirements:
            tests[requirement].append(node)
    rows = [
        {
            "id": name,
            "text": REQUIREMENTS[name].text,
            "reference": REQUIREMENTS[name].reference,
            "claims": list(claims_of(name)),
            "tests": {node: last_verdict(verdicts, node) for node in tests[name]},
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
