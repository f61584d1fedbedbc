"""What a test report is made of; each renderer shows all of it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a numbered section."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; ``strong`` for what nobody may overlook."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what is stated of them."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. ``widths`` are parts of the page's width; a cell's lines after the first are small.

    ``verdicts`` is the column that holds a verdict, -1 for none.
    """

    head: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]
    verdicts: int = -1


@dataclass(frozen=True, slots=True)
class Listing:
    """Points, one a line."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signatures:
    """Places to sign: what each person does."""

    roles: tuple[str, ...]


Block: TypeAlias = Heading | Text | Facts | Grid | Listing | Signatures


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. ``marks`` stand on every page; with anything ``missing`` it is a DRAFT."""

    title: str
    number: str
    laboratory: str
    issued: datetime.date
    marks: tuple[str, ...]
    missing: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def is_draft(self) -> bool:
        """Whether a field is missing that the standard asks for."""
        return bool(self.missing)

    @property
    def draft(self) -> str:
        """Return the mark of a draft in words, "" if it is none."""
        if not self.missing:
            return ""
        return f"DRAFT - not stated: {', '.join(self.missing)}"

    @property
    def end(self) -> str:
        """Return the mark of the end."""
        return f"End of test report {self.number}"
