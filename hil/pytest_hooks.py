"""The hooks of a session with a bench or markers of ours; they hand on to its :class:`Run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.errors import HilError
from hil.not_applicable import NotApplicable
from hil.pytest_verdicts import VERDICT_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Generator

    from hil.bench.lab import Lab
    from hil.pytest_run import Run


class RunHooks:
    """The hooks that only sessions with a bench or markers of ours pay for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._failed: list[str] = []
        self._as_opened: list[str] = []

    def pytest_report_header(self) -> list[str]:
        """Show the banner."""
        lab = self._run.load()
        if lab is None or _banner_is_shown():
            return []
        return _planned(lab)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember what is going to run."""
        self._run.verdicts.begin(session.items)

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Announce what the operator will be asked."""
        return self._announcement(items)

    @pytest.hookimpl(tryfirst=True, specname="pytest_collection_finish")
    def pytest_hil_announce_to_controller(self, session: pytest.Session) -> None:
        """Leave that where the controller of this worker finds it, before it hears of the tests."""
        if not hasattr(session.config, "workerinput"):
            return
        lines = self._announcement(session.items)
        if lines:
            from hil.pytest_workers import ANNOUNCEMENT  # noqa: PLC0415 - only in a worker

            (self._run.folder() / ANNOUNCEMENT).write_text("\n".join(lines), encoding="utf-8")

    def _announcement(self, items: list[pytest.Item]) -> list[str]:
        if not any(item.get_closest_marker("operator") for item in items):
            return []
        from hil.pytest_operator import announcement  # noqa: PLC0415 - only where one is needed

        return announcement(self._run.config, items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Look whether the bench has what the test needs."""
        self._run.check_setup(item)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Open the notebook before anything is collected."""
        if self._run.has_bench:
            self._run.evidence.open()

    @pytest.hookimpl(wrapper=True, specname="pytest_runtest_setup")
    def pytest_hil_found_out_in_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note what a fixture found not to apply."""
        try:
            return (yield)
        except NotApplicable as err:
            self._run.not_applicable(item, err, began=False)
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note what a test found not to apply."""
        try:
            return (yield)
        except NotApplicable as err:
            self._run.not_applicable(item, err, began=True)
            raise

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show our words for verdicts."""
        return self._run.verdicts.status(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter a verdict into the table."""
        if hasattr(report, VERDICT_ATTRIBUTE):
            self._run.verdicts.note(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Switch the outputs off."""
        # Before pytest works out where the interrupt came; fixtures are torn down after that.
        try:
            self._run.outputs_off()
        except HilError as err:
            self._not_safe([str(err)])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Say who was on the bench, and close it."""
        bench = self._run.opened
        if bench is not None:
            try:
                self._as_opened = bench.banner()
            except HilError as err:  # what is off, or broke in this run, cannot tell who it is
                self._as_opened = [*_planned(bench.lab), f"  not all could be asked: {err}"]
        self._run.evidence.equipment()
        self._not_safe(self._run.lost_watchdogs())
        self._failed += self._run.close()
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["hil_bench"] = self._as_opened
            output["hil_failed"] = self._failed
            output["hil_expected"] = sorted(self._run.verdicts.expected)
        else:
            self._run.verdicts.save(self._runs_folder())
        if self._failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take over what a worker leaves."""
        output: dict[str, list[str]] = getattr(node, "workeroutput", {})
        self._as_opened = self._as_opened or output.get("hil_bench", [])
        self._failed += output.get("hil_failed", [])
        self._run.verdicts.expected.update(output.get("hil_expected", []))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the table of verdicts, and what is not safe."""
        lines = self._run.verdicts.summary()
        if not lines and not self._failed:
            return
        terminalreporter.section("verdicts")
        for line in lines if _banner_is_shown() else [*self._as_opened, *lines]:
            terminalreporter.write_line(line)
        for line in self._failed:
            terminalreporter.write_line(f"NOT SAFE  {line}", red=True, bold=True)

    def _not_safe(self, lines: list[str]) -> None:
        self._failed += lines
        for line in lines:
            self._run.evidence.notebook.unsafe(line)

    def _runs_folder(self) -> Path:
        return Path(os.environ.get("HIL_RUNS") or self._run.config.rootpath / "runs")


def _planned(lab: Lab) -> list[str]:
    from hil.bench.banner import planned  # noqa: PLC0415 - only where a bench is named

    return planned(lab)


def _banner_is_shown() -> bool:
    """Whether ``hil run`` has shown the banner already."""
    return os.environ.get("HIL_BANNER") == "shown"
