"""``hil conformance``: the cases of the conformance set, their steps, and their last verdicts."""

from __future__ import annotations

import argparse
import json
from typing import Any

from hil.bench.project import project_root, runs_folder
from hil.cli import OK, USAGE
from hil.cli.collected import collect, last_verdict
from hil.conformance import chosen
from hil.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="only these cases; 'EUICC-ES5-*' is a pattern"
    )
    parser.add_argument("--steps", action="store_true", help="with preconditions and steps")
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print the catalogue."""
    from hil.pytest_verdicts import VERDICTS_FILE, read_verdicts  # noqa: PLC0415

    collected = collect(project_root())
    if collected is None:
        return USAGE
    verdicts = read_verdicts(runs_folder() / VERDICTS_FILE)
    rows = sorted(
        (
            {
                **test.case,
                "requirements": list(test.requirements),
                "test": node,
                **last_verdict(verdicts, node),
            }
            for node, test in collected.items()
            if test.case and (not arguments.ids or chosen(test.case["id"], arguments.ids))
        ),
        key=lambda row: str(row["id"]),
    )
    if not rows and arguments.ids:
        raise UsageError(
            f"no case fits {', '.join(arguments.ids)}: 'hil conformance' without ids lists them all"
        )
    if arguments.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return OK
    for row in rows:
        _print(row, steps=arguments.steps)
    passed = sum(row["verdict"] == "PASS" for row in rows)
    print(f"{len(rows)} cases, {passed} with PASS as their last verdict")
    return OK


def _print(row: dict[str, Any], *, steps: bool) -> None:
    print(f"{row['id']:<28}  {row['verdict']:<14}  {row['title']}")
    if not steps:
        return
    print(f"    standard       {row['section']}")
    print(f"    requirements   {', '.join(row['requirements'])}")
    print(f"    preconditions  {row['preconditions']}")
    for number, step in enumerate(row["steps"], start=1):
        print(f"    {number:>2}. {step}")
