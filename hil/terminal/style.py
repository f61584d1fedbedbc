"""What a stream can show: width, colour, characters beyond ASCII."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.terminal.text import fit

_CODES: Final = {
    "PASS": "32",
    "FAIL": "1;31",
    "ERROR": "31",
    "INCONCLUSIVE": "33",
    "NOT APPLICABLE": "36",
    "NOT RUN": "33",
    "dim": "2",
}
_BEYOND_ASCII: Final = "…█░"


@dataclass(frozen=True, slots=True)
class Style:
    """What may be written to a stream; ``width`` in columns, 0 for lines of any length."""

    width: int = 0
    colour: bool = False
    unicode: bool = False

    @property
    def ellipsis(self) -> str:
        """What stands for what was cut off."""
        return "…" if self.unicode else "..."

    def paint(self, text: str, kind: str) -> str:
        """Return ``text`` in the colour of ``kind`` (a verdict, or ``dim``)."""
        code = _CODES.get(kind, "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def fit(self, text: str, before: int = 0) -> str:
        """Return uncoloured ``text``, cut to what ``before`` columns leave of a line."""
        if not self.width:
            return text
        return fit(text, max(self.width - 1 - before, 8), ellipsis=self.ellipsis)

    def bar(self, part: float, length: int) -> str:
        """Return a bar of ``length`` columns, filled by ``part`` (0 to 1)."""
        full = round(min(max(part, 0.0), 1.0) * length)
        done, rest = ("█", "░") if self.unicode else ("#", ".")
        return done * full + rest * (length - full)


def shows_unicode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can take the characters that we like to use."""
    try:
        _BEYOND_ASCII.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
