"""The test report as PDF. Two builds of the same report are the same to the byte."""

from __future__ import annotations

import io
from typing import Any, Final

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import BaseDocTemplate, PageTemplate
from reportlab.platypus.frames import Frame

from hil.report.document.blocks import Document
from hil.report.document.fonts import Fonts, fonts
from hil.report.document.numbered import numbered
from hil.report.document.pdf_blocks import Maker
from hil.report.text import shortened

_MARGIN: Final = 17 * mm
_TOP: Final = 25 * mm
_BOTTOM: Final = 25 * mm
_RED: Final = colors.HexColor("#a30d0d")
_PALE: Final = colors.HexColor("#f0f0ee")
_MOST_LINES: Final = 3


def as_pdf(document: Document) -> bytes:
    """Return the whole report; number, marks and "page x of y" are on every page."""
    face = fonts()
    out = io.BytesIO()
    template = BaseDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_TOP,
        bottomMargin=_BOTTOM,
        invariant=1,
        lang="en",
        title=face.fitting(f"{document.title} {document.number}"),
        author=face.fitting(document.laboratory),
        subject="test report after ISO/IEC 17025",
        creator="hil",
    )
    sheet = _Sheet(document, face)
    frame = Frame(_MARGIN, _BOTTOM, A4[0] - 2 * _MARGIN, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0)
    template.addPageTemplates([PageTemplate("sheet", [frame], onPage=sheet.draw, pagesize=A4)])
    flowables = Maker(face, A4[0] - 2 * _MARGIN).flowables(document)
    template.build(flowables, canvasmaker=numbered(sheet.number))
    return out.getvalue()


class _Sheet:
    """What stands on every page around the text."""

    def __init__(self, document: Document, face: Fonts) -> None:
        self._document = document
        self._face = face

    def draw(self, canvas: Any, _template: object) -> None:  # noqa: ANN401 - the library's
        """Draw head, foot and watermark."""
        document, face = self._document, self._face
        width, height = A4
        canvas.saveState()
        if document.is_draft:
            canvas.saveState()
            canvas.translate(width / 2, height / 2)
            canvas.rotate(52)
            canvas.setFillColor(_PALE)
            canvas.setFont(face.bold, 150)
            canvas.drawCentredString(0, -50, "DRAFT")
            canvas.restoreState()
        top = height - 13 * mm
        canvas.setFont(face.bold, 8.5)
        canvas.drawString(_MARGIN, top, face.fitting(f"{document.title} {document.number}"))
        canvas.setLineWidth(0.8)
        canvas.line(_MARGIN, top - 6, width - _MARGIN, top - 6)
        canvas.setFillColor(_RED)
        marks = [*(["DRAFT"] if document.is_draft else []), *document.marks]
        canvas.drawString(_MARGIN, top - 16, face.fitting(" / ".join(marks)))
        canvas.setFillColor(colors.black)
        canvas.setLineWidth(0.4)
        canvas.line(_MARGIN, 20 * mm, width - _MARGIN, 20 * mm)
        canvas.setFont(face.regular, 7)
        laboratory = face.fitting(shortened(document.laboratory, 90))
        issued = f"issued {document.issued.isoformat()}"
        canvas.drawString(_MARGIN, 16.5 * mm, f"{laboratory}, {issued}")
        canvas.setFillColor(_RED)
        canvas.setFont(face.regular, 6)
        for number, line in enumerate(self._draft_lines(canvas)):
            canvas.drawString(_MARGIN, 13.5 * mm - number * 7, line)
        canvas.restoreState()

    def number(self, canvas: Any, page: int, pages: int) -> None:  # noqa: ANN401 - the library's
        """Draw "page x of y"."""
        canvas.setFont(self._face.regular, 7)
        canvas.drawRightString(A4[0] - _MARGIN, 16.5 * mm, f"page {page} of {pages}")

    def _draft_lines(self, canvas: Any) -> list[str]:  # noqa: ANN401 - the library's
        words, lines = self._face.fitting(self._document.draft).split(), [""]
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            fits = canvas.stringWidth(longer, self._face.regular, 6) < A4[0] - 2 * _MARGIN
            if fits:
                lines[-1] = longer
            else:
                lines.append(word)
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]
        return lines
