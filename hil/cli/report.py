"""``hil report``: views of a run, made again from its journal, for people and for programs."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hil.cli import OK, REPORT
from hil.cli.choice import add_run_argument, choose_run

if TYPE_CHECKING:
    from hil.evidence.run_record import RunRecord
    from hil.report.verdicts import WaiverOf


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_run_argument(parser)
    parser.add_argument(
        "--format",
        choices=("allure", "plain", "document", "matrix", "all"),
        default="allure",
        help="allure (default; a plain page where Node or Allure is missing), plain: one page that "
        "opens from a file, document: test report after ISO/IEC 17025 as HTML and PDF, matrix: "
        "requirements as HTML, CSV, JSON",
    )
    parser.add_argument(
        "--open", action="store_true", help="serve it on this machine and open a browser"
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument(
        "--single-file",
        dest="single_file",
        action="store_true",
        default=True,
        help="Allure's report as one file that opens without a server (default)",
    )
    shape.add_argument(
        "--folder",
        dest="single_file",
        action="store_false",
        help="Allure's report as a folder, for large runs; it needs a server (--open)",
    )
    parser.add_argument(
        "--issued",
        metavar="YYYY-MM-DD",
        type=_day,
        help="date of issue of the test report (default: today)",
    )
    parser.add_argument("--amends", metavar="NUMBER", default="", help="report that it replaces")
    parser.epilog = "Nothing is asked of the network, and nothing but the views is written."


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Make the views and print where they are; exit code 7 if Allure failed."""
    from hil.evidence.journal import EvidenceError  # noqa: PLC0415
    from hil.evidence.run_record import read_run  # noqa: PLC0415
    from hil.report.verdicts import no_waiver  # noqa: PLC0415
    from hil.run_waivers import waiver_of  # noqa: PLC0415

    folder = choose_run(arguments.run)
    run = read_run(folder)
    issued = arguments.issued or datetime.datetime.now(tz=datetime.UTC).date()
    try:
        waiver = waiver_of(run)
    except EvidenceError as err:
        print(f"report    waivers are not shown: {err}", file=sys.stderr)
        waiver = no_waiver
    every = ("matrix", "document", "plain", "allure")
    wanted = every if arguments.format == "all" else (arguments.format,)
    made: list[Path] = []
    code = OK
    for name in wanted:
        if name == "allure":
            pages, code = _front(run, waiver, single_file=arguments.single_file)
        else:
            pages = list(_views(name, run, waiver, issued, arguments.amends))
        made += pages
        for page in pages:
            print(f"report    {page}", flush=True)
    if arguments.open:
        from hil.report.serve import serve  # noqa: PLC0415 - only to look at it

        page = next(one for one in reversed(made) if one.suffix == ".html")
        serve(folder, page, say=lambda text: print(text, flush=True))
    return code


def _views(
    name: str, run: RunRecord, waiver: WaiverOf, issued: datetime.date, amends: str
) -> Iterator[Path]:
    from hil.run_views import EVIDENCE, PAGE, make_page  # noqa: PLC0415

    folder = run.folder / EVIDENCE
    if name == "matrix":
        from hil.report.matrix import write_matrix  # noqa: PLC0415

        yield from write_matrix(run, folder, waiver=waiver)
    elif name == "document":
        from hil.report.document import pdf_lacks, write_document  # noqa: PLC0415

        yield from write_document(run, folder, issued=issued, waiver=waiver, amends=amends)
        if pdf_lacks():
            print(f"report    {pdf_lacks()}", flush=True)
    else:
        yield make_page(run, folder / PAGE, waiver)


def _front(run: RunRecord, waiver: WaiverOf, *, single_file: bool) -> tuple[list[Path], int]:
    from hil.run_views import make_front, make_traces  # noqa: PLC0415

    for line in make_traces(run, waiver):
        print(f"foreign   {line}", file=sys.stderr)
    history = run.folder.parent / "history.jsonl"
    front = make_front(run, waiver, history=history, single_file=single_file, again=True)
    for note in front.notes:
        print(f"report    {note}", file=sys.stderr)
    return [front.page], REPORT if front.failed else OK


def _day(given: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(given)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{given!r} is no day such as 2026-11-26") from err
