"""A process that writes evidence until it is killed: ``python -m tests.seal.writing FOLDER``."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from tests.seal.runs import BEGIN


def write_for_ever(folder: Path) -> None:
    journal = Journal(folder, "main", {**BEGIN, "pid": os.getpid()})
    for number in itertools.count():
        name = f"t.py::test_{number}"
        journal.write("test-registered", {"title": name}, test=name)
        journal.write("test-begin", {"attempt": 1}, test=name)
        for _ in range(5):
            body = {"link": "apdu", "equipment": "card", "direction": "out", "text": "80F2" * 20}
            journal.write("exchange", body, test=name)
        kept = store(folder, f"reading {number}".encode(), "text")
        body = {"name": "reading", "kind": "text", "file": kept.file, "sha256": kept.sha256}
        journal.write("attachment", {**body, "size": kept.size}, test=name)
        journal.write("check", {"text": "true", "ok": True}, test=name)
        journal.write("test-end", {"verdict": "PASS", "seconds": 0.1, "checks": 1}, test=name)
        journal.sync()


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]))
