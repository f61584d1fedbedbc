"""What went over the links in one test, as text that a person reads from top to bottom.

A line an exchange: time since the test began, the equipment, what it was in words, and the bytes.
The same journal gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hil.report.apdu_words import ApduWords
from hil.report.exchanges import ApduExchange, Message, Step
from hil.report.joined import Joined

_NAME_WIDTH: Final = 12
_LINK_WIDTH: Final = 4


class Transcript:
    """Makes the lines of one test; ``began_ns`` is the monotonic time of its begin."""

    def __init__(self, began_ns: int) -> None:
        self._began_ns = began_ns
        self._cards: dict[str, ApduWords] = {}

    def lines(self, entries: Iterable[Message | ApduExchange | Joined | Step]) -> Iterator[str]:
        """Return one line for each entry, without the line end."""
        for entry in entries:
            if isinstance(entry, Step):
                yield f"{'  ' * entry.depth}-- step {entry.number}: {printable(entry.title)}"
            elif isinstance(entry, Message):
                yield self._message(entry)
            elif isinstance(entry, Joined):
                words = self._words(entry.first.equipment).line(entry)
                raw = " | ".join(f"{_hex(one.command)} {_hex(one.answer)}" for one in entry.parts)
                yield self._line(entry.first.mono_ns, entry.first.equipment, "apdu", words, raw)
            else:
                words = self._words(entry.equipment).alone(entry)
                raw = _hex(entry.answer)
                yield self._line(entry.mono_ns, entry.equipment, "apdu", words, raw)

    def _words(self, equipment: str) -> ApduWords:
        return self._cards.setdefault(equipment, ApduWords())

    def _message(self, one: Message) -> str:
        note = f"    ({printable(one.note)})" if one.note else ""
        told = f"{'<-' if one.incoming else '->'} {printable(one.text)}{note}"
        return self._line(one.mono_ns, one.equipment, one.link, told)

    def _line(self, mono_ns: int, equipment: str, link: str, words: str, raw: str = "") -> str:
        after_ms = (mono_ns - self._began_ns) / 1e6
        name = printable(equipment)
        line = f"{after_ms:12.3f} ms  {printable(link):<{_LINK_WIDTH}} {name:<{_NAME_WIDTH}} "
        return f"{line}{printable(words)}" + (f"    [{raw}]" if raw else "")


def head(test: str, began_utc: str, equipment: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Return the lines that say which test this is, and on what; VIRTUAL where it is a stand-in."""
    yield f"test   {printable(test)}"
    yield f"began  {began_utc or 'not stated'}"
    for name, item in sorted(equipment.items()):
        told = [str(item[key]) for key in ("model", "identity", "transport") if item.get(key)]
        kind = "VIRTUAL" if item.get("virtual") else "real"
        yield f"on     {printable(name)}: {printable(', '.join(told) or 'not stated')}  {kind}"
    yield "times are since the test began; bytes are in brackets, command then answer"
    yield ""


def printable(text: str) -> str:
    """Return text in which every character can be seen: control characters as escapes."""
    if text.isprintable():
        return text
    shown = (one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return "".join(shown)


def _hex(raw: bytes) -> str:
    return raw.hex().upper() or "-"
