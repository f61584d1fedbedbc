"""``hil gate``: one exit code for a recorded run, with the reasons. Nothing is run again."""

from __future__ import annotations

import argparse
import json
import sys

from hil.cli.choice import add_run_argument, choose_run
from hil.errors import UsageError
from hil.evidence.gate import BENCH, gate
from hil.evidence.run_record import read_run
from hil.run_waivers import waived


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_run_argument(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.epilog = (
        "Exit codes: 0 all pass, or are waived; 1 a FAIL; 2 INCONCLUSIVE; 3 incomplete; "
        "4 an ERROR, or evidence that is not valid."
    )


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print counts and reasons; return the gate's code, and 4 whatever else goes wrong."""
    try:
        return _judge(arguments)
    except UsageError:
        raise
    except Exception as err:  # noqa: BLE001 - exit code 1 would read as a FAIL of the product
        sys.stderr.write(f"hil: gate: {type(err).__name__}: {err}\n")
        return BENCH


def _judge(arguments: argparse.Namespace) -> int:
    run = read_run(choose_run(arguments.run))
    said = gate(run, waived(run))
    if arguments.json:
        facts = {
            "run": run.run,
            "exit_code": said.code,
            "reasons": said.reasons,
            "counts": dict(sorted(said.counts.items())),
        }
        print(json.dumps(facts, indent=1))
        return said.code
    counts = "  ".join(f"{verdict} {count}" for verdict, count in sorted(said.counts.items()))
    print(f"run       {run.run}")
    print(f"verdicts  {counts or 'none'}")
    for reason in said.reasons:
        print(f"reason    {reason}")
    print(f"gate      {said.code}")
    return said.code
