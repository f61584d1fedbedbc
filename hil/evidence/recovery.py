"""Closes the journals of a run that was broken off: nothing is changed, the end is added and said.

What a killed process left of a last line is kept (it is evidence) and closed by a line end; the
reader then finds it as what it is. Every test that had begun ends as what was seen of it by then,
and INCONCLUSIVE at best.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from hil.evidence.journal.chain import digest_of, line_of
from hil.evidence.journal.errors import EvidenceError
from hil.evidence.journal.reader import JournalFile
from hil.evidence.numbers import count_of
from hil.evidence.run_record import journals_of
from hil.evidence.test_record import TestHistory, TestRecord

if TYPE_CHECKING:
    from pathlib import Path

    from hil.evidence.journal.reader import Event

RECOVERED: Final = "recovered"
_POLL_S: Final = 0.1


def recover(folder: Path, *, by: str, why: str) -> list[str]:
    """Close what is open; return what was done, a line each (none: the run had ended in order).

    ``by`` is who does it, ``why`` is said in the journal. A journal that is still being written,
    cannot be read or written, or whose chain is broken before its end is left alone; EvidenceError
    says so when the others are closed.
    """
    done: list[str] = []
    left: list[str] = []
    for path in journals_of(folder):
        try:
            done += _close(path, by, why)
        except EvidenceError as err:
            left.append(str(err))
    if left:
        raise EvidenceError("; ".join(left))
    return done


def await_writers(folder: Path, *, timeout_s: float) -> None:
    """Wait for the processes of a run that still write its journals, but no longer than that."""
    deadline = time.monotonic() + timeout_s
    for path in journals_of(folder):
        file = JournalFile(path)
        writer = next((_pid(event) for event in file.events()), 0)
        while writer and _writes(writer, path) and time.monotonic() < deadline:
            time.sleep(_POLL_S)


def _close(path: Path, by: str, why: str) -> list[str]:
    file = JournalFile(path)
    tests: dict[str, TestHistory] = defaultdict(TestHistory)
    writer = 0
    for event in file.events():
        if event.event == "run-begin":
            writer = _pid(event)
        elif event.test:
            try:
                tests[event.test].take(event)
            except TypeError as err:
                file.fault(f"no record of a run ({event.event}: {err})")
    if file.ended:
        return []
    if file.faults:
        raise EvidenceError(
            f"{path}: its chain is broken ({file.faults[0]}): it was changed, and closing it would "
            f"hide that; keep it as it is"
        )
    if writer and _writes(writer, path):
        raise EvidenceError(f"{path}: process {writer} is still writing it; end that run first")
    begun = {name: test.record(name) for name, test in tests.items() if test.open}
    return _append_end(path, file, begun, by=by, why=why)


def _append_end(
    path: Path, file: JournalFile, begun: dict[str, TestRecord], *, by: str, why: str
) -> list[str]:
    utc_ns, mono_ns, whole = time.time_ns(), time.monotonic_ns(), file.lines
    head, lines, data = file.head, file.lines, b""
    if file.torn_bytes:
        # The torn rest stays in the file as a line of its own, which no reader takes for a record.
        with path.open("rb") as opened:
            opened.seek(-file.torn_bytes, os.SEEK_END)
            head, data, lines = digest_of(opened.read()), b"\n", lines + 1

    def add(event: str, body: dict[str, object], test: str = "") -> None:
        nonlocal head, lines, data
        line = line_of(
            {
                "seq": lines,
                "utc_ns": utc_ns,
                "mono_ns": mono_ns,
                "event": event,
                "test": test,
                "body": body,
                "prev": head,
            }
        )
        head, lines, data = digest_of(line), lines + 1, data + line + b"\n"

    add(RECOVERED, {"by": by, "why": why, "torn_bytes": file.torn_bytes})
    for name, test in begun.items():
        ended = {"verdict": test.verdict, "reason": test.reason, "fail_seen": test.fail_seen}
        add("test-end", ended, name)
    add("run-end", {"exit_status": RECOVERED, "records": lines + 1})
    try:
        with path.open("ab") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
    except OSError as err:
        raise EvidenceError(f"{path}: cannot be closed: {err.strerror}") from err
    torn = f", {file.torn_bytes} bytes of a last line lost their end" if file.torn_bytes else ""
    open_tests = f"; {len(begun)} test broken off" if begun else ""
    return [f"{path.name}: closed after {whole} records{torn}{open_tests}"]


def _pid(event: Event) -> int:
    """Return who began a journal, 0 if it does not say."""
    return count_of(event.body.get("pid")) or 0


def _writes(pid: int, path: Path) -> bool:
    """Whether the process still has the file open (Linux; elsewhere nobody can tell)."""
    try:
        links = list((type(path)("/proc") / str(pid) / "fd").iterdir())
        return any(link.resolve() == path.resolve() for link in links)
    except OSError:
        return False
