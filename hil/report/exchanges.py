"""The exchanges of one test, read from its journal's events: one clock, every link, steps beside.

Bytes are as the drivers wrote them down, redacted before; nothing is repaired or left out. A
command APDU and its answer are put together; one that got no answer stays without.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

APDU: Final = "apdu"
_LONGEST_NUMBER: Final = 18
_MOST_BEHIND: Final = 10_000
"""Entries kept back behind a command whose answer does not come."""


class Event(Protocol):
    """One line of a journal, as far as a trace needs it; times in nanoseconds."""

    @property
    def event(self) -> str:
        """Kind of event."""

    @property
    def utc_ns(self) -> int:
        """Time of day, since 1970."""

    @property
    def mono_ns(self) -> int:
        """Time on a clock that nobody sets."""

    @property
    def body(self) -> Mapping[str, Any]:
        """What there is to say."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the test; number 0: none is open."""

    number: int = 0
    title: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a link; ``incoming``: from the equipment to the test."""

    utc_ns: int
    mono_ns: int
    link: str
    equipment: str
    incoming: bool
    text: str
    note: str
    step: Step


@dataclass(frozen=True, slots=True)
class ApduExchange:
    """A command APDU and its answer, or with an empty command an ATR or a stray answer.

    ``answer`` is empty where none came. ``note`` and ``answer_note`` are the driver's.
    """

    utc_ns: int
    mono_ns: int
    equipment: str
    step: Step
    command: bytes
    answer: bytes = b""
    note: str = ""
    answer_note: str = ""

    @property
    def is_atr(self) -> bool:
        """Whether this is an answer to reset."""
        return not self.command and _is_atr(self.answer_note)

    @property
    def sw(self) -> int | None:
        """The status word, None where no answer came."""
        if self.is_atr or len(self.answer) < 2:
            return None
        return int.from_bytes(self.answer[-2:], "big")

    @property
    def blanked(self) -> str:
        """What the driver says that it blanked, as ``data redacted (8 bytes)``; "" if nothing."""
        told = [part for note in (self.note, self.answer_note) for part in _blanks(note)]
        return ", ".join(told)


Entry = Message | ApduExchange | Step


def entries(events: Iterable[Event]) -> Iterator[Entry]:
    """Return steps, messages and APDUs with their answers, in the order in which they began.

    What begins behind an APDU waits for that APDU's answer, so that the order is that of time.
    """
    steps: list[Step] = []
    line = _Line()
    for event in events:
        body = event.body
        if event.event == "step-begin":
            steps.append(Step(_number(body.get("step")), _text(body.get("title")), len(steps)))
            line.append(steps[-1])
        elif event.event == "step-end":
            number = _number(body.get("step"))
            while steps and steps.pop().number != number:
                continue
        elif event.event == "exchange":
            message = _message(event, steps[-1] if steps else Step())
            raw = _bytes(message.text) if message.link == APDU else None
            if raw is None:
                line.append(message)
            else:
                line.apdu(message, raw)
        yield from line.ready()
    yield from line.rest()


class _Line:
    """Entries in order of begin; those behind a command without an answer as yet are kept back."""

    def __init__(self) -> None:
        self._row: deque[list[Entry]] = deque()
        self._open: dict[str, list[Entry]] = {}

    def append(self, entry: Entry) -> None:
        self._row.append([entry])

    def apdu(self, message: Message, raw: bytes) -> None:
        sent = self._open.pop(message.equipment, None)
        at = message.utc_ns, message.mono_ns, message.equipment, message.step
        if not message.incoming:
            slot: list[Entry] = [ApduExchange(*at, raw, note=message.note)]
            self._row.append(slot)
            self._open[message.equipment] = slot
        elif sent is None or not isinstance(sent[0], ApduExchange) or _is_atr(message.note):
            self.append(ApduExchange(*at, b"", raw, answer_note=message.note))
        else:
            sent[0] = replace(sent[0], answer=raw, answer_note=message.note)

    def ready(self) -> Iterator[Entry]:
        if len(self._row) > _MOST_BEHIND:
            self._open.clear()
        open_slots = [id(slot) for slot in self._open.values()]
        while self._row and id(self._row[0]) not in open_slots:
            yield self._row.popleft()[0]

    def rest(self) -> Iterator[Entry]:
        self._open.clear()
        yield from self.ready()


def _message(event: Event, step: Step) -> Message:
    body = event.body
    return Message(
        event.utc_ns,
        event.mono_ns,
        _text(body.get("link")) or "?",
        _text(body.get("equipment")) or "?",
        body.get("direction") == "in",
        _text(body.get("text")),
        _text(body.get("note")),
        step,
    )


def _is_atr(note: str) -> bool:
    return note.startswith("ATR")


def _blanks(note: str) -> list[str]:
    """Return what stands in a note from ``data redacted`` on."""
    _, found, rest = note.partition("data redacted (")
    return [found + rest] if found else []


def _bytes(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _number(value: object) -> int:
    return value if isinstance(value, int) and abs(value) < 10**_LONGEST_NUMBER else 0
