"""Reads waveforms back from CSV, by the table of docs/jig-stimulus.md."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from hil.evidence.waveform import Mark, Waveform

if TYPE_CHECKING:
    from hil.evidence.waveform import Kind


def from_csv(text: str, *, start_ns: int = 0) -> Waveform:
    """Return the waveform in ``text``; its start becomes ``start_ns``."""
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return Waveform(start_ns, tuple(_mark(row, start_ns) for row in rows))


def _mark(row: dict[str, str], start_ns: int) -> Mark:
    assert row["kind"] in ("set", "read", "device")
    return Mark(
        cast("Kind", row["kind"]),
        row["source"],
        start_ns + _nanoseconds(row["earliest_s"]),
        start_ns + _nanoseconds(row["latest_s"]),
        float(row["volts"]) if row["volts"] else None,
        float(row["amps"]) if row["amps"] else None,
        row["state"],
        {"": None, "0": False, "1": True}[row["accepted"]],
        start_ns + _nanoseconds(row["due_s"]) if row["due_s"] else None,
        row["note"],
    )


def _nanoseconds(seconds: str) -> int:
    return int(Decimal(seconds) * 10**9)
