"""The matrix for a spreadsheet: a line for each requirement, test and way (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from hil.report.matrix.model import Line, Matrix, Row
from hil.report.text import visible
from hil.report.values import value_of
from hil.report.verdicts import remark_on
from hil.requirement_ways import Way

HEAD: Final = (
    "requirement",
    "text",
    "reference",
    "claims",
    "requirement verdict",
    "way",
    "test",
    "title",
    "test verdict",
    "reason",
    "waiver",
    "journal",
    "attachments",
    "measurements",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t")
"""What a spreadsheet takes for the beginning of a formula."""


def as_csv(matrix: Matrix) -> str:
    """Return the matrix as CSV with a head line; a requirement without test has one line too.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for row in matrix.rows:
        for cells in _lines(row):
            writer.writerow([_harmless(cell) for cell in cells])
    for line in matrix.lines:
        if not line.ways:
            cells = ["", "", "", "", "", "", *_test(line)]
            writer.writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _lines(row: Row) -> Iterator[list[str]]:
    claims = " ".join(map(str, row.claims))
    head = [row.id, row.text, row.reference, claims, row.verdict]
    for way in Way:
        lines = row.of(way.value)
        for line in lines:
            yield [*head, way.value, *_test(line)]
        if not lines:
            excuse = row.excused.get(way.value)
            why = f"not needed: {excuse}" if excuse else "NOT COVERED"
            yield [*head, way.value, "", "", why, "", "", "", "", ""]
    for line in row.unsaid:
        yield [*head, "not stated", *_test(line)]


def _test(line: Line) -> list[str]:
    test = line.test
    place = f"{test.process}.jsonl {test.first_seq}-{test.last_seq}" if test.first_seq >= 0 else ""
    values = [value_of(body) for body in test.measurements]
    reason = "; ".join(part for part in (test.reason, remark_on(test)) if part)
    return [
        test.id,
        test.title,
        line.verdict,
        reason,
        line.waiver,
        place,
        "; ".join(f"{one.name} sha256:{one.sha256}" for one in test.attachments),
        "; ".join(
            f"{one.name} {one.value}, U {one.uncertainty}, limits {one.limits or 'none'}, "
            f"rule {one.rule or 'none'}, {one.verdict or 'not judged'}, {one.instrument}"
            for one in values
        ),
    ]


def _harmless(cell: str) -> str:
    cell = visible(cell).replace("\xa0", " ")
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
