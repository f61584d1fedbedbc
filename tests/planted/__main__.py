"""Plants defects one after the other, and says which the test cases notice.

``python -m tests.planted [-n N] [WORD …]``: those whose name or cases hold a word, all without one.
``--in PATH``: run all test cases there, to see which notice. ``--together``: all in one copy, which
is quicker, but one may hide another. Ends with 1 if one goes unnoticed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.planted.defect import plant, run
from tests.planted.tables import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.planted.defect import Defect


def tried(defect: Defect, wide: list[str]) -> tuple[bool, str]:
    """Plant one defect and run its cases, or all in some paths; return if it was noticed, and how.

    Noticed: each of its cases FAILs; with ``wide``, any case.
    """
    with tempfile.TemporaryDirectory(prefix="hil-planted-") as folder:
        found = run(plant(Path(folder), defect), wide or defect.caught_by)
    return judged(defect, found, wide)


def together(defects: Sequence[Defect]) -> list[tuple[bool, str]]:
    """Plant all defects in one copy and run the cases of all; return the same of each."""
    cases = sorted({case for one in defects for case in one.caught_by})
    with tempfile.TemporaryDirectory(prefix="hil-planted-") as folder:
        found = run(plant(Path(folder), *defects), cases)
    return [
        judged(one, {case: found.get(case, "NOT RUN") for case in one.caught_by}, [])
        for one in defects
    ]


def judged(defect: Defect, found: Mapping[str, str], wide: Sequence[str]) -> tuple[bool, str]:
    """Say of the verdicts found whether they notice a defect."""
    failed = sorted(name for name, verdict in found.items() if verdict == "FAIL")
    noticed = bool(failed) if wide else all(found.get(one) == "FAIL" for one in defect.caught_by)
    shown = failed if wide else [f"{name} {verdict}" for name, verdict in sorted(found.items())]
    return noticed, ", ".join(shown)


def main() -> int:
    """Do what the module's docstring says."""
    parser = argparse.ArgumentParser(prog="tests.planted", description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("-n", type=int, default=1, help="how many at once")
    parser.add_argument("--in", dest="wide", nargs="*", default=[], metavar="PATH")
    parser.add_argument("--together", action="store_true")
    given = parser.parse_args()
    chosen = [
        one
        for one in DEFECTS
        if not given.words
        or any(word in text for word in given.words for text in (one.name, *one.caught_by))
    ]
    missed = 0
    with ThreadPoolExecutor(given.n) as pool:
        results: Iterable[tuple[bool, str]]
        if given.together:
            results = together(chosen)
        else:
            results = pool.map(lambda one: tried(one, given.wide), chosen)
        for defect, (noticed, shown) in zip(chosen, results, strict=True):
            missed += not noticed
            said = "noticed" if noticed else "MISSED"
            sys.stdout.write(f"{said:8} {defect.name}: {shown}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} defects noticed\n")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
