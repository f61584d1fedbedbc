"""Fonts of the PDF: DejaVu where it is (it comes with matplotlib), else the ones of every reader.

What a font has no sign for is shown as an escape, never left out and never a wrong sign.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from hil.report.text import escaped

_FILES: Final = {"HilSans": "DejaVuSans.ttf", "HilSans-Bold": "DejaVuSans-Bold.ttf"}
_SYSTEM: Final = Path("/usr/share/fonts/truetype/dejavu")
_LATIN: Final = frozenset(bytes(range(0x20, 0x100)).decode("cp1252", "ignore"))


@dataclass(frozen=True)
class Fonts:
    """Names of the two faces, and which characters both of them have."""

    regular: str
    bold: str
    signs: Collection[str]

    def fitting(self, text: str) -> str:
        """Return ``text`` with an escape for whatever the font cannot show."""
        if all(sign in self.signs for sign in text):
            return text
        return re.sub(
            ".", lambda m: m[0] if m[0] in self.signs else escaped(m), text, flags=re.DOTALL
        )


def fonts() -> Fonts:
    """Return the best fonts that are there; registered with the PDF library once."""
    folder = next(
        (one for one in _folders() if all((one / f).is_file() for f in _FILES.values())), None
    )
    if folder is None:
        return Fonts("Helvetica", "Helvetica-Bold", _LATIN)
    shared: set[int] | None = None
    try:
        for name, file in _FILES.items():
            font = TTFont(name, str(folder / file))
            pdfmetrics.registerFont(font)
            signs = set(font.face.charToGlyph)
            shared = signs if shared is None else shared & signs
    except (TTFError, OSError):
        return Fonts("Helvetica", "Helvetica-Bold", _LATIN)
    regular, bold = _FILES
    return Fonts(regular, bold, frozenset(map(chr, shared or ())))


def _folders() -> list[Path]:
    """Return where DejaVu may be. matplotlib is looked up, not imported: that takes a second."""
    spec = importlib.util.find_spec("matplotlib")
    found = [_SYSTEM]
    if spec is not None and spec.origin:
        found.insert(0, Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf")
    return found
