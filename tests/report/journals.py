"""Journals of runs that never were, for views to be made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hil.evidence.journal import Journal
from hil.wire.identifiers import encode_iccid, isd_p_aid
from hil.wire.isdr_commands import enable_profile

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
        self.message(command.replace(" ", "").upper(), "out", note, link="apdu", to="card")
        self.message(answer.replace(" ", "").upper(), "in", answer_note, link="apdu", to="card")

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


def sample(folder: Path) -> None:
    """Write the run whose transcript stands in docs/traces.md."""
    usim = "00A404000C A0000000871002FF49FF0589 00"
    with run(folder, case="TC-042") as journal:
        with journal.step(1, "Power the device and its card"):
            journal.message("OUTP CH1,ON", "out")
            journal.atr("3B9E96803F87828031E073FE211B665645554943433D")
        with journal.step(2, "Read who the card is"):
            journal.apdu("00A40004022FE2", "6121", "SELECT", "6121 33 answer bytes wait …")
            journal.apdu("00C0000021", "621F82024121" + "00" * 27 + "9000", "GET RESPONSE")
            journal.apdu("00B000000A", encode_iccid("8900100000000000017").hex() + "9000")
        with journal.step(3, "Enable the profile"):
            journal.apdu("00A4040010A0000005591010FFFFFFFF890000010000", "9000", "SELECT")
            journal.apdu(
                "8050300008FFFFFFFFFFFFFFFF00",
                "00000000000000000000300370" + "FF" * 16 + "00002A9000",
                "INITIALIZE UPDATE, data redacted (8 bytes)",
                "data redacted (16 bytes)",
            )
            journal.apdu(enable_profile(isd_p_aid(0x10)).encode().hex(), "69E1", "STORE DATA")
        with journal.step(4, "Read the subscriber"):
            journal.apdu(usim, "9000", "SELECT")
            journal.apdu("00A40004026F07", "9000", "SELECT")
            journal.apdu(
                "00B0000009", "FFFFFFFFFFFFFF1032 9000", "READ BINARY", "data redacted (7 bytes)"
            )
            journal.message("+CEREG: 1,1", "in", link="at", to="device")
            journal.message("200 (84 bytes)", "in", link="http", to="sm-sr-1")
