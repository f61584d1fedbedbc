"""Which bench a command is about: named, by environment, or the best virtual one there is."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

DEFAULT_BENCH: Final = "virtual"
FALLBACK_BENCH: Final = "virtual-inprocess"


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--bench`` and ``--profile``."""
    parser.add_argument(
        "--bench",
        metavar="NAME",
        help="a name in lab-config/ or a path (default: HIL_BENCH, else a virtual bench)",
    )
    parser.add_argument(
        "--profile", metavar="FILE", help="profile package (.der), or a folder of them"
    )


def choose_bench(given: str | None) -> str:
    """Return the bench's name: as given, by HIL_BENCH, else virtual.

    Where PC/SC is missing the default is the bench with the card in-process; one line says why,
    and the command that mends it.
    """
    if given:
        return given
    if os.environ.get("HIL_BENCH"):
        return os.environ["HIL_BENCH"]
    from hil.bench.pcscd import missing  # noqa: PLC0415

    lacking = missing()
    if not lacking:
        return DEFAULT_BENCH
    sys.stderr.write(f"hil: no PC/SC, so the virtual card runs in-process: {lacking[0]}\n")
    return FALLBACK_BENCH
