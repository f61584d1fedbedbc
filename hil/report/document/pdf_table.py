"""A table for thousands of rows: each cell is broken into lines once, and pages only take slices.

The library's own table lays every cell out anew for each page that it goes over.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reportlab.lib import colors
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import Flowable

PAD_X: Final = 3.0
PAD_Y: Final = 3.0
MOST_LINES: Final = 60
"""Lines of a cell; a row has to fit onto a page, together with the head of its table."""
_CUT: Final = "… whole in the journal"
_RULE: Final = colors.HexColor("#c9c9c9")


@dataclass(frozen=True, slots=True)
class Face:
    """How a piece of text looks: font, size in points, colour."""

    font: str
    size: float = 7.0
    colour: str = "#111111"

    @property
    def leading(self) -> float:
        """Return the height of a line in points."""
        return self.size * 1.26


Cell = tuple[tuple[str, Face], ...]
"""Pieces of text, each beginning a line of its own."""


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[tuple[tuple[str, Face], ...], ...]
    height: float


class LineBreaker:
    """Breaks text into lines by the widths of its characters, which it remembers."""

    def __init__(self) -> None:
        self._widths: dict[tuple[str, str], float] = {}

    def width(self, text: str, face: Face) -> float:
        """Return the width of ``text`` in points."""
        total = 0.0
        for sign in text:
            known = self._widths.get((face.font, sign))
            if known is None:
                known = pdfmetrics.stringWidth(sign, face.font, 1)
                self._widths[face.font, sign] = known
            total += known
        return total * face.size

    def lines(self, text: str, face: Face, room: float) -> Iterator[str]:
        """Go through lines no wider than ``room``; a word that is wider is cut anywhere."""
        for paragraph in text.split("\n"):
            line, used = "", 0.0
            for word in paragraph.split(" "):
                space = self.width(" ", face) if line else 0.0
                wide = self.width(word, face)
                if used + space + wide <= room:
                    line, used = (f"{line} {word}" if line else word), used + space + wide
                    continue
                if line:
                    yield line
                *whole, line = self._cut(word, face, room)
                yield from whole
                used = self.width(line, face)
            yield line

    def _cut(self, word: str, face: Face, room: float) -> list[str]:
        parts, part, used = [], "", 0.0
        for sign in word:
            wide = self.width(sign, face)
            if part and used + wide > room:
                parts.append(part)
                part, used = "", 0.0
            part, used = part + sign, used + wide
        return [*parts, part]


class PdfTable(Flowable):  # type: ignore[misc]
    """The table; ``head`` is repeated on each page, () for none. ``widths`` are in points."""

    def __init__(
        self, head: Sequence[Cell], rows: Sequence[Sequence[Cell]], widths: list[float]
    ) -> None:
        super().__init__()
        breaker = LineBreaker()
        self._widths = widths
        self._head = [_broken(head, widths, breaker)] if head else []
        self._rows = [_broken(row, widths, breaker) for row in rows]

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Return the size of the table."""
        self.width = sum(self._widths)
        self.height = sum(row.height for row in (*self._head, *self._rows))
        return self.width, self.height

    def split(self, _width: float, height: float) -> list[PdfTable]:
        """Return what fits into ``height``, and the rest; nothing if no row fits."""
        left = height - sum(row.height for row in self._head)
        fits = 0
        for row in self._rows:
            left -= row.height
            if left < 0:
                break
            fits += 1
        if not fits or fits == len(self._rows):
            return [self] if fits else []
        return [self._part(self._rows[:fits]), self._part(self._rows[fits:])]

    def draw(self) -> None:
        """Draw it with its upper left corner at the top of the space it was given."""
        canvas: Any = self.canv
        y = self.height
        for number, row in enumerate((*self._head, *self._rows)):
            x = 0.0
            for cell, width in zip(row.cells, self._widths, strict=True):
                _draw_cell(canvas, cell, x + PAD_X, y - PAD_Y)
                x += width
            y -= row.height
            is_head = number < len(self._head)
            canvas.setStrokeColor(colors.black if is_head else _RULE)
            canvas.setLineWidth(0.9 if is_head else 0.25)
            canvas.line(0, y, self.width, y)

    def _part(self, rows: list[_Row]) -> PdfTable:
        part = PdfTable((), (), self._widths)
        part._head, part._rows = self._head, rows
        return part


@functools.cache
def _colour(name: str) -> Any:  # noqa: ANN401 - the library's
    return colors.HexColor(name)


def _broken(cells: Sequence[Cell], widths: list[float], breaker: LineBreaker) -> _Row:
    broken = tuple(
        _capped(
            (line, face)
            for text, face in cell
            for line in breaker.lines(text, face, width - 2 * PAD_X)
        )
        for cell, width in zip(cells, widths, strict=True)
    )
    tallest = max((sum(face.leading for _, face in cell) for cell in broken), default=0.0)
    return _Row(broken, tallest + 2 * PAD_Y)


def _capped(lines: Iterator[tuple[str, Face]]) -> tuple[tuple[str, Face], ...]:
    """Return the lines of a cell, the last one a remark where there are more than fit."""
    kept = tuple(itertools.islice(lines, MOST_LINES))
    if next(lines, None) is None:
        return kept
    return (*kept[:-1], (_CUT, kept[-1][1]))


def _draw_cell(canvas: Any, cell: Cell, x: float, y: float) -> None:  # noqa: ANN401 - the library's
    for line, face in cell:
        y -= face.leading
        if line:
            canvas.setFont(face.font, face.size)
            canvas.setFillColor(_colour(face.colour))
            canvas.drawString(x, y + 0.26 * face.size, line)
