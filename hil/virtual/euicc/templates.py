"""The file system templates of the TCA interoperable format, read from ``templates.csv``.

Facts after the format's technical specification, annex A. ``size`` is that of a record for record
files; an empty field means that the package must say it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

PREFIX: Final = "2.23.143.1.2."
"""Object identifiers of all templates begin so."""

_REPEAT: Final = "repeat:"
_FILLER: Final = "..."


@dataclass(frozen=True, slots=True)
class Fill:
    """A content: ``head``, then ``filler`` repeated, then ``tail``; filled up from the left."""

    head: bytes = b""
    filler: bytes = b"\xff"
    tail: bytes = b""

    def make(self, size: int) -> bytes:
        """Return ``size`` bytes."""
        head = self.head[:size]
        tail = self.tail[: size - len(head)]
        gap = size - len(head) - len(tail)
        return head + (self.filler * (gap // len(self.filler) + 1))[:gap] + tail


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file of a template.

    ``parent``: position of its DF in the same template, or a context by name (``mf``, ``usim``,
    ``isim``, ``csim``, ``current``). ``kind``: MF, DF, ADF, TR, LF, CY or BT.
    """

    position: int
    fid: int | None
    parent: int | str
    kind: str
    records: int | None
    size: int | None
    sfi: int | None
    arr_record: int | None
    content: Fill | None
    by_default: bool


@cache
def templates() -> dict[str, dict[int, TemplateFile]]:
    """Return all templates by object identifier, their files by position."""
    found: dict[str, dict[int, TemplateFile]] = {}
    source = resources.files(__package__).joinpath("templates.csv")
    for row in csv.DictReader(source.read_text(encoding="ascii").splitlines()):
        one = _file(row)
        found.setdefault(PREFIX + row["template"], {})[one.position] = one
    return found


def _file(row: dict[str, str]) -> TemplateFile:
    parent = row["parent"]
    return TemplateFile(
        position=int(row["position"]),
        fid=int(row["fid"], 16) if row["fid"] else None,
        parent=int(parent) if parent.isdigit() else parent,
        kind=row["type"],
        records=_number(row["records"]),
        size=_number(row["size"]),
        sfi=int(row["sfi"], 16) if row["sfi"] else None,
        arr_record=_number(row["arr_record"]),
        content=_fill(row["content"]),
        by_default=bool(row["by_default"]),
    )


def _number(text: str) -> int | None:
    return int(text) if text else None


def _fill(text: str) -> Fill | None:
    """Read ``0A``, ``07FF...FF``, ``FF...FF07`` (filler, tail) or ``repeat:FFFFFF0000``."""
    if not text:
        return None
    if text.startswith(_REPEAT):
        return Fill(filler=bytes.fromhex(text.removeprefix(_REPEAT)))
    if _FILLER not in text:
        return Fill(bytes.fromhex(text))
    head, tail = (bytes.fromhex(part) for part in text.split(_FILLER))
    return Fill(head[:-1], head[-1:], tail[1:] if tail[:1] == head[-1:] else tail)
