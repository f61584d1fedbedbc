"""``hil bench-info``: open a bench and print who is on it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from hil.cli.choice import add_bench_arguments, choose_bench


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_bench_arguments(parser)
    parser.add_argument("--no-open", action="store_true", help="by the bench file alone")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print the banner."""
    from hil.bench.banner import planned  # noqa: PLC0415
    from hil.bench.bench import Bench  # noqa: PLC0415
    from hil.bench.lab import load_lab  # noqa: PLC0415

    lab = load_lab(choose_bench(arguments.bench), profile=arguments.profile)
    if arguments.no_open:
        print("\n".join(planned(lab)))
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="hil-", ignore_cleanup_errors=True) as folder,
        Bench(lab, Path(folder)) as bench,
    ):
        print("\n".join(bench.banner(open_all=True)))
    return 0
