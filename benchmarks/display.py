"""What the display of a run costs a step: its two events taken in, and its line written."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from hil.terminal.board import MAIN, Board, Happening
from hil.terminal.estimate import Estimate
from hil.terminal.live import Live
from hil.terminal.log import Log
from hil.terminal.screen import Screen
from hil.terminal.style import Style
from hil.terminal.view import Session, View

STEPS: Final = 5000
LIMIT_MS: Final = 1.0
ROUNDS: Final = 5


def run() -> list[dict[str, Any]]:
    """Measure a step in a log and at a terminal, with 2,000 tests on the board."""
    return [_row("a step in a log", _log), _row("a step at a terminal", _live)]


def _log(session: Session, screen: Screen) -> View:
    return Log(session, screen, heartbeat_s=30.0)


def _live(session: Session, screen: Screen) -> View:
    return Live(session, screen, columns=lambda: 120)


def _row(name: str, make: Any) -> dict[str, Any]:  # noqa: ANN401 - one of the two above
    cost_ms = min(_once(make) for _ in range(ROUNDS))
    return {
        "name": f"display: {name}",
        "value": round(cost_ms, 4),
        "unit": "ms",
        "reference": None,
        "ratio": None,
        "limit": LIMIT_MS,
        "ok": cost_ms <= LIMIT_MS,
        "note": f"of {STEPS} steps, and a repaint for every 20 of them",
    }


def _once(make: Any) -> float:  # noqa: ANN401 - as above
    board = Board(time.monotonic())
    for number in range(2000):
        board.expect(f"testcases/test_a.py::test_{number}", f"Title {number}")
    session = Session(board, Estimate(lambda _test: 1.0))
    with open(os.devnull, "w", encoding="utf-8") as stream:  # noqa: PTH123 - not a path of ours
        view: View = make(session, Screen(stream, Style(120, unicode=True)))
        test = "testcases/test_a.py::test_0"
        board.take(Happening(MAIN, "test-begin", test, {"attempt": 1}, time.monotonic()))
        started = time.perf_counter()
        for number in range(1, STEPS + 1):
            begun = {"step": number, "title": "select the ISD-R and read its state"}
            ended = {"step": number, "status": "passed", "seconds": 0.01}
            for event, body in (("step-begin", begun), ("step-end", ended)):
                happening = Happening(MAIN, event, test, body, time.monotonic())
                board.take(happening)
                view.happened(happening)
            if number % 20 == 0:  # far more often than by the clock
                view.tick(time.monotonic() + number)
        return (time.perf_counter() - started) / STEPS * 1000
