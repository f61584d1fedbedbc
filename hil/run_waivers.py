"""Which verdicts of a recorded run are waived, by the file of known issues kept with it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.evidence.journal import EvidenceError
from hil.evidence.waivers import Waivers, read_waivers

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord

CONFIG: Final = "config"
"""Folder in a run's folder with the files that the run was made by: bench, conformance statement,
known issues. None of them holds a key."""
WAIVERS: Final = "waivers.yaml"


def waivers_of(run: RunRecord) -> Waivers:
    """Return the known issues that counted in a run; none if its bench names no file.

    Where the run kept no copy (plain pytest does not), the file itself is read. Raises
    EvidenceError if it is not the one that the journal names, ConfigError if it cannot be read.
    """
    stated = run.begin.get("waivers")
    if not isinstance(stated, dict) or not stated.get("path"):
        return Waivers()
    places = (run.folder / CONFIG / WAIVERS, Path(str(stated["path"])))
    for path in places:
        if path.is_file() and (waivers := read_waivers(path)).sha256 == stated.get("sha256"):
            return waivers
    there = [str(path) for path in places if path.is_file()]
    if not there:
        raise EvidenceError(f"{places[1]}: the run was judged by it, and it is not there any more")
    raise EvidenceError(
        f"{' and '.join(there)}: the run was judged by this file of waivers, and it has changed "
        f"since the run: its SHA-256 is not {stated.get('sha256')}; put the old one back"
    )


def waived(run: RunRecord) -> Callable[[TestRecord], bool]:
    """Return what tells of a test whether a waiver that held on the day of the run covers it."""
    waiver = waiver_of(run)
    return lambda test: waiver(test) is not None


def waiver_of(run: RunRecord) -> Callable[[TestRecord], str | None]:
    """Return what tells which waiver covers the verdict of a test, in one line; None for none."""
    waivers = waivers_of(run)
    day = datetime.datetime.fromtimestamp(run.began_ns / 1e9, tz=datetime.UTC).date()

    def told(test: TestRecord) -> str | None:
        found = waivers.covering(test, day)
        return None if found is None else found.describe(day)

    return told
