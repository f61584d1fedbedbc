"""``hil report``: views of a run, made again from its journal, for people and for programs."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.cli import OK, REPORT
from hil.cli.choice import add_run_argument, choose_run
from hil.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord
    from hil.report.verdicts import WaiverOf

_PAGES: Final = {
    "matrix": "evidence/matrix.html",
    "document": "evidence/report.html",
    "plain": "evidence/run.html",
    "allure": "report/index.html",
}
"""View → what ``--open`` shows of it; of several, the last."""


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
    parser.add_argument(
        "--break-seal",
        action="store_true",
        help="make views of a sealed run too; 'hil seal --replace' has to seal it anew then",
    )
    parser.epilog = "Nothing is asked of the network, and nothing but the views is written."


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Make the views and print where they are; exit code 7 if Allure failed.

    Raises UsageError if the run is sealed, EvidenceError if its journals, or the waivers that it
    was judged by, cannot be used.
    """
    folder = choose_run(arguments.run)
    wanted = tuple(_PAGES) if arguments.format == "all" else (arguments.format,)
    shown = folder / _PAGES[wanted[-1]]
    code = OK
    if not arguments.break_seal and _is_sealed(folder):
        if not (arguments.open and shown.is_file()):
            raise UsageError(_sealed(folder, shown, look=arguments.open))
    else:
        code = _make(folder, wanted, arguments)
    if arguments.open:
        from hil.report.serve import serve  # noqa: PLC0415 - only to look at it

        serve(folder, shown, say=lambda text: print(text, flush=True))
    return code


def _is_sealed(folder: Path) -> bool:
    from hil.seal.files import SEAL  # noqa: PLC0415

    return os.path.lexists(folder / SEAL)


def _sealed(folder: Path, shown: Path, *, look: bool) -> str:
    lacks = f" ({shown} is not there)" if look else ""
    return (
        f"{folder}: this run is sealed, and a view made now would break its seal: --open serves a "
        f"view that is there{lacks}; --break-seal makes it all the same, and 'hil seal --replace' "
        f"has to seal the run anew then"
    )


def _make(folder: Path, wanted: tuple[str, ...], arguments: argparse.Namespace) -> int:
    from hil.evidence.run_record import read_run  # noqa: PLC0415

    run = read_run(folder)
    issued = arguments.issued or datetime.datetime.now(tz=datetime.UTC).date()
    waiver, results_waiver = _waivers(run, tolerant=wanted == ("allure",))
    if _is_sealed(folder):
        print(f"report    {folder}: 'hil seal --replace' has to seal it anew", file=sys.stderr)
    code = OK
    for name in wanted:
        if name == "allure":
            single = arguments.single_file
            pages, code = _front(run, waiver, results_waiver, single_file=single)
        else:
            pages = list(_views(name, run, waiver, issued, arguments.amends))
        for page in pages:
            print(f"report    {page}", flush=True)
    return code


def _waivers(run: RunRecord, *, tolerant: bool) -> tuple[WaiverOf, WaiverOf]:
    """Return what tells of waivers in pages of ours, and in Allure's results.

    Raises EvidenceError if they cannot be used. Where ``tolerant``, only a page of ours raises
    it: it would say that there are none, and a verdict of the gate that the gate refuses to give.
    """
    from hil.evidence.journal import EvidenceError  # noqa: PLC0415
    from hil.report.verdicts import no_waiver  # noqa: PLC0415
    from hil.run_waivers import waiver_of  # noqa: PLC0415

    try:
        waiver = waiver_of(run)
    except (EvidenceError, ConfigError) as err:
        said = str(err)
        if not tolerant:
            raise EvidenceError(said) from err
    else:
        return waiver, waiver

    def unusable(_test: TestRecord) -> str | None:
        raise EvidenceError(f"no plain page in the place of Allure's report: {said}")

    print(f"report    waivers are not shown: {said}", file=sys.stderr)
    return unusable, no_waiver


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


def _front(
    run: RunRecord, waiver: WaiverOf, results_waiver: WaiverOf, *, single_file: bool
) -> tuple[list[Path], int]:
    from hil.run_views import make_front, make_traces  # noqa: PLC0415

    for line in make_traces(run, results_waiver):
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
