"""Waveforms as CSV, out and in (RFC 4180, a header line, full stops, UTF-8).

| column | unit | meaning |
|---|---|---|
| ``kind`` | | ``set`` (a set point), ``read`` (the supply's reading), ``device`` (its answer) |
| ``source`` | | ``jig``, ``rail``, ``device`` |
| ``earliest_s``, ``latest_s`` | s | after the start; it happened between them |
| ``volts``, ``amps`` | V, A | ``set``: set point and current limit; else as read |
| ``state`` | | ``set``: ``on`` or ``off``; ``device``: its own word for the pin's state |
| ``accepted`` | | ``device``: 1 accepted, 0 not |
| ``due_s`` | s | ``set``: when it should have gone out |
| ``note`` | | what else is to be known |

An empty cell is unknown, or left as it was.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from typing import Final, cast

from hil.errors import CodecError
from hil.evidence.waveform import NS, Kind, Mark, Waveform

COLUMNS: Final = (
    "kind", "source", "earliest_s", "latest_s", "volts", "amps", "state", "accepted", "due_s",
    "note",
)  # fmt: skip
_KINDS: Final = ("set", "read", "device")


def to_csv(waveform: Waveform) -> str:
    """Return the waveform's marks as CSV; its window is not in it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    zero = waveform.start_ns
    for mark in waveform.marks:
        writer.writerow(
            (
                mark.kind,
                mark.source,
                _seconds(mark.earliest_ns - zero),
                _seconds(mark.latest_ns - zero),
                _number(mark.volts),
                _number(mark.amps),
                mark.state,
                "" if mark.accepted is None else int(mark.accepted),
                "" if mark.due_ns is None else _seconds(mark.due_ns - zero),
                mark.note,
            )
        )
    return text.getvalue()


def from_csv(text: str, *, start_ns: int = 0) -> Waveform:
    """Return the waveform in ``text``; its start becomes ``start_ns``.

    Raises :class:`CodecError` naming the line that is wrong.
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as err:
        raise CodecError(f"waveform: no CSV: {err}") from err
    if not rows or tuple(rows[0]) != COLUMNS:
        raise CodecError(f"waveform: line 1 must name the columns {','.join(COLUMNS)}")
    marks = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            marks.append(_mark(row, start_ns))
        except ValueError as err:
            raise CodecError(f"waveform: line {number}: {err}") from None
    return Waveform(start_ns, tuple(marks))


def thinned(waveform: Waveform, most: int) -> Waveform:
    """Return at most about ``most`` marks: every set point, and where the device changed its mind.

    Readings, and answers that repeat the one before, are left out evenly.
    """
    kept: list[int] = []
    spare: list[int] = []
    before: Mark | None = None
    for index, mark in enumerate(waveform.marks):
        if mark.kind == "device":
            news = before is None or (mark.state, mark.accepted) != (before.state, before.accepted)
            before = mark
        else:
            news = mark.kind == "set"
        (kept if news else spare).append(index)
    left = max(most - len(kept), 0)
    every = max(1, -(-len(spare) // left)) if left else 0
    chosen = sorted([*kept, *(spare[::every] if every else [])])
    return replace(waveform, marks=tuple(waveform.marks[index] for index in chosen))


def _mark(row: list[str], start_ns: int) -> Mark:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns instead of {len(COLUMNS)}")
    kind, source, earliest, latest, volts, amps, state, accepted, due, note = row
    if kind not in _KINDS:
        raise ValueError(f"kind {kind[:40]!r} is none of {', '.join(_KINDS)}")
    if accepted not in ("", "0", "1"):
        raise ValueError(f"accepted is 0, 1 or empty, not {accepted[:40]!r}")
    mark = Mark(
        cast("Kind", kind),
        source,
        start_ns + _nanoseconds(earliest),
        start_ns + _nanoseconds(latest),
        _float(volts),
        _float(amps),
        state,
        bool(int(accepted)) if accepted else None,
        start_ns + _nanoseconds(due) if due else None,
        note,
    )
    if mark.latest_ns < mark.earliest_ns:
        raise ValueError(f"latest_s {latest[:40]} is before earliest_s {earliest[:40]}")
    return mark


def _seconds(nanoseconds: int) -> str:
    sign = "-" if nanoseconds < 0 else ""
    whole, rest = divmod(abs(nanoseconds), NS)
    return f"{sign}{whole}.{rest:09d}"


def _nanoseconds(text: str) -> int:
    whole, point, rest = text.removeprefix("-").partition(".")
    digits = rest if point else "0"
    if not (whole.isascii() and whole.isdecimal() and digits.isascii() and digits.isdecimal()):
        raise ValueError(f"{text[:40]!r} is no time in seconds")
    if len(whole) > 12 or len(digits) > 9:
        raise ValueError(f"{text[:40]!r} has too many digits for a time")
    value = int(whole) * NS + int(digits.ljust(9, "0"))
    return -value if text.startswith("-") else value


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _float(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is no finite number")
    return value
