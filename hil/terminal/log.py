"""For files and CI jobs: whole lines without a carriage return, and a sign of life in silence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hil.terminal import lines
from hil.terminal.board import MAIN
from hil.terminal.text import clean, clock, short

if TYPE_CHECKING:
    from hil.terminal.board import Happening, Result, Step
    from hil.terminal.screen import Screen
    from hil.terminal.view import Session

SHORT_S: Final = 1.0
"""A step that is over so soon gets one line, at its end; a longer one gets one before as well."""


class Log:
    """A view of lines: for each of ``steps``, and of ``passes`` (tests that passed), if wanted.

    ``heartbeat_s``: after so long without a line one says what goes on; 0 for never.
    """

    def __init__(
        self,
        session: Session,
        screen: Screen,
        *,
        heartbeat_s: float,
        steps: bool = True,
        passes: bool = True,
    ) -> None:
        self._session = session
        self._screen = screen
        self._heartbeat_s = heartbeat_s
        self._steps = steps
        self._passes = passes
        self._written_s = time.monotonic()
        self._announced: set[tuple[str, int, float]] = set()
        self._open: dict[tuple[str, int], Step] = {}

    def begin(self) -> None:
        """Say how many tests are going to run."""
        board = self._session.board
        tests = len(board.tests)
        if tests and self._steps:
            who = f", {board.workers} workers" if board.workers > 1 else ""
            self._line(f"{tests} test{'s' * (tests != 1)}{who}")

    def happened(self, happening: Happening) -> None:
        """Write the end of a step, and a question to the operator."""
        if happening.event == "prompt-begin":
            self._line(f"{_who(happening.process)}waits for the operator: {_question(happening)}")
        if not self._steps:
            return
        key = (happening.process, int(happening.body.get("step", 0)))
        if happening.event == "step-begin":
            step = self._session.board.at(happening.process).step
            if step is not None:
                self._open[key] = step
        elif happening.event == "step-end" and key in self._open:
            self._step_ended(happening, self._open.pop(key))
        elif happening.event in ("test-begin", "test-end"):
            self._open = {one: step for one, step in self._open.items() if one[0] != key[0]}

    def _step_ended(self, happening: Happening, step: Step) -> None:
        status = str(happening.body.get("status", "passed"))
        how = "" if status == "passed" else f"  {clean(status).upper()}"
        seconds = float(happening.body.get("seconds", happening.at_s - step.began_s))
        self._line(f"{_begin(happening.process, step)}  {short(seconds)}{how}")

    def ended(self, result: Result) -> None:
        """Write the line of a test."""
        if not result.repeated and (result.verdict != "PASS" or self._passes):
            process = result.process != MAIN
            line = lines.result(self._session.board, result, self._screen.style, process=process)
            self._line(line)

    def tick(self, now_s: float) -> None:
        """Say that a step goes on for a while now, and after a long silence what goes on."""
        if self._steps:
            for (process, _), step in list(self._open.items()):
                mark = (process, step.number, step.began_s)
                if mark not in self._announced and now_s - step.began_s >= SHORT_S:
                    self._announced.add(mark)
                    limit = f", limit {short(step.limit_s)}" if step.limit_s else ""
                    self._line(f"{_begin(process, step)}  begun{limit}", now_s)
        if self._heartbeat_s and now_s - self._written_s >= self._heartbeat_s:
            self._heartbeat(now_s)

    def _heartbeat(self, now_s: float) -> None:
        session = self._session
        board = session.board
        left_s = session.left_s(now_s)
        self._line(f"alive  {lines.total(board, now_s, left_s, self._screen.style)}", now_s)
        for one in board.running():
            expected = session.estimate.expected(one.test)
            text = lines.doing(
                board,
                one,
                now_s,
                expected,
                limit_s=session.test_limit_s,
                only=one.process == MAIN,
            )
            self._line(f"alive  {text}", now_s)

    def yield_terminal(self) -> None:
        """Nothing: every line is whole."""

    def end(self, *, exit_status: int, aborted: str) -> None:  # noqa: ARG002
        """Write what waits for the terminal; pytest's summary follows."""
        self._screen.clear()

    def _line(self, text: str, now_s: float | None = None) -> None:
        self._written_s = time.monotonic() if now_s is None else now_s
        passed = clock(self._written_s - self._session.board.began_s)
        self._screen.line(f"{passed}  {text}")


def _who(process: str) -> str:
    return "" if process == MAIN else f"{process}  "


def _begin(process: str, step: Step) -> str:
    return f'{_who(process)}  step {step.number} "{clean(step.title)}"'


def _question(happening: Happening) -> str:
    return clean(str(happening.body.get("question", "")))
