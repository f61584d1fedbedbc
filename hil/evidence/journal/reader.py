"""Reads a journal back, a line at a time, and checks its chain on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.journal.chain import FORMAT, GENESIS, digest_of
from hil.evidence.journal.errors import EvidenceError
from hil.evidence.numbers import MOST, count_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_OF_A_LINE: Final = 64 * 1024 * 1024
"""Longest line in bytes that is read; no record of a run comes near."""
MOST_NESTED: Final = 200
"""Deepest nesting of lists and objects that is read: views go through them by recursion."""
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Event:
    """One record: what happened, when, in which test ("" for none), and all that is known of it."""

    process: str
    seq: int
    utc_ns: int
    mono_ns: int
    event: str
    test: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class JournalFile:
    """One file while it is read, and what was found when its :meth:`events` have been gone through.

    ``faults`` are breaks of the chain, a line each (``file:line: what``); ``ended`` tells whether
    its last record is a ``run-end`` that counts right; ``torn_bytes`` is what a killed process left
    of a last line; ``lines`` and ``head`` are what a seal holds; ``exit_status`` is how its process
    says that it ended.
    """

    path: Path
    lines: int = 0
    head: str = GENESIS
    ended: bool = False
    torn_bytes: int = 0
    exit_status: str = ""
    faults: list[str] = field(default_factory=list)
    _unread: tuple[int, str, int] | None = None
    """Line number, fault and length of a line that is no record, until the next one explains it."""

    @property
    def process(self) -> str:
        """Name of the process that wrote it."""
        return self.path.stem

    def events(self) -> Iterator[Event]:
        """Go through the records; a line that cannot be read is a fault, and is left out."""
        self.lines, self.head, self.ended, self.torn_bytes = 0, GENESIS, False, 0
        self.faults, self._unread = [], None
        try:
            with self.path.open("rb") as file:
                number, process = 0, self.process
                while line := file.readline(MOST_OF_A_LINE):
                    number += 1
                    if not line.endswith(b"\n"):
                        self._torn(line, number)
                        return
                    event = self._event(line[:-1], number, process)
                    if event is not None:
                        yield event
            self._explain(None)
        except OSError as err:
            raise EvidenceError(f"{self.path}: cannot be read: {err.strerror}") from err

    def fault(self, what: str) -> None:
        """Note what is wrong with the record that was read last."""
        self._fault(self.lines, what)

    def _torn(self, line: bytes, number: int) -> None:
        self._explain(None)
        self.torn_bytes = len(line)
        self.ended = False
        if len(line) == MOST_OF_A_LINE:
            self._fault(number, "the line is too long for a record of a run")

    def _event(self, line: bytes, number: int, process: str) -> Event | None:
        before, self.head = self.head, digest_of(line)
        seq, self.lines = self.lines, self.lines + 1
        try:
            record = _decode(line.decode())
            if line.count(b"[") + line.count(b"{") > MOST_NESTED and _is_too_deep(record):
                raise ValueError(f"nested more than {MOST_NESTED} deep")
            event = Event(
                process=process,
                seq=_int(record["seq"]),
                utc_ns=_time(record["utc_ns"]),
                mono_ns=_time(record["mono_ns"]),
                event=_text(record["event"]),
                test=_text(record["test"]),
                body=_mapping(record["body"]),
            )
            prev = _text(record["prev"])
        except (ValueError, TypeError, KeyError, RecursionError) as err:
            self._explain(None)
            what = f"no record of a run ({type(err).__name__}: {err})"
            self._unread = (number, what, len(line))
            return None
        self._explain(event)
        if prev != before:
            self._fault(number, "the line before it is not the one that was written")
        if event.seq != seq:
            self._fault(number, f"record {event.seq} stands where record {seq} belongs")
        if seq == 0 and (event.event != "run-begin" or not _is_known(event.body.get("format", 0))):
            self._fault(number, "does not begin as a journal that this version can read")
        if self.ended:
            self._fault(number, "a record behind the end of the run")
        self.ended = event.event == "run-end" and event.body.get("records") == event.seq + 1
        self.exit_status = str(event.body.get("exit_status", "")) if self.ended else ""
        return event

    def _explain(self, event: Event | None) -> None:
        """Let off an unread line if ``event`` is the recovery that found it torn."""
        if self._unread is None:
            return
        number, what, length = self._unread
        self._unread = None
        if event is None or event.event != "recovered" or event.body.get("torn_bytes") != length:
            self._fault(number, what)
        else:
            self.torn_bytes = length

    def _fault(self, number: int, what: str) -> None:
        self.faults.append(f"{self.path.name}:{number}: {what}")


def read_journal(path: Path) -> tuple[JournalFile, list[Event]]:
    """Return a whole file: for tests and small journals."""
    file = JournalFile(path)
    return file, list(file.events())


def _is_too_deep(record: object) -> bool:
    level: list[Any] = [record] if isinstance(record, dict | list) else []
    for _ in range(MOST_NESTED):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [child for one in inner for child in one if isinstance(child, dict | list)]
    return bool(level)


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{type(value).__name__} where a whole number belongs")
    return value


def _time(value: object) -> int:
    at_ns = count_of(_int(value))
    if at_ns is None:
        raise ValueError(f"a time is not from 0 to {MOST} ns")
    return at_ns


def _is_known(version: object) -> bool:
    return isinstance(version, int | float) and version <= FORMAT


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text belongs")
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} where an object belongs")
    return value
