"""``hil recover``: close a run that was broken off, honestly; what was written stays as it is."""

from __future__ import annotations

import argparse
import getpass
import os

from hil.cli import OK
from hil.cli.choice import add_run_argument, choose_run
from hil.evidence.recovery import recover


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_run_argument(parser)
    parser.add_argument("--by", metavar="WHO", help="who closes it (default: the user's name)")
    parser.add_argument(
        "--why",
        metavar="TEXT",
        default="closed with hil recover",
        help="what broke it off, as far as it is known",
    )


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Close what is open and say what was done."""
    folder = choose_run(arguments.run)
    done = recover(folder, by=arguments.by or _user(), why=arguments.why)
    for line in done:
        print(line)
    print(f"{folder}: {'closed; it counts as incomplete' if done else 'it had ended in order'}")
    return OK


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
