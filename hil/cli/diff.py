"""``hil diff``: what changed from one run to another."""

from __future__ import annotations

import argparse
import json

from hil.cli import FAILED, OK
from hil.cli.choice import choose_run
from hil.evidence.run_record import read_run


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("before", metavar="RUN", help="a run: its folder, or its name in runs/")
    parser.add_argument(
        "after", metavar="RUN", nargs="?", help="the other one (default: the newest run)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--check", action="store_true", help="exit code 1 if a test fares worse or is gone"
    )


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print the differences."""
    from hil.seal.diff import diff_runs  # noqa: PLC0415
    from hil.seal.diff_text import lines_of  # noqa: PLC0415

    before, after = (read_run(choose_run(one)) for one in (arguments.before, arguments.after))
    diff = diff_runs(before, after)
    if arguments.json:
        print(json.dumps(diff.to_json(), indent=1, default=str))
    else:
        for line in lines_of(diff):
            print(line)
    return FAILED if arguments.check and diff.worse else OK
