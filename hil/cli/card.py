"""``hil card info``: what card is in a reader, or on a bench; no key is needed."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hil.cli.choice import seconds

if TYPE_CHECKING:
    from hil.equipment.card import Card


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "print kind, EID, eUICC information, profiles, applications, ICCID and IMSI"
    info = actions.add_parser(
        "info", help=text, description=text[:1].upper() + text[1:] + ".", allow_abbrev=False
    )
    where = info.add_mutually_exclusive_group()
    where.add_argument("--bench", metavar="NAME", help="the card of a bench (or HIL_BENCH)")
    where.add_argument(
        "--reader", metavar="REGEX", help="a PC/SC reader by its name (default: the only one)"
    )
    info.add_argument("--timeout", metavar="S", type=seconds, default=10.0, help="for each answer")
    info.add_argument("--json", action="store_true", help="as JSON")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print what the card shows."""
    from hil.equipment.card.card_report import as_json, lines  # noqa: PLC0415
    from hil.equipment.card.recognition import recognise  # noqa: PLC0415

    bench = arguments.bench or (None if arguments.reader else os.environ.get("HIL_BENCH"))
    opened = _of_bench(bench) if bench else _of_reader(arguments.reader or "", arguments.timeout)
    with opened as card:
        info = recognise(card)
        where = card.transport.description
    if arguments.json:
        print(json.dumps({"reader": where, **as_json(info)}, indent=1, ensure_ascii=False))
    else:
        print("\n".join([f"{'reader':<13}{where}", *lines(info)]))
    return 0


@contextlib.contextmanager
def _of_bench(name: str) -> Iterator[Card]:
    from hil.bench.bench import Bench  # noqa: PLC0415
    from hil.bench.lab import load_lab  # noqa: PLC0415

    lab = load_lab(name)
    with (
        tempfile.TemporaryDirectory(prefix="hil-", ignore_cleanup_errors=True) as folder,
        Bench(lab, Path(folder)) as bench,
        bench.card as card,
    ):
        yield card


@contextlib.contextmanager
def _of_reader(pattern: str, timeout_s: float) -> Iterator[Card]:
    from hil.equipment.card import Card  # noqa: PLC0415
    from hil.equipment.card.pcsc import PcscTransport  # noqa: PLC0415

    with Card(PcscTransport(pattern), timeout_s=timeout_s) as card:
        yield card
