"""For programs: one JSON object a line."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from hil.terminal.lines import SILENT_S

if TYPE_CHECKING:
    from hil.terminal.board import Happening, Result
    from hil.terminal.screen import Screen
    from hil.terminal.view import Session

_PASSED_ON: Final = ("test-begin", "step-begin", "step-end", "prompt-begin", "prompt")
_OURS: Final = ("event", "utc", "worker", "test", "self")


class JsonLines:
    """A view for programs; fields are described in ``docs/terminal.md``."""

    def __init__(self, session: Session, screen: Screen, *, heartbeat_s: float) -> None:
        self._session = session
        self._screen = screen
        self._heartbeat_s = heartbeat_s
        self._written_s = time.monotonic()

    def begin(self) -> None:
        """Tell how many tests are going to run."""
        board = self._session.board
        self._write("begin", tests=len(board.tests), workers=board.workers)

    def happened(self, happening: Happening) -> None:
        """Pass on what begins and ends; exchanges are for the journal."""
        if happening.event in _PASSED_ON:
            body = {name: value for name, value in happening.body.items() if name not in _OURS}
            self._write(happening.event, worker=happening.process, test=happening.test, **body)

    def ended(self, result: Result) -> None:
        """Tell what came of a test."""
        known = self._session.board.known(result.test)
        self._write(
            "result",
            worker=result.process,
            test=result.test,
            title=known.title,
            case=known.case,
            verdict=result.verdict,
            final=result.final,
            requirements=list(result.requirements),
            reason=result.reason,
            step=result.step,
            seconds=round(result.seconds, 3),
        )

    def tick(self, now_s: float) -> None:
        """Tell after a long silence what goes on."""
        if not self._heartbeat_s or now_s - self._written_s < self._heartbeat_s:
            return
        board = self._session.board
        left_s = self._session.left_s(now_s)
        self._write(
            "heartbeat",
            **self._counted(),
            left_s=None if left_s is None else round(left_s),
            doing=[
                {
                    "worker": one.process,
                    "test": one.test,
                    "seconds": round(now_s - one.began_s, 1),
                    "step": one.step.title if one.step else "",
                    "step_seconds": round(now_s - one.step.began_s, 1) if one.step else 0.0,
                    "limit_s": (one.step.limit_s if one.step else 0.0) or None,
                    "silent": {name: round(s, 1) for name, s in one.silent(now_s, SILENT_S)},
                }
                for one in board.running()
            ],
        )

    def yield_terminal(self) -> None:
        """Nothing: every line is whole."""

    def end(self, *, exit_status: int, aborted: str) -> None:
        """Tell how the session ended."""
        self._write("end", exit_code=exit_status, aborted=aborted, **self._counted())

    def _counted(self) -> dict[str, Any]:
        board = self._session.board
        return {
            "elapsed_s": round(time.monotonic() - board.began_s, 1),
            "tests": len(board.tests),
            "verdicts": dict(board.counts),
            "not_run": board.not_run,
        }

    def _write(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        self._written_s = time.monotonic()
        utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = {"event": event, "utc": utc, **fields}
        self._screen.line(json.dumps(record, default=str))
