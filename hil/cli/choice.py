"""Which bench or run a command is about: named, or the one that is most likely meant."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Final

from hil.bench.project import runs_folder
from hil.errors import UsageError

DEFAULT_BENCH: Final = "virtual"
FALLBACK_BENCH: Final = "virtual-inprocess"


def seconds(text: str) -> float:
    """Return a time given on the command line: more than 0, at most a week."""
    try:
        given = float(text)
    except ValueError:
        given = math.nan
    if not 0 < given <= 604_800:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds up to a week")
    return given


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


def add_run_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``RUN``, the newest run by default."""
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="a run: its folder, or its name in runs/ (default: the newest)",
    )


def choose_run(given: str | None) -> Path:
    """Return the folder of a run: as given, as named in ``runs/``, else the newest there.

    Raises UsageError if there is none.
    """
    if given:
        places = [Path(given).expanduser()]
        if places[0].name == given:
            places.append(runs_folder() / given)
        for place in places:
            if place.is_dir():
                return place.absolute()
        looked = " nor ".join(str(place) for place in places)
        raise UsageError(f"there is no run {given}: there is no folder of a run at {looked}")
    runs = runs_folder()
    journals = [path for path in runs.glob("*/journal") if any(path.glob("*.jsonl"))]
    if not journals:
        raise UsageError(
            f"no run was recorded in {runs}, so there is no run in it: name the folder of one, or "
            f"make one with hil run"
        )
    # The folder of journals is not touched again once each process has made its file.
    return max(journals, key=lambda path: (path.stat().st_mtime_ns, path)).parent
