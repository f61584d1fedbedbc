"""Traceability: requirement → test → verdict → evidence, and back, as HTML, CSV and JSON."""

from __future__ import annotations

from pathlib import Path

from hil.evidence.run_record import RunRecord
from hil.report.matrix.as_csv import as_csv
from hil.report.matrix.as_html import as_html
from hil.report.matrix.as_json import FORMAT, as_json, schema
from hil.report.matrix.model import Matrix, build
from hil.report.out import write_whole
from hil.report.verdicts import WaiverOf, no_waiver

__all__ = ["FORMAT", "Matrix", "as_csv", "as_html", "as_json", "build", "schema", "write_matrix"]

NAME = "matrix"


def write_matrix(run: RunRecord, folder: Path, *, waiver: WaiverOf = no_waiver) -> list[Path]:
    """Write ``matrix.html``, ``matrix.csv`` and ``matrix.json`` into ``folder``.

    Raises EvidenceError if they cannot be written.
    """
    matrix = build(run, waiver)
    return [
        write_whole(folder / f"{NAME}.html", as_html(matrix, folder)),
        write_whole(folder / f"{NAME}.csv", as_csv(matrix)),
        write_whole(folder / f"{NAME}.json", as_json(matrix)),
    ]
