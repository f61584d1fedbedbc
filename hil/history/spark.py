"""Values and verdicts as a line of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.evidence.verdict import ERROR, FAIL, INCONCLUSIVE, NOT_APPLICABLE, PASS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII: Final = "_.-=+*%#"
_LETTERS: Final = {PASS: ".", FAIL: "F", INCONCLUSIVE: "I", ERROR: "E", NOT_APPLICABLE: "-"}
HEADS: Final = {INCONCLUSIVE: "INCONC", NOT_APPLICABLE: "N/A"}
"""Shorter words for the heads of tables."""
LEGEND: Final = ". PASS  F FAIL  I INCONCLUSIVE  E ERROR  - NOT APPLICABLE"


def sparkline(values: Sequence[float], *, width: int = 40, blocks: str = BLOCKS) -> str:
    """Return the newest ``width`` values, the lowest of them at the bottom."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    if low == high:
        return blocks[len(blocks) // 2] * len(shown)
    steps = len(blocks)
    return "".join(
        blocks[min(steps - 1, int((value / 2 - low / 2) / (high / 2 - low / 2) * steps))]
        for value in shown
    )


def strip(verdicts: Iterable[str], *, width: int = 40) -> str:
    """Return the newest ``width`` verdicts, a letter each; see :data:`LEGEND`."""
    return "".join(_LETTERS.get(verdict, "?") for verdict in verdicts)[-width:]


def blocks_for(encoding: str | None) -> str:
    """Return the characters for a stream of ``encoding``: blocks, or ASCII where it has none."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS
