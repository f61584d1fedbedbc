"""The table that says of each test whether it applied, and why: for a report, as CSV or HTML."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

HEAD: Final = ("test", "applies", "condition", "stated", "reason")


@dataclass(frozen=True, slots=True)
class Row:
    """One test: ``applies`` is yes, no, or "not stated" where the facts lack it."""

    test: str
    applies: str
    condition: str
    stated: str
    reason: str

    def cells(self) -> tuple[str, ...]:
        """Return its columns, as in :data:`HEAD`."""
        return (self.test, self.applies, self.condition, self.stated, self.reason)


def rows(facts: Iterable[tuple[str, Mapping[str, object]]]) -> list[Row]:
    """Return a row for each (test, facts of its applicability), sorted by test.

    Facts are those of :meth:`~hil.applicability.applicability.Applicability.facts`, or an
    ``applicability`` event read from a journal: what is absent there is shown as "not stated".
    """
    return sorted((_row(test, one) for test, one in facts), key=lambda row: row.test)


def as_csv(table: Iterable[Row]) -> str:
    """Return the table as CSV (RFC 4180) with a head line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    writer.writerows(row.cells() for row in table)
    return out.getvalue()


def as_html(table: Iterable[Row]) -> str:
    """Return the table as a fragment of HTML, everything escaped."""
    head = "".join(f"<th>{word}</th>" for word in HEAD)
    lines = [f'<table class="applicability"><thead><tr>{head}</tr></thead><tbody>']
    for row in table:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells())
        lines.append(f'<tr class="{row.applies.replace(" ", "-")}">{cells}</tr>')
    return "\n".join([*lines, "</tbody></table>"]) + "\n"


def _row(test: str, facts: Mapping[str, object]) -> Row:
    given = facts.get("applies")
    applies = {"True": "yes", "False": "no"}.get(str(given), "not stated")
    inputs = facts.get("inputs")
    stated = ""
    if isinstance(inputs, Mapping):
        stated = ", ".join(f"{name} = {_word(value)}" for name, value in inputs.items())
    condition, reason = facts.get("expression") or "", facts.get("reason") or "not stated"
    return Row(test, applies, str(condition), stated, str(reason))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
