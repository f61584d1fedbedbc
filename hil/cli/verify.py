"""``hil verify``: does a sealed run still stand as it was sealed? Offline; changes nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.cli import FAILED, OK
from hil.cli.choice import add_run_argument, choose_run

if TYPE_CHECKING:
    from hil.seal import Verification

_MOST_SHOWN: Final = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_run_argument(parser)
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        type=Path,
        help="public key (PEM) of the lab, got by another way than the run itself",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Name the first broken link; exit code 1 if there is one."""
    from hil.seal import VerifyingKey, verify_run  # noqa: PLC0415

    key = VerifyingKey.load(arguments.public_key) if arguments.public_key else None
    found = verify_run(choose_run(arguments.run), key)
    if arguments.json:
        print(json.dumps(_facts(found), indent=1))
    else:
        _print(found)
    return OK if found.whole else FAILED


def _facts(found: Verification) -> dict[str, object]:
    return {
        "run": found.run.run if found.run else None,
        "whole": found.whole,
        "breaks": [
            {"where": one.where, "what": one.what, "means": one.means} for one in found.breaks
        ],
        "warnings": found.warnings,
        "files": found.files,
        "records": found.records,
        "signer": found.signer or None,
        "sealed": found.statement.get("sealed"),
    }


def _print(found: Verification) -> None:
    if found.run is not None:
        print(f"run       {found.run.run}{'  VIRTUAL' if found.run.is_virtual else ''}")
    print(f"read      {found.files} files, {found.records} records")
    if found.signer:
        print(f"key       {found.signer}")
    if found.statement.get("sealed"):
        print(f"sealed    {found.statement['sealed']} by the clock of the machine that sealed it")
    for warning in found.warnings:
        print(f"warning   {warning}")
    if found.whole:
        print("whole     every file and record is as it was sealed")
        return
    first, *rest = found.breaks
    print(f"BROKEN    {first}")
    if first.means:
        print(f"          {first.means}")
    for one in rest[:_MOST_SHOWN]:
        print(f"also      {one}")
    if len(rest) > _MOST_SHOWN:
        print(f"also      {len(rest) - _MOST_SHOWN} more; --json lists them all")
