"""Holds journals that are sound in themselves against manifest and statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hil.seal.files import SEAL
from hil.seal.inspection import CHAIN, JOURNALS, Inspection
from hil.seal.links import Break

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.evidence.journal.reader import JournalFile
    from hil.evidence.run_record import RunRecord
    from hil.seal.manifest import Manifest, SealedJournal

_LIES = "the statement was not made from these journals"


def of_other_runs(found: Inspection, sealed: Manifest) -> list[Break]:
    """Return which journals are of another run than the one that was sealed."""
    return [
        Break(
            f"{path}:1",
            f"it is a journal of run {run!r}, in the sealed folder of run {sealed.run!r}",
            "a journal was put here from another run",
        )
        for path, run in found.run_of.items()
        if run != sealed.run
    ]


def lengths(run: RunRecord, sealed: Manifest) -> list[Break]:
    """Return which journals are longer, shorter or ended otherwise than sealed."""
    breaks = []
    for file in run.files:
        path = f"{JOURNALS}{file.path.name}"
        one = sealed.journals.get(path)
        if one is not None:
            breaks += _length(path, file, one)
    return breaks


def _length(path: str, file: JournalFile, one: SealedJournal) -> list[Break]:
    if file.lines < one.lines:
        what = f"{one.lines - file.lines} of {one.lines} sealed records are missing at the end"
        return [Break(f"{path}:{file.lines + 1}", what, "the tail of the journal was cut off")]
    if file.lines > one.lines:
        what = f"{file.lines - one.lines} records more than the {one.lines} that were sealed"
        means = "the journal was written to after it was sealed"
        return [Break(f"{path}:{one.lines + 1}", what, means)]
    if file.head != one.head:
        what = "the last record is not the one that was sealed"
        return [Break(f"{path}:{one.lines}", what, f"{CHAIN}, or the whole chain was written anew")]
    return []


def against_statement(run: RunRecord, statement: Mapping[str, Any]) -> list[Break]:
    """Return which verdicts of the signed statement are not those of the journals."""
    if not statement:
        return []
    signed: dict[str, Any] = statement["verdicts"]
    now = {test.id: test.verdict for test in run.tests.values()}
    return [
        Break(
            SEAL,
            f"it says {signed.get(name, 'nothing')} of {name}, the journal says "
            f"{now.get(name, 'nothing')}",
            _LIES,
        )
        for name in sorted(signed.keys() | now.keys())
        if signed.get(name) != now.get(name)
    ]
