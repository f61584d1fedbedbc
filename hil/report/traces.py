"""Makes the traces of tests from the journals of a run: a transcript, and packets for Wireshark.

Everything is read and written as it goes, so a test with a hundred thousand APDUs needs no more
memory than one with ten. Files are written under another name and renamed when they are whole.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from hil.evidence.journal import Event, JournalFile
from hil.evidence.run_record import RunRecord
from hil.report.apdu_packets import ApduPackets
from hil.report.exchanges import ApduExchange, Entry, entries
from hil.report.joined import joined
from hil.report.pcapng import PcapngWriter
from hil.report.text import stated
from hil.report.transcript import Transcript, head

TRANSCRIPT: Final = "transcript.txt"
PACKETS: Final = "trace.pcapng"
_PART: Final = ".part"
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME: Final = 80
_BEGIN: Final = "test-begin"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Traced:
    """Which test is traced: its pytest node id, the ``label`` of its packets, the equipment."""

    test: str
    label: str = ""
    equipment: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The label; without one the short name of the test."""
        return self.label or self.test.rpartition("::")[2] or self.test

    @property
    def virtual(self) -> frozenset[str]:
        """Names of equipment that is a stand-in."""
        return frozenset(name for name, one in self.equipment.items() if one.get("virtual"))


def write_traces(
    events: Iterable[Event], traced: Traced, folder: Path, *, with_atr: bool = False
) -> tuple[Path, ...]:
    """Write the traces of one test into ``folder``, and return the files that there are.

    ``events`` are those of the test, in the order of its journal. ``transcript.txt`` is written if
    anything went over a link, ``trace.pcapng`` if APDUs did; without exchanges nothing is written,
    the folder neither.
    """
    told = _begin_of(iter(events))
    if told is None:
        return ()
    began, rest = told
    with ExitStack() as stack:
        files = _Files(folder, stack)
        stack.push(files.given_up)
        packets = ApduPackets(traced.name, virtual=traced.virtual, with_atr=with_atr)
        row = _packed(entries(rest), packets, files)
        for line in head(traced.test, _utc(began.utc_ns), traced.equipment):
            files.text(line)
        for line in Transcript(began.mono_ns).lines(joined(row)):
            files.text(line)
    return files.finish()


def traces_of(
    record: RunRecord, test: str, folder: Path, *, with_atr: bool = False
) -> tuple[Path, ...]:
    """Write the traces of the test ``test`` of a run into ``folder``; see :func:`write_traces`."""
    found = record.tests.get(test)
    of_it = (
        event
        for file in record.files
        if found is None or found.process in ("", file.process)
        for event in JournalFile(file.path).events()
        if event.test == test
    )
    return write_traces(of_it, _traced(record, test), folder, with_atr=with_atr)


def traces_of_run(
    record: RunRecord, folder: Path, *, with_atr: bool = False
) -> dict[str, tuple[Path, ...]]:
    """Write the traces of every test of a run, each into a folder of its own in ``folder``.

    Journals are gone through once. Returns the files of each test that has any, by its id. A test
    that was run again later has its further attempts in a folder with a number behind the name.
    """
    made: dict[str, tuple[Path, ...]] = {}
    for file in record.files:
        # What belongs to no test, as a note on the clock, may stand in the middle of one.
        events = (event for event in JournalFile(file.path).events() if event.test)
        for test, of_it in itertools.groupby(events, key=lambda event: event.test):
            before = made.get(test, ())
            name = folder_name(test) + (f"-{_folders(before) + 1}" if before else "")
            files = write_traces(of_it, _traced(record, test), folder / name, with_atr=with_atr)
            if files:
                made[test] = before + files
    return made


def folder_name(test: str) -> str:
    """Return a name for a folder of a test: readable, short, and one test's alone."""
    readable = _NOT_IN_A_NAME.sub("-", test.rpartition("/")[2]).strip("-.")[:_LONGEST_NAME]
    return f"{readable}-{hashlib.sha256(test.encode('utf-8', 'replace')).hexdigest()[:8]}"


class _Files:
    """The two files of one test, each begun with its first content."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._open: dict[str, BinaryIO] = {}
        self._packets: PcapngWriter | None = None

    def text(self, line: str) -> None:
        self._file(TRANSCRIPT).write(f"{line}\n".encode("utf-8", "replace"))

    def packets(self) -> PcapngWriter:
        if self._packets is None:
            self._packets = PcapngWriter(self._file(PACKETS))
        return self._packets

    def _file(self, name: str) -> BinaryIO:
        if name not in self._open:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = (self._folder / (name + _PART)).open("wb")
            self._open[name] = self._stack.enter_context(file)
        return self._open[name]

    def given_up(self, error: type[BaseException] | None, *_: object) -> None:
        """Leave no part where the traces were not made to their end, by Ctrl-C too."""
        if error is not None:
            for name in self._open:
                (self._folder / (name + _PART)).unlink(missing_ok=True)

    def finish(self) -> tuple[Path, ...]:
        parts = {name: self._folder / (name + _PART) for name in self._open}
        return tuple(part.replace(self._folder / name) for name, part in parts.items())


def _packed(row: Iterator[Entry], packets: ApduPackets, files: _Files) -> Iterator[Entry]:
    """Pass entries on, and write the packets of those that are APDUs."""
    for entry in row:
        if isinstance(entry, ApduExchange):
            for packet in packets.of(entry):
                files.packets().write(packet)
        yield entry


def _begin_of(events: Iterator[Event]) -> tuple[Event, Iterator[Event]] | None:
    """Return the event at which the test began, and all from there on; None without exchanges."""
    kept: list[Event] = []
    began: Event | None = None
    for event in events:
        began = event if began is None and event.event == _BEGIN else began
        kept.append(event)
        if event.event == "exchange":
            return began or event, itertools.chain(kept, events)
    return None


def _traced(record: RunRecord, test: str) -> Traced:
    found = record.tests.get(test)
    case = found.case if found is not None else None
    return Traced(test, stated(case, "id"), record.equipment)


def _folders(files: tuple[Path, ...]) -> int:
    return len({file.parent for file in files})


def _utc(ns: int) -> str:
    """Return a time of day to the microsecond, "" for one that no calendar knows."""
    try:
        return (_EPOCH + timedelta(microseconds=ns // 1000)).isoformat(timespec="microseconds")
    except OverflowError:
        return ""
