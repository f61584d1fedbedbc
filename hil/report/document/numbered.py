"""A canvas that knows how many pages there are: they are kept until the last one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reportlab.pdfgen.canvas import Canvas


def numbered(draw: Callable[[Any, int, int], None]) -> type[Canvas]:
    """Return a canvas class that has ``draw`` (canvas, page, pages) complete each page."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(*arguments, **options)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self._kept, 1):
                self.__dict__.update(state)
                draw(self, number, len(self._kept))
                Canvas.showPage(self)
            Canvas.save(self)

    return Numbered
