"""``hil doctor``: what a bench needs, what is missing or wrong, and what mends it."""

from __future__ import annotations

import argparse
import json

from hil.cli import FAILED, OK
from hil.cli.choice import add_bench_arguments, choose_bench


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_bench_arguments(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print a line for each check; exit code 1 if something that is needed is not there."""
    from hil.bench.doctor import examine, report  # noqa: PLC0415

    checks = examine(choose_bench(arguments.bench), profile=arguments.profile)
    if arguments.json:
        print(json.dumps(report(checks), indent=1))
    else:
        print("\n".join(map(str, checks)))
    return OK if all(check.ok for check in checks) else FAILED
