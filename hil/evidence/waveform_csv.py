"""Waveforms as CSV (RFC 4180, a header line, full stops, UTF-8).

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
from dataclasses import replace
from typing import Final

from hil.evidence.waveform import NS, Mark, Waveform

COLUMNS: Final = (
    "kind", "source", "earliest_s", "latest_s", "volts", "amps", "state", "accepted", "due_s",
    "note",
)  # fmt: skip


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


def _seconds(nanoseconds: int) -> str:
    sign = "-" if nanoseconds < 0 else ""
    whole, rest = divmod(abs(nanoseconds), NS)
    return f"{sign}{whole}.{rest:09d}"


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))
