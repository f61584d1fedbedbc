"""The page on the journal names every event that is written, and every key of a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hil.evidence.attachments import MOST_BYTES
from hil.evidence.journal import Journal
from hil.evidence.recovery import RECOVERED
from hil.evidence.room import LEAST_BYTES
from tests.docs.pages import ROOT, read, table, words

PAGE = "docs/journal.md"
WRITES = re.compile(r"(?:\b_?write|journal\.write|\badd|_append)\(\s*\"([a-z]+(?:-[a-z]+)*)\"")
MODULES = ("hil/evidence/**/*.py", "hil/pytest_*.py", "hil/cli/run.py")


def test_every_event_that_is_written_stands_there() -> None:
    written = {RECOVERED}
    for pattern in MODULES:
        for path in ROOT.glob(pattern):
            written |= set(WRITES.findall(path.read_text(encoding="utf-8")))
    told = {name for row in table(PAGE, "event") for name in words(row[0])}
    assert told == written


def test_the_keys_of_a_line_stand_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r"})
    journal.close("0")
    line = json.loads(journal.path.read_bytes().splitlines()[0])
    assert {name for row in table(PAGE, "key") for name in words(row[0])} == set(line)


def test_the_limits_stand_there() -> None:
    text = read(PAGE)
    assert f"less than {LEAST_BYTES // 2**20} MiB free" in text
    assert f"above {MOST_BYTES // 2**20} MiB is told" in text
