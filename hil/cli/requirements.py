"""``hil requirements``: each requirement, the tests of its two ways, and their last verdicts.

A requirement is proven by the good way and by a refusal; where one of them cannot be, the reason
stands in its place.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from hil.bench.project import project_root, runs_folder
from hil.cli import FAILED, OK, USAGE
from hil.cli.collected import CollectedTest, collect, last_verdict


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("ids", nargs="*", metavar="R-NN", help="only these requirements")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--missing",
        action="store_true",
        help="only those without a test of the good way or of a refusal, and without a reason why",
    )


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print the table; exit code 1 if a requirement that was asked for has no test."""
    from hil.pytest_verdicts import VERDICTS_FILE, read_verdicts  # noqa: PLC0415
    from hil.requirements import REQUIREMENTS, check_ids  # noqa: PLC0415

    wanted = check_ids(tuple(arguments.ids), "hil requirements") if arguments.ids else REQUIREMENTS
    collected = collect(project_root())
    if collected is None:
        return USAGE
    verdicts = read_verdicts(runs_folder() / VERDICTS_FILE)
    rows = [_row(name, collected, verdicts) for name in wanted]
    if arguments.missing:
        rows = [row for row in rows if row["missing"]]
    if arguments.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        _print(rows)
    without = [row["id"] for row in rows if not row["tests"]]
    return FAILED if without and arguments.ids else OK


def _row(
    name: str, collected: dict[str, CollectedTest], verdicts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    from hil.requirement_ways import WITHOUT, lacking  # noqa: PLC0415
    from hil.requirements import REQUIREMENTS, claims_of  # noqa: PLC0415

    tests = {
        node: {"shows": list(test.requirements[name]), **last_verdict(verdicts, node)}
        for node, test in collected.items()
        if name in test.requirements
    }
    shown = {way for test in tests.values() for way in test["shows"]}
    return {
        "id": name,
        "text": REQUIREMENTS[name].text,
        "reference": REQUIREMENTS[name].reference,
        "claims": list(claims_of(name)),
        "tests": tests,
        "without": {way: why for way, why in WITHOUT.get(name, {}).items() if way not in shown},
        "missing": lacking(name, shown),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        print(f"{row['id']}  {row['text']}  [{row['reference']}]")
        for node, test in row["tests"].items():
            shows = " + ".join(test["shows"])
            print(f"      {test['verdict']:<14}  {shows:<18}  {node}  {test['at']}".rstrip())
        for way, why in row["without"].items():
            print(f"      no {way}: {why}")
        if not row["tests"]:
            print("      NO TEST")
        else:
            for way in row["missing"]:
                print(f"      NO {way.upper()}")
    proved = sum(1 for row in rows if row["tests"])
    whole = sum(1 for row in rows if row["tests"] and not row["missing"])
    passed = sum(
        1
        for row in rows
        if row["tests"] and all(t["verdict"] == "PASS" for t in row["tests"].values())
    )
    print(
        f"{len(rows)} requirements, {proved} with tests, {whole} by the good way and a refusal or "
        f"a reason, {passed} with every test at PASS"
    )
