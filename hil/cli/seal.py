"""``hil seal``: sign a run, so that any later change of it shows."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from hil.cli import FAILED, OK
from hil.cli.choice import add_run_argument, choose_run
from hil.errors import UsageError
from hil.run_waivers import waived

KEY: Final = "HIL_SEAL_KEY"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_run_argument(parser)
    parser.add_argument(
        "--key",
        metavar="REFERENCE",
        help=f"Ed25519 key: a PEM file of mode 0600, or env:NAME (default: what {KEY} refers to)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="seal anew, and name the seal that was there"
    )


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Seal; exit code 1 if the evidence is not whole, and then nothing is written."""
    from hil.seal import BrokenEvidenceError, SigningKey, seal_run  # noqa: PLC0415

    reference = arguments.key or os.environ.get(KEY, "")
    if not reference:
        raise UsageError(
            f"no signing key: name it with --key, or set {KEY}, to a file or to env:NAME; make "
            f"one with: openssl genpkey -algorithm ed25519 -out seal.key"
        )
    key = SigningKey.load(reference)
    folder = choose_run(arguments.run)
    try:
        sealed = seal_run(folder, key, waived=waived, replace=arguments.replace)
    except BrokenEvidenceError as err:
        sys.stderr.write(f"hil: {err}\n")
        return FAILED
    print(f"run       {sealed.run}")
    print(f"sealed    {sealed.files} files, {sealed.records} records")
    print(f"key       {sealed.keyid}")
    print(f"gate      {sealed.exit_code}")
    return OK
