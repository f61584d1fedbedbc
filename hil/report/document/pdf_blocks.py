"""Turns the blocks of a report into what the PDF library lays out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, KeepTogether, Paragraph, Spacer, Table

from hil.report.document.blocks import (
    Block,
    Document,
    Facts,
    Grid,
    Heading,
    Listing,
    Signatures,
    Text,
)
from hil.report.document.fonts import Fonts
from hil.report.document.pdf_table import Cell, Face, PdfTable

_ROOM: Final = 30 * mm
"""What has to be left on a page for something to begin there."""
_COLOURS: Final = {
    "PASS": "#14592d",
    "FAIL": "#a30d0d",
    "ERROR": "#7a2f8a",
    "INCONCLUSIVE": "#8a5200",
    "NOT RUN": "#8a5200",
    "NOT APPLICABLE": "#555555",
}


class Maker:
    """Makes flowables for text of ``width`` points."""

    def __init__(self, face: Fonts, width: float) -> None:
        self._face = face
        self._width = width
        self._section = 0
        base = ParagraphStyle(
            "base", fontName=face.regular, fontSize=8.5, leading=11.5, splitLongWords=1
        )
        self._body = ParagraphStyle("body", base, spaceAfter=4)
        self._strong = ParagraphStyle("strong", self._body, fontName=face.bold)
        self._title = ParagraphStyle("title", base, fontName=face.bold, fontSize=19, leading=24)
        self._sub = ParagraphStyle("sub", base, textColor=colors.HexColor("#444444"), spaceAfter=8)
        self._heading = ParagraphStyle(
            "heading",
            base,
            fontName=face.bold,
            fontSize=11,
            leading=14,
            spaceBefore=13,
            spaceAfter=5,
        )
        self._cell = ParagraphStyle("cell", base, fontSize=7, leading=8.8)
        self._item = ParagraphStyle("item", self._body, leftIndent=10, bulletIndent=1)
        self._mark = ParagraphStyle(
            "mark",
            self._strong,
            borderWidth=1,
            borderPadding=5,
            spaceBefore=6,
            spaceAfter=10,
            borderColor=colors.black,
            leftIndent=6,
            rightIndent=6,
        )
        self._end = ParagraphStyle("end", self._strong, alignment=1, spaceBefore=26)

    def flowables(self, document: Document) -> list[Any]:
        """Return the whole report."""
        made: list[Any] = [
            self._say(document.title, self._title),
            self._say(
                f"No. {document.number}\n{document.laboratory}, issued "
                f"{document.issued.isoformat()}",
                self._sub,
            ),
        ]
        if document.is_draft:
            made.append(self._say(document.draft, self._mark))
        made += [self._say(mark, self._mark) for mark in document.marks]
        for block in document.blocks:
            made += self._block(block)
        made.append(self._say(f"- {document.end} -", self._end))
        return made

    def _block(self, block: Block) -> Iterator[Any]:
        if isinstance(block, Heading):
            self._section += 1
            yield CondPageBreak(_ROOM)
            yield self._say(f"{self._section}  {block.text}", self._heading)
        elif isinstance(block, Text):
            if block.text.endswith(":"):
                yield CondPageBreak(_ROOM)
            yield self._say(block.text, self._strong if block.strong else self._body)
        elif isinstance(block, Facts):
            rows = [[self._cell_of(cell) for cell in row] for row in block.rows]
            yield PdfTable((), rows, self._widths((3, 8)))
            yield Spacer(0, 4)
        elif isinstance(block, Listing):
            for item in block.items:
                yield Paragraph(self._safe(item), self._item, bulletText="•")
        elif isinstance(block, Signatures):
            yield self._signatures(block)
        else:
            yield self._grid(block)
            yield Spacer(0, 6)

    def _grid(self, block: Grid) -> PdfTable:
        rows = [
            [
                self._verdict(cell) if column == block.verdicts else self._cell_of(cell)
                for column, cell in enumerate(row)
            ]
            for row in block.rows
        ]
        head = [((self._fitting(name), Face(self._face.bold)),) for name in block.head]
        return PdfTable(head, rows, self._widths(block.widths))

    def _signatures(self, block: Signatures) -> Any:  # noqa: ANN401 - the library's
        share = self._width / len(block.roles)
        cells = [
            [self._say(f"{r}\nname, function, date, signature", self._cell) for r in block.roles]
        ]
        lines = [("LINEABOVE", (n, 0), (n, 0), 0.7, colors.black) for n in range(len(block.roles))]
        table = Table(
            cells,
            colWidths=[share] * len(block.roles),
            style=[*lines, ("RIGHTPADDING", (0, 0), (-1, -1), 14)],
        )
        return KeepTogether([Spacer(0, 46), table])

    def _verdict(self, cell: str) -> Cell:
        face = Face(self._face.bold, colour=_COLOURS.get(cell, "#000000"))
        return ((self._fitting(cell), face),)

    def _cell_of(self, cell: str) -> Cell:
        first, _, rest = self._fitting(cell).partition("\n")
        begin = (first, Face(self._face.regular))
        return (begin, (rest, Face(self._face.regular, 6, "#555555"))) if rest else (begin,)

    def _say(self, text: str, style: ParagraphStyle) -> Paragraph:
        return Paragraph(self._safe(text).replace("\n", "<br/>"), style)

    def _safe(self, text: str) -> str:
        return escape(self._fitting(text))

    def _fitting(self, text: str) -> str:
        lines = text.replace("\t", " ").split("\n")
        return "\n".join(self._face.fitting(line) for line in lines)

    def _widths(self, parts: tuple[float, ...]) -> list[float]:
        return [self._width * part / sum(parts) for part in parts]
