"""A board with something on it, and a screen to look at."""

from __future__ import annotations

import io

import pytest

from hil.terminal.board import Board, Happening
from hil.terminal.estimate import Estimate
from hil.terminal.view import Session


@pytest.fixture
def board() -> Board:
    """Twelve tests, one of them with a case, and a step of 41 s in the only process."""
    board = Board(100.0)
    for number in range(12):
        board.expect(f"testcases/esim/test_card.py::test_{number}", f"Title {number}")
    board.expect("testcases/esim/test_card.py::test_0", "Enable a profile", "EUICC-ES5-ENABLE-03")
    test = "testcases/esim/test_card.py::test_0"
    board.take(Happening("main", "test-begin", test, {"attempt": 1}, 130.0))
    step = {"step": 3, "title": "download the profile", "limit_s": 120.0}
    board.take(Happening("main", "step-begin", test, step, 140.0))
    return board


@pytest.fixture
def session(board: Board) -> Session:
    return Session(board, Estimate(lambda _test: 60.0), test_limit_s=600.0)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()
