"""``hil history``: what earlier runs tell. Which tests flake, which values drift, how capable.

The store is ``history.sqlite`` in the folder of runs; a run is kept in it at its end.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hil.bench.project import runs_folder
from hil.cli import FAILED, OK
from hil.cli.choice import choose_run

if TYPE_CHECKING:
    from hil.history import History
    from hil.history.queries import KeptRun
    from hil.history.series import Series
    from hil.history.steadiness import Steadiness

LAST: Final = 50
_SHOWN: Final = 10
"""Changing tests that the overview names."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("test", nargs="?", metavar="TEST", help="a test's id, or a part of it")
    parser.add_argument("--measurement", metavar="NAME", help="what was measured, or a part of it")
    parser.add_argument("--bench", metavar="NAME", help="runs on this bench only")
    parser.add_argument(
        "--last",
        metavar="N",
        type=_count,
        help=f"the newest N runs (measured values: all runs, else {LAST})",
    )
    parser.add_argument(
        "--baseline",
        metavar="N",
        type=_baseline,
        help="values from which drift and capability are stated (25)",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="benches and instruments together; virtual and real stay apart",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="as JSON")
    output.add_argument("--page", metavar="FILE", type=Path, help="write an HTML page with charts")
    change = parser.add_mutually_exclusive_group()
    change.add_argument(
        "--import",
        dest="imports",
        nargs="+",
        metavar="RUN",
        help="take in older runs: their folders, or their names in runs/",
    )
    change.add_argument("--forget", metavar="RUN", help="take a run out; its folder stays")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Show or change the history; exit code 1 if a run could not be taken in or is not there."""
    from hil.history import FILE, History  # noqa: PLC0415

    file = runs_folder() / FILE
    if arguments.imports:
        return _import(arguments.imports, file)
    if arguments.forget:
        return _forget(arguments.forget, file)
    with History(file) as history:
        if arguments.measurement is not None:
            return _measurements(history, arguments)
        if arguments.test is not None:
            return _tests(history, arguments)
        return _overview(history, arguments)


def _import(given: list[str], file: Path) -> int:
    from hil.errors import HilError  # noqa: PLC0415
    from hil.evidence.run_record import read_run  # noqa: PLC0415
    from hil.history import History  # noqa: PLC0415

    added = again = refused = 0
    with History(file, writable=True) as history:
        for one in given:
            try:
                run = read_run(choose_run(one))
                new = history.add(run)
            except HilError as err:
                sys.stderr.write(f"hil: {err}\n")
                refused += 1
                continue
            if run.faults:
                sys.stderr.write(f"hil: {run.folder}: its evidence is not valid: {run.faults[0]}\n")
            added += new
            again += not new
    print(f"{added} runs taken in, {again} were there already, {refused} could not be read")
    return FAILED if refused else OK


def _forget(run: str, file: Path) -> int:
    from hil.history import History  # noqa: PLC0415

    # Opened for reading first, so that no store is made where there was none.
    with History(file):
        pass
    with History(file, writable=True) as history:
        gone = history.forget(run)
    print(f"{run}: taken out; its folder stays" if gone else f"{run}: is not in the history")
    return OK if gone else FAILED


def _overview(history: History, arguments: argparse.Namespace) -> int:
    from hil.history.queries import measurement_names, outcomes, runs  # noqa: PLC0415
    from hil.history.steadiness import steadiness_of  # noqa: PLC0415

    scope = {"bench": arguments.bench, "last": arguments.last or LAST}
    kept = runs(history, **scope)
    steadiness = steadiness_of(outcomes(history, None, **scope), together=arguments.together)
    changing = [one for one in steadiness if one.flakes.changes]
    names = measurement_names(history)
    if arguments.page:
        series = [one for name in names for one in _series(history, name, arguments)]
        return _page(arguments.page, "History of runs", kept, changing, series)
    if arguments.json:
        return _json(kept, changing, names)
    from hil.cli import history_view as view  # noqa: PLC0415

    _print(view.run_lines(kept))
    if changing:
        print()
        _print(view.test_lines(changing[:_SHOWN], brief=True))
        if len(changing) > _SHOWN:
            print(f"… and {len(changing) - _SHOWN} more tests that change")
    if names:
        _print(["", f"measured: {'; '.join(names)}"])
    return OK


def _tests(history: History, arguments: argparse.Namespace) -> int:
    from hil.errors import UsageError  # noqa: PLC0415
    from hil.history.queries import named_tests, outcomes  # noqa: PLC0415
    from hil.history.steadiness import steadiness_of  # noqa: PLC0415

    scope = {"bench": arguments.bench, "last": arguments.last or LAST}
    found = [
        one
        for name in named_tests(history, arguments.test)
        for one in steadiness_of(outcomes(history, name, **scope), together=arguments.together)
    ]
    if not found:
        raise UsageError(
            f"no test with {arguments.test!r} in its id ran in {_scope(arguments, LAST)}"
        )
    if arguments.page:
        return _page(arguments.page, f"History of {arguments.test}", [], found, [])
    if arguments.json:
        return _json([], found, [])
    from hil.cli import history_view as view  # noqa: PLC0415

    _print(view.test_lines(found, brief=False))
    return OK


def _measurements(history: History, arguments: argparse.Namespace) -> int:
    from hil.errors import UsageError  # noqa: PLC0415
    from hil.history.queries import measurement_names  # noqa: PLC0415

    wanted, names = arguments.measurement, measurement_names(history)
    chosen = [wanted] if wanted in names else [n for n in names if wanted.lower() in n.lower()]
    series = [one for name in chosen for one in _series(history, name, arguments)]
    if not series:
        raise UsageError(
            f"nothing with {wanted!r} in its name was measured in {_scope(arguments, None)}"
            + (f"; known: {'; '.join(names)}" if names else "; nothing was measured at all")
        )
    if arguments.page:
        return _page(arguments.page, f"History of {wanted}", [], [], series)
    if arguments.json:
        from hil.cli.history_json import series_facts  # noqa: PLC0415

        print(json.dumps([series_facts(one) for one in series], indent=1, ensure_ascii=False))
        return OK
    from hil.cli import history_view as view  # noqa: PLC0415

    _print(view.series_lines(series))
    return OK


def _series(history: History, name: str, arguments: argparse.Namespace) -> list[Series]:
    from hil.history.enough import LEAST  # noqa: PLC0415
    from hil.history.queries import readings  # noqa: PLC0415
    from hil.history.series import series_of  # noqa: PLC0415

    found = readings(history, name, bench=arguments.bench, last=arguments.last)
    return series_of(found, together=arguments.together, baseline=arguments.baseline or LEAST)


def _page(
    file: Path,
    title: str,
    runs: list[KeptRun],
    tests: list[Steadiness],
    series: list[Series],
) -> int:
    from hil.history.page import write_page  # noqa: PLC0415

    write_page(file, title, runs, tests, series)
    print(file)
    return OK


def _json(runs: list[KeptRun], tests: list[Steadiness], measured: list[str]) -> int:
    from hil.cli.history_json import run_facts, test_facts  # noqa: PLC0415

    facts: dict[str, Any] = {"tests": [test_facts(one) for one in tests]}
    if runs:
        facts = {"runs": [run_facts(one) for one in runs], **facts, "measured": measured}
    print(json.dumps(facts, indent=1, ensure_ascii=False))
    return OK


def _scope(arguments: argparse.Namespace, last: int | None) -> str:
    """Return in words which runs were looked at."""
    last = arguments.last or last
    runs = "any run" if last is None else f"the last {last} runs"
    return f"{runs} on {arguments.bench}" if arguments.bench else runs


def _print(lines: list[str]) -> None:
    """Print lines; what the terminal cannot show becomes what it can."""
    encoding = sys.stdout.encoding or "ascii"
    text = "\n".join(lines).replace("±", "±" if _can(encoding, "±") else "+/-")
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def _can(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _count(text: str) -> int:
    return _whole(text, 1)


def _baseline(text: str) -> int:
    return _whole(text, 5)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
    return int(text)
