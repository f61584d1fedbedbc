"""The matrix for programs: JSON with ids that stay from run to run, described by a JSON Schema."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final, cast

from hil.evidence.test_record import TestRecord
from hil.report.matrix.model import Line, Matrix, Row
from hil.report.verdicts import counts
from hil.requirement_ways import Way

FORMAT: Final = 1
"""Version of the format; a change that an old reader cannot take makes it 2."""
_MEASURED: Final = (
    "name",
    "value",
    "unit",
    "expanded_uncertainty",
    "coverage_factor",
    "limits",
    "decision_rule",
    "guard_band",
    "margin",
    "verdict",
    "instrument",
    "calibration",
    "accuracy",
)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what :func:`as_json` writes."""
    text = resources.files(__package__).joinpath("matrix.schema.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def as_json(matrix: Matrix) -> str:
    """Return the matrix as JSON, indented, keys sorted.

    It is pure ASCII: text that is no Unicode, as in a broken file name, stays an escape.
    """
    run = matrix.run
    whole = {
        "format": FORMAT,
        "kind": "hil-requirement-matrix",
        "run": run.run,
        "bench": run.begin.get("bench"),
        "virtual": run.is_virtual,
        "complete": run.ended and not run.faults,
        "faults": list(run.faults),
        "counts": counts(run),
        "journals": {
            file.path.name: {"records": file.lines, "head": file.head} for file in run.files
        },
        "requirements": [_row(row) for row in matrix.rows],
        "tests": [_line(line) for line in matrix.lines],
        "not_selected": dict(run.not_selected),
    }
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def _row(row: Row) -> dict[str, object]:
    return {
        "id": row.id,
        "text": row.text,
        "reference": row.reference,
        "claims": list(row.claims),
        "covered": row.covered,
        "verdict": row.verdict,
        "ways": {
            way.value: {
                "verdict": row.verdict_of(way.value),
                "tests": [line.test.id for line in row.of(way.value)],
                "excused": row.excused.get(way.value),
            }
            for way in Way
        },
        "tests": [line.test.id for line in row.lines],
    }


def _line(line: Line) -> dict[str, object]:
    test = line.test
    return {
        "id": test.id,
        "title": test.title,
        "case": dict(test.case) if test.case else None,
        "verdict": line.verdict,
        "reason": test.reason,
        "waiver": line.waiver or None,
        "attempts": test.attempts,
        "requirements": {name: list(ways) for name, ways in line.ways.items()},
        "journal": _position(test),
        "attachments": [
            {
                "name": one.name,
                "kind": one.kind,
                "file": one.file or None,
                "sha256": one.sha256,
                "size": one.size,
            }
            for one in test.attachments
        ],
        "measurements": [
            {key: body.get(key) for key in _MEASURED if key in body} for body in test.measurements
        ],
        "applicability": dict(test.applicability) if test.applicability else None,
    }


def _position(test: TestRecord) -> dict[str, object] | None:
    if test.first_seq < 0:
        return None
    return {"file": f"{test.process}.jsonl", "first": test.first_seq, "last": test.last_seq}
