"""A whole run as its journals tell it: what every report, the gate and the history read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.journal.errors import EvidenceError
from hil.evidence.journal.reader import JournalFile
from hil.evidence.journal.writer import FOLDER
from hil.evidence.test_record import TestHistory, TestRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from hil.evidence.journal.reader import Event

_OF_THE_RUN: Final = ("launcher", "main")
"""Whose ``run-begin`` tell of the run: where they differ, whoever ran the tests is right."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was read to prove a state, or noted of the run, outside any test."""

    process: str
    utc_ns: int
    name: str
    text: str


@dataclass(frozen=True)
class RunRecord:
    """The merged view of all journals of a run; see :func:`read_run`.

    ``begin`` is the body of its ``run-begin``, ``equipment`` the last that is known of each item by
    name, ``tests`` are in order of their ids. ``ended``: every process closed its journal in order,
    so nothing is missing; ``recovered``: somebody closed a torn one afterwards. ``faults`` are
    breaks of the chain, ``unsafe`` what was not proven to be off, or had to be switched off by a
    watchdog. Times are UTC, in nanoseconds.
    """

    folder: Path
    run: str
    begin: Mapping[str, Any]
    equipment: Mapping[str, Mapping[str, Any]]
    tests: Mapping[str, TestRecord]
    not_selected: Mapping[str, str]
    proofs: tuple[Proof, ...]
    files: tuple[JournalFile, ...]
    ended: bool
    recovered: bool
    faults: tuple[str, ...]
    began_ns: int
    ended_ns: int
    unsafe: tuple[str, ...] = ()

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of the processes that wrote a journal."""
        return tuple(file.process for file in self.files)

    @property
    def is_virtual(self) -> bool:
        """Whether any part of the bench was virtual."""
        return bool(self.begin.get("virtual")) or any(
            one.get("virtual") for one in self.equipment.values()
        )

    def exchanges(self, test: str) -> Iterator[Event]:
        """Go through what went over the links in one test; read from its file again."""
        record = self.tests.get(test)
        for file in self.files:
            if record is not None and record.process in ("", file.process):
                again = JournalFile(file.path)
                for event in again.events():
                    if event.event == "exchange" and event.test == test:
                        yield event


def journals_of(folder: Path) -> list[Path]:
    """Return the journals of a run, in order of their names.

    Raises EvidenceError if ``folder`` holds none.
    """
    found = sorted((folder / FOLDER).glob("*.jsonl"))
    if not found:
        raise EvidenceError(
            f"{folder}: no run was recorded here: there is no {FOLDER}/*.jsonl; name the folder of "
            f"a run, such as the newest in runs/"
        )
    return found


def read_run(folder: Path, watch: Callable[[Event], None] = lambda _event: None) -> RunRecord:
    """Read a run, whole or torn; its chain is checked on the way.

    ``watch`` is shown every event, for those who look for more than the view holds.
    A record of which the body is of another shape than a run writes is a fault, and is left out.
    Raises EvidenceError if ``folder`` holds no journal, or one that cannot be read.
    """
    gathering = _Gathering(folder, watch)
    for path in journals_of(folder):
        gathering.read(JournalFile(path))
    return gathering.record()


@dataclass
class _Gathering:
    folder: Path
    watch: Callable[[Event], None]
    begins: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    equipment: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tests: dict[str, TestHistory] = field(default_factory=lambda: defaultdict(TestHistory))
    not_selected: dict[str, str] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    files: list[JournalFile] = field(default_factory=list)
    recovered: bool = False
    first_ns: int = 0
    last_ns: int = 0

    def read(self, file: JournalFile) -> None:
        self.files.append(file)
        for event in file.events():
            self.first_ns = min(self.first_ns or event.utc_ns, event.utc_ns)
            self.last_ns = max(self.last_ns, event.utc_ns)
            try:
                self._take(event)
            except TypeError as err:
                file.fault(f"no record of a run ({event.event}: {err})")
            self.watch(event)

    def _take(self, event: Event) -> None:
        body = event.body
        if event.event == "exchange":
            return
        if event.event == "run-begin":
            self.begins[event.process] = body
        elif event.event == "equipment":
            self.equipment[str(body.get("name", ""))] = body
        elif event.event == "test-not-selected":
            self.not_selected[event.test] = str(body.get("reason", ""))
        elif event.event == "unsafe":
            self.unsafe.append(str(body.get("text", "")))
        elif event.event == "recovered":
            self.recovered = True
        elif event.test:
            self.tests[event.test].take(event)
        elif event.event in ("proof", "note", "prompt"):
            name = str(body.get("name", event.event))
            text = str(body.get("text", body))
            self.proofs.append(Proof(event.process, event.utc_ns, name, text))

    def record(self) -> RunRecord:
        begin: dict[str, Any] = {}
        for name in _OF_THE_RUN:
            begin |= self.begins.get(name, {})
        begin = begin or dict(next(iter(self.begins.values()), {}))
        faults = [fault for file in self.files for fault in file.faults]
        faults += self._strangers()
        return RunRecord(
            folder=self.folder,
            run=str(begin.get("run", self.folder.name)),
            begin=begin,
            equipment=dict(sorted(self.equipment.items())),
            tests={name: self.tests[name].record(name) for name in sorted(self.tests)},
            not_selected=dict(sorted(self.not_selected.items())),
            proofs=tuple(sorted(self.proofs, key=lambda one: one.utc_ns)),
            unsafe=tuple(dict.fromkeys(self.unsafe)),
            files=tuple(self.files),
            ended=all(file.ended for file in self.files) and not self.recovered,
            recovered=self.recovered,
            faults=tuple(faults),
            began_ns=self.first_ns,
            ended_ns=self.last_ns,
        )

    def _strangers(self) -> list[str]:
        """Return what is wrong where journals of two runs lie in one folder."""
        runs = {str(begin.get("run", "")): name for name, begin in self.begins.items()}
        if len(runs) <= 1:
            return []
        named = ", ".join(f"{name}.jsonl of {run}" for run, name in sorted(runs.items()))
        return [f"journals of different runs in one folder: {named}"]
