"""What happened in each test, in order, as far as a page shows it: one pass over the journals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from hil.evidence.journal.reader import Event, JournalFile
from hil.evidence.numbers import seconds_of
from hil.evidence.run_record import RunRecord
from hil.report.text import stated

EXCHANGES_SHOWN: Final = 40
"""So many messages of a test are on the page; the journal has all."""
_MOST_ENTRIES: Final = 2_000
_MOST_TEXT: Final = 400


@dataclass(slots=True)
class Entry:
    """One line: ``kind`` is step, check, phase or attempt; ``status`` a word, "" if it has none."""

    kind: str
    depth: int
    text: str
    status: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a link, ``after_ms`` after the test began; ``is_out``: sent by the bench."""

    after_ms: float
    link: str
    equipment: str
    is_out: bool
    text: str
    note: str


@dataclass
class Timeline:
    """One test: what was done, the first messages, and how many messages there were."""

    entries: list[Entry] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    exchanged: int = 0
    left_out: int = 0
    _began_ns: int = 0
    _steps: dict[str, Entry] = field(default_factory=dict)
    _depth: int = 0

    def take(self, event: Event) -> None:
        """Take one event of the test in."""
        handler = _HANDLERS.get(event.event)
        if handler is not None:
            handler(self, event)

    def _add(self, entry: Entry) -> None:
        if len(self.entries) < _MOST_ENTRIES:
            self.entries.append(entry)
        else:
            self.left_out += 1

    def _begin(self, event: Event) -> None:
        self._began_ns = event.mono_ns
        self._steps.clear()
        self._depth = 0
        attempt = stated(event.body, "attempt")
        if attempt not in ("", "1"):
            self._add(Entry("attempt", 0, f"Attempt {attempt}"))

    def _step_begin(self, event: Event) -> None:
        entry = Entry("step", self._depth, _text(event, "title"), "broken off")
        self._steps[stated(event.body, "step")] = entry
        self._depth += 1
        self._add(entry)

    def _step_end(self, event: Event) -> None:
        entry = self._steps.pop(stated(event.body, "step"), None)
        if entry is not None:
            entry.status = stated(event.body, "status")
            entry.seconds = seconds_of(event.body.get("seconds"))
            self._depth = entry.depth

    def _check(self, event: Event) -> None:
        status = "passed" if event.body.get("ok", True) else "failed"
        self._add(Entry("check", self._depth, _text(event, "text"), status))

    def _phase(self, event: Event) -> None:
        verdict, reason = stated(event.body, "verdict"), _text(event, "reason")
        if reason or verdict not in ("", "PASS"):
            when = stated(event.body, "when")
            self._add(Entry("phase", 0, f"{when}: {verdict}. {reason}".strip(), "failed"))

    def _exchange(self, event: Event) -> None:
        self.exchanged += 1
        if len(self.messages) >= EXCHANGES_SHOWN:
            return
        body = event.body
        self.messages.append(
            Message(
                after_ms=(event.mono_ns - self._began_ns) / 1e6,
                link=stated(body, "link"),
                equipment=stated(body, "equipment"),
                is_out=body.get("direction") == "out",
                text=_text(event, "text"),
                note=_text(event, "note"),
            )
        )


_HANDLERS: Final = {
    "test-begin": Timeline._begin,
    "step-begin": Timeline._step_begin,
    "step-end": Timeline._step_end,
    "check": Timeline._check,
    "phase": Timeline._phase,
    "exchange": Timeline._exchange,
}


def timelines(run: RunRecord) -> dict[str, Timeline]:
    """Return what happened in each test that began."""
    found: dict[str, Timeline] = {}
    for event in _events(run):
        if event.test:
            found.setdefault(event.test, Timeline()).take(event)
    return found


def _events(run: RunRecord) -> Iterable[Event]:
    for file in run.files:
        yield from JournalFile(file.path).events()


def _text(event: Event, key: str) -> str:
    text = stated(event.body, key)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}… ({len(text)} characters)"
