"""The journal of a run: what happened, in order, in files that nobody can change unseen.

One file a process (``journal/main.jsonl``, ``gw0.jsonl``, …), appended to and never rewritten. Each
line carries the digest of the line before it, so a line that is changed, left out or put elsewhere
shows at the next one; what is cut off the tail shows by the ``run-end`` that is missing, or by the
seal, which holds the number of lines and the last digest.
"""

from __future__ import annotations

from hil.evidence.journal.chain import FORMAT, GENESIS
from hil.evidence.journal.errors import EvidenceError
from hil.evidence.journal.reader import Event, JournalFile, read_journal
from hil.evidence.journal.writer import Journal

__all__ = [
    "FORMAT",
    "GENESIS",
    "Event",
    "EvidenceError",
    "Journal",
    "JournalFile",
    "read_journal",
]
