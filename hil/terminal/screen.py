"""A stream of our own to the terminal or log: whole lines, and lines below that are repainted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.terminal.style import Style

_ERASE_LINE: Final = "\r\x1b[2K"
_UP: Final = "\x1b[1A"


class Screen:
    """Writes to ``stream``, from any thread; a stream that has gone ends the display in silence.

    ``interrupted`` is given where another writer leaves its lines unfinished: each line of ours
    then begins behind one of its, and it is called, so that the other begins anew.
    """

    def __init__(
        self, stream: TextIO, style: Style, *, interrupted: Callable[[], None] | None = None
    ) -> None:
        self.style = style
        self._interrupted = interrupted
        self._stream = stream
        self._painted = 0
        self._lock = threading.RLock()
        self._gone = False

    def line(self, text: str) -> None:
        """Write one line that stays; what was painted is cleared first."""
        with self._lock:
            if self._interrupted is None:
                self._write(f"{self._clearing()}{text}\n")
            else:
                self._write(f"\n{text}")
                self._interrupted()

    def paint(self, lines: Sequence[str]) -> None:
        """Show lines, none wider than the screen; the next call of any method replaces them."""
        with self._lock:
            text = self._clearing() + "\n".join(lines)
            self._painted = len(lines)
            self._write(text)

    def clear(self) -> None:
        """Take away what was painted; the cursor stands where it would without it."""
        with self._lock:
            text = self._clearing()
            if text:
                self._write(text)

    def _clearing(self) -> str:
        """Return what clears the painted lines: the cursor is at the end of the last of them."""
        painted, self._painted = self._painted, 0
        if not painted:
            return ""
        return _ERASE_LINE + f"{_UP}{_ERASE_LINE}" * (painted - 1)

    def _write(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # Whoever looked has gone; the tests go on.
            self._gone = True
