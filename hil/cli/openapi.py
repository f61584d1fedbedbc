"""``hil openapi``: what the provisioning servers answer to, for clients and their makers."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hil.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--actor",
        default="sm-sr",
        choices=["mno", "eum", "sm-dp", "support-server", "sm-sr"],
        help="which server (default: sm-sr)",
    )
    parser.add_argument("--out", type=Path, help="the file to write (default: standard output)")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Write the description."""
    from hil.provisioning.openapi import descriptions  # noqa: PLC0415

    text = json.dumps(descriptions()[arguments.actor], indent=2) + "\n"
    if arguments.out is None:
        sys.stdout.write(text)
        return 0
    try:
        arguments.out.write_text(text, encoding="utf-8")
    except OSError as err:
        raise UsageError(f"{arguments.out} cannot be written: {err.strerror}") from err
    return 0
