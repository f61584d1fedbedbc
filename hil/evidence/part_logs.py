"""What the parts of a bench have logged during one test, and nothing before or after it."""

from __future__ import annotations

import os
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
        self._sizes = dict(self._look())

    def since_mark(self) -> Iterator[tuple[str, bytes]]:
        """Go through the name of each log that grew since :meth:`mark`, and what was added.

        A log that was begun anew is taken whole.
        """
        for name, now in sorted(self._look()):
            before = self._sizes.get(name, 0)
            begin = before if now >= before else 0
            if now <= begin:
                continue
            left_out = max(0, now - begin - MOST_BYTES)
            with (self._folder / name).open("rb") as file:
                file.seek(begin + left_out)
                added = file.read(MOST_BYTES)
            head = f"… {left_out} bytes before this are in {name}\n" if left_out else ""
            yield name.removesuffix(".log"), head.encode() + added

    def _look(self) -> Iterator[tuple[str, int]]:
        """Go through name and size of each log; looked at twice a test, so without detours."""
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(".log"):
                        yield entry.name, entry.stat().st_size
        except FileNotFoundError:  # the folder, or a log between two looks
            return
