"""Journals of runs that never were, for views to be made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hil.evidence.journal import Journal

TEST = "testcases/esim/test_identity.py::test_iccid"
START_NS = 5_000_000_000


class Writing:
    """Writes one run; times move on by a millisecond with each record."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._at_ns = START_NS
        self.test = TEST

    def event(self, event: str, **body: object) -> None:
        """Write one record of the test."""
        self._at_ns += 1_000_000
        self._journal.write(event, body, test=self.test, mono_ns=self._at_ns)

    def message(
        self, text: str, direction: str, note: str = "", *, link: str = "scpi", to: str = "supply"
    ) -> None:
        """Write one message of a link."""
        self.event("exchange", link=link, equipment=to, direction=direction, text=text, note=note)

    def apdu(self, command: str, answer: str, note: str = "", answer_note: str = "") -> None:
        """Write a command to the card and its answer."""
        self.message(command.replace(" ", ""), "out", note, link="apdu", to="card")
        self.message(answer.replace(" ", ""), "in", answer_note, link="apdu", to="card")

    def atr(self, atr: str = "3B9F00") -> None:
        """Write an answer to reset."""
        self.message(atr, "in", "ATR after power on", link="apdu", to="card")

    @contextmanager
    def step(self, number: int, title: str) -> Iterator[None]:
        """Write what the context writes as a step."""
        self.event("step-begin", step=number, title=title)
        yield
        self.event("step-end", step=number, status="passed", seconds=0)


@contextmanager
def run(folder: Path, *, case: str = "") -> Iterator[Writing]:
    """Write the journal of a run with one test on a virtual card."""
    journal = Journal(folder, "main", {"format": 1, "run": "r1", "process": "main"})
    journal.write(
        "equipment",
        {"name": "card", "kind": "card", "identity": "EID 8904", "model": "", "virtual": True},
    )
    writing = Writing(journal)
    body = {"title": "The ICCID", "case": {"id": case} if case else None}
    writing.event("test-registered", **body)
    writing.event("test-begin", attempt=1)
    yield writing
    writing.event("test-end", verdict="PASS", seconds=1, checks=1, fail_seen=False)
    journal.close("0")
