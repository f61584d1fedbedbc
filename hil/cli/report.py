"""``hil report``: views of a run, made again from its journal, for people and for programs."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.bench.project import project_root, runs_folder
from hil.cli import OK, REPORT
from hil.errors import UsageError

if TYPE_CHECKING:
    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord
    from hil.report.verdicts import WaiverOf

EVIDENCE: Final = "evidence"
"""Folder of a run for what is made from its journal."""
ALLURE: Final = "report"
"""Folder of a run for the report that people open first."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help="folder of a run, or its name in runs/ (default: the newest)",
    )
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
    from hil.evidence.run_record import read_run  # noqa: PLC0415

    folder = find_run(arguments.run)
    run = read_run(folder)
    issued = arguments.issued or datetime.datetime.now(tz=datetime.UTC).date()
    waiver = waivers_of(run, issued)
    every = ("matrix", "document", "plain", "allure")
    wanted = every if arguments.format == "all" else (arguments.format,)
    made: list[Path] = []
    code = OK
    for name in wanted:
        if name == "allure":
            pages, code = allure_or_page(run, waiver, single_file=arguments.single_file, again=True)
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


def find_run(given: str | None) -> Path:
    """Return the folder of a run: as named, by its name in runs/, or the newest in runs/.

    Raises UsageError if there is none.
    """
    from hil.evidence.journal.writer import FOLDER  # noqa: PLC0415

    if given:
        path = Path(given).expanduser()
        if path.is_dir():
            return path.absolute()
        if not path.is_absolute() and (runs_folder() / given).is_dir():
            return runs_folder() / given
        raise UsageError(f"there is no run {given}: neither a folder nor a name in {runs_folder()}")
    runs = runs_folder()
    found = [one.parent for one in runs.glob(f"*/{FOLDER}") if any(one.glob("*.jsonl"))]
    if not found:
        raise UsageError(f"there is no run in {runs} yet: hil run makes one")
    return max(found, key=lambda one: ((one / FOLDER).stat().st_mtime_ns, one.name))


def _views(
    name: str, run: RunRecord, waiver: WaiverOf, issued: datetime.date, amends: str
) -> Iterator[Path]:
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
        yield _page(run, folder / "run.html", waiver)


def _page(run: RunRecord, path: Path, waiver: WaiverOf) -> Path:
    from hil.report.page import write_page  # noqa: PLC0415
    from hil.report.traces import TRANSCRIPT, folder_name  # noqa: PLC0415

    def trace_of(test: TestRecord) -> Path | None:
        name = Path(EVIDENCE, "traces", folder_name(test.id), TRANSCRIPT)
        return name if (run.folder / name).is_file() else None

    return write_page(run, path, waiver=waiver, trace_of=trace_of)


def allure_or_page(
    run: RunRecord, waiver: WaiverOf, *, single_file: bool, again: bool
) -> tuple[list[Path], int]:
    """Make Allure's report, or a plain page in its place where it cannot be made.

    ``again``: the run is in the history of runs already. Returns the page, and the exit code: not
    0 if Allure is there and failed.
    """
    from hil.report import allure  # noqa: PLC0415

    results, out = run.folder / "allure-results", run.folder / ALLURE
    code, why = OK, ""
    command = allure.find_allure(_root())
    if command is None:
        why = f"the Allure command is missing; {allure.MENDS}"
    elif not any(results.glob("*-result.json")):
        why = f"{results} holds no results"
    else:
        try:
            config = _configuration(run, single_file=single_file, again=again)
            page = allure.build(command, results, out, config)
        except allure.NoAllureError as err:
            why = str(err)
        except allure.ReportError as err:
            why, code = str(err), REPORT
        else:
            large = allure.too_large(page)
            if large:
                print(f"report    {large}", flush=True)
            return [page], OK
    print(f"report    no Allure report: {why}; a plain page takes its place", file=sys.stderr)
    return [_page(run, out / "index.html", waiver)], code


def _configuration(run: RunRecord, *, single_file: bool, again: bool) -> dict[str, object]:
    from hil.report import allure  # noqa: PLC0415

    bench = str(run.begin.get("bench") or "a bench not stated")
    return allure.configuration(
        f"eSIM provisioning on {bench}",
        run.folder.parent / "history.jsonl",
        {"Run": run.run, "Bench": bench},
        single_file=single_file,
        again=again,
    )


def _root() -> Path | None:
    try:
        return project_root()
    except UsageError:
        return None


def waivers_of(run: RunRecord, day: datetime.date) -> WaiverOf:
    """Return what tells the waivers of the run on a day; says so if their file is not the same."""
    from hil.report.verdicts import no_waiver, verdict_of  # noqa: PLC0415

    named = run.begin.get("waivers")
    if not isinstance(named, dict) or not named.get("path"):
        return no_waiver
    from hil.evidence.waivers import read_waivers  # noqa: PLC0415

    path = Path(str(named["path"]))
    if not path.is_absolute():
        path = next((one for one in (path, (_root() or Path()) / path) if one.is_file()), path)
    if not path.is_file():
        print(f"report    waivers are not shown: {path} is not there any more", file=sys.stderr)
        return no_waiver
    waivers = read_waivers(path)
    if waivers.sha256 != named.get("sha256"):
        print(f"report    waivers are not shown: {path} has changed since the run", file=sys.stderr)
        return no_waiver

    def waiver_of(test: TestRecord) -> str | None:
        case = str((test.case or {}).get("id", ""))
        found = waivers.for_(test.id, case, test.requirements, verdict_of(test), day)
        return found.describe(day) if found else None

    return waiver_of


def _day(given: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(given)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{given!r} is no day such as 2026-11-26") from err
