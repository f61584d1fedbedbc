"""The test report after ISO/IEC 17025:2017, 7.8, as HTML and PDF, from one content.

What the journal does not state reads "not stated"; where the standard asks for it, the report is
a DRAFT, on every page, with the list of what is missing.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from hil.evidence.run_record import RunRecord
from hil.report.document.as_html import as_html
from hil.report.document.blocks import Document
from hil.report.document.content import build
from hil.report.out import write_whole
from hil.report.verdicts import WaiverOf, no_waiver

__all__ = ["Document", "as_html", "build", "pdf_lacks", "write_document"]

NAME = "report"


def pdf_lacks() -> str:
    """Return what is missing for a PDF, in one line with what mends it; "" for nothing."""
    try:
        import reportlab  # noqa: F401, PLC0415 - only asked for
    except ImportError:
        return "no PDF: reportlab is missing: pip install 'hil-esim[report]'"
    return ""


def write_document(
    run: RunRecord,
    folder: Path,
    *,
    issued: datetime.date,
    waiver: WaiverOf = no_waiver,
    amends: str = "",
) -> list[Path]:
    """Write ``report.html`` and ``report.pdf`` into ``folder``, and return their paths.

    ``issued`` is the day on which the report is issued, ``waiver`` tells which test is waived,
    ``amends`` names a report that this one replaces (ISO/IEC 17025, 7.8.8). Without the library
    for PDF (:func:`pdf_lacks`) only the page is written. Raises EvidenceError if nothing can be.
    """
    document = build(run, issued=issued, waiver=waiver, amends=amends)
    paths = [write_whole(folder / f"{NAME}.html", as_html(document))]
    if not pdf_lacks():
        from hil.report.document.as_pdf import as_pdf  # noqa: PLC0415 - an extra

        paths.append(write_whole(folder / f"{NAME}.pdf", as_pdf(document)))
    return paths
