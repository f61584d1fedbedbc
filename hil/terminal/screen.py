"""A stream of our own to the terminal or log: whole lines, and lines below that are repainted."""

from __future__ import annotations

import contextlib
import select
import threading
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.terminal.style import Style

_ERASE_LINE: Final = "\r\x1b[2K"
_UP: Final = "\x1b[1A"


class Screen:
    """Writes to ``stream``, from any thread; a stream that has gone ends the display in silence.

    A terminal that was stopped, as with Ctrl-S, holds up no test: lines wait for it to go on, and
    nothing is painted until then.

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
        self._waiting = ""
        self._terminal = _terminal_of(stream)

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
            if not self._goes_on():
                return
            text = self._clearing() + "\n".join(lines)
            self._painted = len(lines)
            self._write(text)

    def clear(self) -> None:
        """Take away what was painted; the cursor stands where it would without it."""
        with self._lock:
            text = self._clearing()
            if text or self._waiting:
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
        self._waiting += text
        if not self._goes_on():
            return
        text, self._waiting = self._waiting, ""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # Whoever looked has gone; the tests go on.
            self._gone = True

    def _goes_on(self) -> bool:
        """Return whether the terminal takes text now."""
        if self._terminal is None:
            return True
        try:
            return bool(select.select([], [self._terminal], [], 0)[1])
        except (OSError, ValueError):  # gone, as writing will tell
            return True


def _terminal_of(stream: TextIO) -> int | None:
    """Return the descriptor of a terminal, None for whatever is none."""
    with contextlib.suppress(OSError, ValueError):
        return stream.fileno() if stream.isatty() else None
    return None
