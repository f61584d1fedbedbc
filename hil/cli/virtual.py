"""``hil virtual PART``: one virtual part by itself, so that any other tool can be pointed at it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

PARTS: Final = {
    "power-supply": "hil.virtual.power_supply",
    "device": "hil.virtual.device",
    "euicc": "hil.virtual.euicc",
    "network": "hil.virtual.network",
}
_REACH: Final = {
    "power-supply": "point any VISA or raw-socket SCPI tool at 'resource' of the line below",
    "device": "open 'port' of the line below with any terminal program",
    "euicc": "the card is in the reader at 'vpcd', or offers its contacts at 'contacts', below",
    "network": "bind any SMPP 3.4 client to 'smpp' of the line below",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; everything after the part goes to the part."""
    parser.set_defaults(passes_on=True)
    parser.add_argument("part", choices=sorted(PARTS), help="which part; 'PART --help' tells more")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="options of the part")


def main(arguments: argparse.Namespace, rest: list[str]) -> int:
    """Become the part: this process is replaced by it."""
    options = [*rest, *arguments.options]
    if not {"-h", "--help"} & set(options):
        sys.stderr.write(f"{_REACH[arguments.part]}; Ctrl-C ends it\n")
        sys.stderr.flush()
    command = [sys.executable, "-m", PARTS[arguments.part], *options]
    os.execv(sys.executable, command)  # noqa: S606 - a list, no shell
