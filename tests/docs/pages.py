"""The pages and what is set apart in them: fenced blocks, tables, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_FENCE: Final = re.compile(r"^```([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: ``language``, and ``tag``, the rest of the line that opens it."""

    page: str
    line: int
    language: str
    tag: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str:
        """The path that a ``file=`` tag names, "" without one."""
        return self.tag.removeprefix("file=") if self.tag.startswith("file=") else ""


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, _, tag = match[1].partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        page = path.relative_to(ROOT).as_posix()
        found.append(Block(page, line, language, tag.strip(), match[2]))
    return found


def all_blocks() -> list[Block]:
    return [block for path in pages() for block in blocks(path)]


def tables(page: str) -> list[list[list[str]]]:
    """Return the tables of a page: rows of cells, the head first."""
    found: list[list[list[str]]] = []
    inside = False
    for line in read(page).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not inside:
            found.append([])
            inside = True
        if not set(line) <= set("|-: "):
            found[-1].append(cells)
    return found


def table(page: str, head: str) -> list[list[str]]:
    """Return the rows below the only head whose first cell is ``head``."""
    (rows,) = (one[1:] for one in tables(page) if one[0][0] == head)
    return rows


def words(cell: str) -> list[str]:
    """Return what stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def links(path: Path) -> list[str]:
    return _LINK.findall(_FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
