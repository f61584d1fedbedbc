"""What every view of a session offers; the plugin feeds them all alike, under one lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hil.terminal.board import Board, Happening, Result
    from hil.terminal.estimate import Estimate


class Session:
    """What views look at: the board, what is expected, and the limits that hold."""

    def __init__(self, board: Board, estimate: Estimate, *, test_limit_s: float = 0.0) -> None:
        self.board = board
        self.estimate = estimate
        self.test_limit_s = test_limit_s

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds until the end; None as long as nobody can say."""
        board = self.board
        running = [(one.test, now_s - one.began_s) for one in board.running()]
        begun = {test for test, _ in running}
        waiting = [one for one in board.tests if one not in board.verdicts and one not in begun]
        return self.estimate.left(now_s, waiting, running, board.workers)


class View(Protocol):
    """A way to show a session."""

    def begin(self) -> None:
        """Show that the tests begin."""

    def happened(self, happening: Happening) -> None:
        """Show one event; the board has taken it in."""

    def ended(self, result: Result) -> None:
        """Show what came of a test."""

    def tick(self, now_s: float) -> None:
        """Show that time passes; called several times a second."""

    def yield_terminal(self) -> None:
        """Make room: somebody else is about to write."""

    def end(self, *, exit_status: int, aborted: str) -> None:
        """Show the end of the session; ``aborted`` says what broke it off, "" if nothing did."""
