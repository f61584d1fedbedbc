"""The rows of the benchmarks as a table for a person.

A row is ``{name, value, unit, reference, ratio, limit, ok}``: a value in a unit, what it is
compared with in the same run, their ratio, the limit of the ratio (or of the value where there is
no reference), and whether it is kept. ``note`` says what is modelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NEEDED = ("name", "value", "unit", "reference", "ratio", "limit", "ok")
_HEAD = ("", "figure", "value", "unit", "reference", "ratio", "limit", "note")


def check(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row; ValueError if a column is missing."""
    missing = [name for name in NEEDED if name not in row]
    if missing:
        raise ValueError(f"the row {row.get('name')!r} lacks {', '.join(missing)}")
    return dict(row)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows, aligned."""
    cells = [_HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        "ok" if row["ok"] else "NOT KEPT",
        str(row["name"]),
        _shown(row["value"]),
        str(row["unit"]),
        _shown(row["reference"]),
        _shown(row["ratio"]),
        _shown(row["limit"]),
        str(row.get("note", "")),
    )


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
