"""``hil schema``: JSON Schema of the lab-config files, for editors."""

from __future__ import annotations

import argparse
import json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "kind",
        nargs="?",
        default="bench",
        choices=[
            "bench",
            "jig",
            "calibration",
            "ics",
            "waivers",
            "key-set-euicc",
            "key-set-device",
            "key-set-servers",
            "key-set-network",
        ],
        help="which file (default: bench)",
    )


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print the schema."""
    from hil.bench.lab import schemas  # noqa: PLC0415

    print(json.dumps(schemas()[arguments.kind], indent=2))
    return 0
