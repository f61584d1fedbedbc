"""What a terminal shows after it was written to: enough of one for what we write."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|\x1b\]9;4;[^\x1b]*\x1b\\|[\r\n]|[^\x1b\r\n]+")


def shown(written: str, width: int = 80) -> list[str]:
    """Return the lines of a terminal of ``width``, without those at the end that are empty.

    Raises AssertionError for a code that is none of: up, erase line, colour.
    """
    lines, row, column = [""], 0, 0
    position = 0
    for match in _PARTS.finditer(written):
        assert match.start() == position, repr(written[position : match.start()])
        position = match.end()
        part = match[0]
        if part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append("")
        elif part.startswith("\x1b]") or match[2] == "m":
            continue
        elif match[2] == "A":
            row -= int(match[1] or 1)
            assert row >= 0, "up beyond the first line"
        elif match[2] == "K":
            assert match[1] == "2"
            lines[row] = ""
        else:
            assert not part.startswith("\x1b"), part
            for one in part:
                if column == width:
                    row, column = row + 1, 0
                    if row == len(lines):
                        lines.append("")
                lines[row] = lines[row].ljust(column)[:column] + one + lines[row][column + 1 :]
                column += 1
    assert position == len(written), repr(written[position:])
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip() for line in lines]
