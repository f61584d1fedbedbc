"""For people at a terminal: a line for each test that ends, and what goes on repainted below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.terminal import lines
from hil.terminal.board import MAIN
from hil.terminal.style import Style

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.terminal.board import Happening, Result
    from hil.terminal.screen import Screen
    from hil.terminal.view import Session

REPAINT_S: Final = 0.2
MOST_WORKERS: Final = 12
"""Lines for workers; of more than these only the number is told."""


class Live:
    """A view for a terminal of ``columns()``. ``passes``: tests that passed get a line too."""

    def __init__(
        self,
        session: Session,
        screen: Screen,
        *,
        passes: bool = True,
        columns: Callable[[], int],
    ) -> None:
        self._session = session
        self._screen = screen
        self._passes = passes
        self._columns = columns
        self._painted_s = 0.0
        self._prompting = False

    def begin(self) -> None:
        """Nothing: the first repaint shows it."""

    def happened(self, happening: Happening) -> None:
        """Leave the terminal to a person who is asked something."""
        if happening.event == "prompt-begin":
            self._screen.clear()
        self._prompting = any(one.prompt for one in self._session.board.doing.values())

    def ended(self, result: Result) -> None:
        """Write the line of a test."""
        if not result.repeated and (result.verdict != "PASS" or self._passes):
            board = self._session.board
            several = result.process != MAIN
            self._resize()
            self._screen.line(lines.result(board, result, self._screen.style, process=several))
            self._painted_s = 0.0

    def tick(self, now_s: float) -> None:
        """Repaint what goes on, often enough for a clock."""
        if self._prompting or now_s - self._painted_s < REPAINT_S:
            return
        self._painted_s = now_s
        self._resize()
        self._screen.paint(self._now(now_s))

    def yield_terminal(self) -> None:
        """Clear what is painted."""
        self._screen.clear()

    def end(self, *, exit_status: int, aborted: str) -> None:  # noqa: ARG002
        """Clear what is painted; pytest's summary follows."""
        self._screen.clear()

    def _resize(self) -> None:
        style = self._screen.style
        width = max(self._columns(), 20)
        if width != style.width:
            self._screen.style = Style(width, style.colour, style.unicode)

    def _now(self, now_s: float) -> list[str]:
        session, style = self._session, self._screen.style
        board, running = session.board, session.board.running()
        only = len(running) == 1 and running[0].process == MAIN
        painted = [
            style.fit(
                lines.doing(
                    board,
                    one,
                    now_s,
                    session.estimate.expected(one.test),
                    limit_s=session.test_limit_s,
                    only=only,
                )
            )
            for one in running[:MOST_WORKERS]
        ]
        if len(running) > MOST_WORKERS:
            painted.append(style.fit(f"and {len(running) - MOST_WORKERS} more workers"))
        painted.append(lines.total(board, now_s, session.left_s(now_s), style))
        return [style.paint(line, "dim") for line in painted[:-1]] + painted[-1:]
