"""The last word of a session that was broken off: that it was, and what did not run.

pytest shows no summary after an internal error, nor when the tearing down is interrupted as well;
those who look at the bench need it most then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from hil.pytest_run import Run


class Ending:
    """Hooks that say ABORTED; of the process that has the terminal."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begun: set[str] = set()
        self._now = ""
        self._why = ""
        self._told = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Remember what has begun."""
        self._begun.add(nodeid)
        self._now = nodeid
        self._run.verdicts.begun(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Remember what is over."""
        if self._now == nodeid:
            self._now = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Remember it: a second one, while others act on it, keeps pytest from its exit status."""
        self._why = _INTERRUPTED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int
    ) -> None:
        """Say it below the verdicts."""
        self._why = self._why or _BROKEN_OFF.get(int(exitstatus), "")
        self._tell(terminalreporter)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, Any, Any]:
        """Say it also where pytest has no summary, or is kept from it."""
        try:
            return (yield)
        except BaseException:
            self._why = self._why or _INTERRUPTED
            raise
        finally:
            self._why = self._why or _BROKEN_OFF.get(int(exitstatus), "")
            reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None and self._why and not self._told:
                reporter.ensure_newline()
                for line in self._run.verdicts.summary():
                    reporter.write_line(line)
                self._tell(reporter)

    def _tell(self, reporter: pytest.TerminalReporter) -> None:
        if not self._why or self._told:
            return
        self._told = True
        expected = self._run.verdicts.expected
        not_run = len(expected - self._begun)
        during = f" during {self._now}" if self._now else ""
        reporter.write_line(
            f"ABORTED  {self._why}{during}; NOT RUN {not_run} of {len(expected)} tests",
            red=True,
            bold=True,
        )


_INTERRUPTED: Final = "interrupted"
_BROKEN_OFF: Final = {
    int(pytest.ExitCode.INTERRUPTED): _INTERRUPTED,
    int(pytest.ExitCode.INTERNAL_ERROR): "internal error",
}
