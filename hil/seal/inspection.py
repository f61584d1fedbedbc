"""What the evidence of a run says of itself: chains, ends, attachments. Needs no seal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hil.evidence.journal.errors import EvidenceError
from hil.evidence.run_record import RunRecord, read_run
from hil.seal.links import Break

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hil.evidence.journal.reader import Event
    from hil.seal.manifest import SealedFile

JOURNALS: Final = "journal/"
CUT: Final = (
    "records are missing behind the last one, or were never written: the run was broken off, or "
    "its end was cut off"
)
CHAIN: Final = (
    "a record here or before it was changed, left out or put elsewhere after it was written"
)
_FAULT: Final = re.compile(r"([^:]+\.jsonl):(\d+): (.*)", re.DOTALL)


@dataclass(slots=True)
class Named:
    """An attachment as a journal names it, and where: ``journal/main.jsonl:12``."""

    where: str
    file: str
    sha256: str
    size: object


@dataclass(slots=True)
class Inspection:
    """What was found: the run (None if it cannot be read), broken links, what journals name.

    ``without_end`` are the journals that stop without a word.
    """

    run: RunRecord | None = None
    breaks: list[Break] = field(default_factory=list)
    without_end: list[Break] = field(default_factory=list)
    attachments: list[Named] = field(default_factory=list)
    run_of: dict[str, str] = field(default_factory=dict)
    """Run id of each journal, by its path in the folder."""

    def take(self, event: Event) -> None:
        """Note what an event says of other files."""
        path = f"{JOURNALS}{event.process}.jsonl"
        if event.event == "run-begin":
            self.run_of.setdefault(path, str(event.body.get("run", "")))
        elif event.event == "attachment" and event.body.get("file"):
            body = event.body
            where = f"{path}:{event.seq + 1}"
            self.attachments.append(
                Named(where, str(body["file"]), str(body.get("sha256", "")), body.get("size"))
            )


def inspect(folder: Path) -> Inspection:
    """Read all journals once and check their chains; the folder must hold plain files only."""
    found = Inspection()
    try:
        found.run = read_run(folder, found.take)
    except EvidenceError as err:
        found.breaks.append(Break(JOURNALS, str(err), "there is no run to speak of"))
        return found
    found.breaks += [_chain(fault) for fault in found.run.faults]
    found.without_end = [
        Break(f"{JOURNALS}{file.path.name}:{file.lines}", "its last record is no run-end", CUT)
        for file in found.run.files
        if not file.ended
    ]
    return found


def attachments(found: Inspection, digests: Mapping[str, SealedFile]) -> list[Break]:
    """Return which attachments are not what the journals name."""
    breaks = []
    for one in found.attachments:
        there = digests.get(one.file)
        if there is None:
            what, means = (
                f"{one.where} names this attachment, and it is not there",
                "it was removed",
            )
        elif one.sha256 != there.sha256 or one.size != there.size:
            what, means = f"it is not the attachment that {one.where} names", "it was changed"
        else:
            continue
        breaks.append(Break(one.file, what, means))
    return breaks


def _chain(fault: str) -> Break:
    match = _FAULT.fullmatch(fault)
    if match is None:
        return Break(JOURNALS, fault, "a journal was put here from another run")
    return Break(f"{JOURNALS}{match[1]}:{match[2]}", match[3], CHAIN)
