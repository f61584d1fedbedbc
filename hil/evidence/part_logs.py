"""What the parts of a bench have logged during one test, and nothing before or after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES: Final = 256 * 1024
"""Of a log that grew by more, the end is taken: what went wrong stands there."""


class PartLogs:
    """The ``*.log`` files in ``folder``; a part that starts later has an empty log until then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}

    def mark(self) -> None:
        """From here on."""
        self._sizes = {path.name: _size(path) for path in self._folder.glob("*.log")}

    def since_mark(self) -> Iterator[tuple[str, bytes]]:
        """Go through the name of each log that grew since :meth:`mark`, and what was added.

        A log that was begun anew is taken whole.
        """
        for path in sorted(self._folder.glob("*.log")):
            before, now = self._sizes.get(path.name, 0), _size(path)
            begin = before if now >= before else 0
            if now <= begin:
                continue
            left_out = max(0, now - begin - MOST_BYTES)
            with path.open("rb") as file:
                file.seek(begin + left_out)
                added = file.read(MOST_BYTES)
            head = f"… {left_out} bytes before this are in {path.name}\n" if left_out else ""
            yield path.stem, head.encode() + added


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone between two looks
        return 0
