"""Follows journals that other processes write: what has come since one last looked.

Only what a display needs is parsed: a run writes exchanges by the hundred thousand, and of those
between two looks the last answer of each piece of equipment says all, and what was asked since.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from hil.terminal.board import Happening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOK_S: Final = 0.1
"""How often a display looks."""
_CHUNK: Final = 1 << 20
_EVENT: Final = re.compile(rb'"event":"([a-z-]+)","mono_ns":')
"""Journals are canonical JSON: keys in order, no spaces; in strings a quote is escaped."""
_WHOSE: Final = re.compile(rb'"direction":"(in|out)","equipment":"((?:[^"\\]|\\.)*)"')
SHOWN: Final = frozenset(
    (
        "test-registered",
        "test-begin",
        "test-end",
        "step-begin",
        "step-end",
        "prompt-begin",
        "prompt",
    )
)


class Tail:
    """The journals in a folder; files that appear are taken in."""

    def __init__(self, folder: Path, *, leave_out: frozenset[str] = frozenset()) -> None:
        self._folder = folder
        self._leave_out = leave_out
        self._read: dict[Path, int] = {}
        self._torn: dict[Path, bytes] = {}

    def poll(self) -> Iterator[Happening]:
        """Go through what has come, file by file; a line that is not whole yet waits."""
        for path in sorted(self._folder.glob("*.jsonl")):
            if path.stem not in self._leave_out:
                yield from self._poll(path)

    def _poll(self, path: Path) -> Iterator[Happening]:
        while True:
            try:
                with path.open("rb") as file:
                    file.seek(self._read.get(path, 0))
                    data = file.read(_CHUNK)
            except OSError:  # a display does without; whoever needs the journal says so
                return
            self._read[path] = self._read.get(path, 0) + len(data)
            lines = (self._torn.pop(path, b"") + data).split(b"\n")
            if lines[-1]:
                self._torn[path] = lines[-1]
            yield from _happenings(path.stem, lines[:-1])
            if len(data) < _CHUNK:
                return


def _happenings(process: str, lines: list[bytes]) -> Iterator[Happening]:
    # By equipment: its last answer, and the first question since, which is the one it owes.
    exchanges: dict[bytes, list[bytes]] = {}
    for line in lines:
        found = _EVENT.search(line)
        if found is None:
            continue
        if found[1] == b"exchange":
            whose = _WHOSE.search(line)
            if whose is None:
                continue
            if whose[1] == b"in":
                exchanges[whose[2]] = [line]
            elif len(owed := exchanges.setdefault(whose[2], [])) < 2:
                owed.append(line)
        elif found[1].decode() in SHOWN:
            if found[1] in (b"test-begin", b"test-end"):
                exchanges.clear()  # of the test before, which is over
            yield from _happening(process, line)
    for kept in exchanges.values():
        for line in kept:
            yield from _happening(process, line)


def _happening(process: str, line: bytes) -> Iterator[Happening]:
    try:
        record = json.loads(line)
        body, at_s = record["body"], record["mono_ns"] / 1e9
        happening = Happening(process, str(record["event"]), str(record["test"]), body, at_s)
    except (ValueError, TypeError, KeyError, RecursionError):
        return  # what is wrong with a journal is for those to say who judge by it
    if isinstance(body, dict):
        yield happening
