"""Keeps the notebook of a session: opens the journal, registers tests, writes how each ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from hil import pytest_counting as counting
from hil.errors import HilError
from hil.evidence.journal import EvidenceError, Journal
from hil.evidence.notebook import Notebook, opened
from hil.evidence.part_logs import PartLogs
from hil.pytest_applicability import applicability_of
from hil.pytest_cases import case_of
from hil.pytest_scrubbing import Scrubbing
from hil.pytest_units import units_of
from hil.pytest_verdicts import VERDICT_ATTRIBUTE, reason_of, requirements_of, title_of
from hil.pytest_ways import ways_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from hil.applicability import Applicability
    from hil.evidence.notebook import View, Watcher
    from hil.pytest_run import Run

NO_CHECK: Final = (
    "the test checked nothing: no assertion, no judged measurement, no expected refusal; a test "
    "that cannot fail proves nothing"
)
_STALE: Final = (
    "its assertions are not counted: they were compiled before counting was switched on; delete "
    "the __pycache__ folders of the test cases"
)
_JUDGED: Final = "the test's own judgement, whose reason stands beside its verdict"
_SIMPLE = (str, int, float, bool)


class Evidence:
    """Hooks that write the journal of one process; see :mod:`hil.evidence.journal`."""

    _reason = ""
    """Why the present test did not pass, as its first phase that did not says."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.notebook = Notebook()
        self.scrubbing = Scrubbing(run)
        self._open: AbstractContextManager[Notebook] | None = None
        self._logs: PartLogs | None = None
        self._attempts: dict[str, int] = {}
        self._told: dict[str, Applicability] = {}
        self._seconds = 0.0
        self._exit_status = ""

    def open(self) -> None:
        """Open the notebook, with a journal if the folder of this run is kept.

        Raises pytest.UsageError if evidence cannot be written there.
        """
        config = self._run.config
        if self._open is not None or config.option.collectonly:
            return
        kept = self._run.keeps_folder and self._run.has_bench
        folder = self._run.folder_of_workers() if kept else None
        journal = None
        if folder is not None:
            from hil.run_facts import run_begin  # noqa: PLC0415 - only where evidence is kept

            try:
                journal = Journal(folder, self._run.worker, run_begin(self._run))
            except EvidenceError as err:
                raise pytest.UsageError(str(err)) from None
        self.notebook = Notebook(journal, _view(config), folder=folder, scrub=self.scrubbing.text)
        if folder is not None:
            self._logs = PartLogs(self._run.folder())
        self._open = opened(self.notebook)
        self._open.__enter__()

    def watch(self, watcher: Watcher) -> bool:
        """Have ``watcher`` told of each event of this process; False if there will be none."""
        if self._open is None:
            return False
        self.notebook.watcher = watcher
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note what somebody chose not to run."""
        for item in items:
            self._write("test-not-selected", {"reason": "not selected"}, item.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Register every test before the first begins."""
        self.open()
        for item in () if self._run.refused else session.items:
            self._write("test-registered", _registered(item, self.scrubbing.text), item.nodeid)
            self._applicability(item)
        if self.notebook.journal is not None:
            self.notebook.journal.sync()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Say so in time if nothing can be written any more."""
        try:
            return (yield)
        finally:
            journal = self.notebook.journal
            if journal is not None and journal.fault:
                item.session.shouldstop = (
                    f"evidence cannot be written: {journal.path}: {journal.fault}"
                )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Open the test's page; a test that is set up again is another attempt."""
        attempt = self._attempts[item.nodeid] = self._attempts.get(item.nodeid, 0) + 1
        self._seconds, self._reason = 0.0, ""
        self.notebook.begin_test(item.nodeid, attempt)
        if self._logs is not None:
            self._logs.mark()
        return (yield)

    def pytest_assertion_pass(self, item: pytest.Item, lineno: int, orig: str, expl: str) -> None:  # noqa: ARG002
        """Count an assertion that held, by its source: its values may be secret.

        What this package asserts of itself is no check of a product.
        """
        if not counting.is_our_own():
            self.notebook.asserted(orig.partition("  # ")[0])

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge a phase by what was checked in it, and write it down.

        Inside all other wrappers, so that Allure and JUnit see a report that says the same.
        """
        report = yield
        if requirements_of(item) is not None:
            if report.when == "call" and report.passed:
                why = self._why_not_passed(item)
                if why:
                    report.outcome, report.longrepr = "failed", why
            self._run.verdicts.judge(item, call, report, fail_seen=self.notebook.failed)
        self.scrubbing.report(report)
        if report.when == "teardown":
            self._applicability(item)
        self._note(report)
        return report

    def _why_not_passed(self, item: pytest.Item) -> str:
        """Return why a body that raised nothing is no PASS; "" if it is one."""
        if self.notebook.failed:
            return f"a check was not met: {self.notebook.not_met}"
        counts = counting.is_on(item.config) and self._run.has_bench
        if not counts or self.notebook.checked:
            return ""
        return _STALE if counting.is_stale(item) else NO_CHECK

    def _note(self, report: pytest.TestReport) -> None:
        verdict = (getattr(report, VERDICT_ATTRIBUTE, None) or [_PYTEST_WORDS[report.outcome]])[0]
        reason = "" if report.passed else reason_of(report)
        self._seconds += report.duration
        body: dict[str, object] = {
            "when": report.when,
            "outcome": report.outcome,
            "verdict": verdict,
            "seconds": round(report.duration, 6),
        }
        if reason:
            body["reason"] = reason
        if verdict == "FAIL" and report.when == "call" and not self.notebook.failed:
            self.notebook.check(_JUDGED, ok=False)
        self.notebook.phase(body)
        if report.when == "teardown":
            ended: dict[str, object] = {"verdict": verdict, "seconds": round(self._seconds, 6)}
            if verdict != "PASS":
                ended["reason"] = self._reason or reason
            self._reason = ""
            self._attach_logs()
            self.notebook.end_test(ended)
        else:
            self._reason = self._reason or reason

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, object]:
        """Show no secrets of what could not be collected."""
        report = yield
        self.scrubbing.collection(report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Remember how pytest ended; JUnit's file is written after this."""
        self.scrubbing.suite_properties(session.config)
        self._exit_status = str(int(exitstatus))

    def close(self) -> None:
        """Write who was on the bench and the end; the bench is closed by now. Idempotent."""
        if self._open is not None:
            self.notebook.close(self._exit_status or "broken off")
            self._open.__exit__(None, None, None)
            self._open = None

    def equipment(self) -> None:
        """Note each item of the bench, with the identity that it has told."""
        from hil.run_facts import equipment  # noqa: PLC0415 - only where evidence is kept

        if self.notebook.journal is None:
            return
        try:
            for body in equipment(self._run):
                self._write("equipment", body)
        except HilError as err:
            self._write("note", {"text": f"not all of the bench could be asked who it is: {err}"})

    def _attach_logs(self) -> None:
        """Attach what the parts of the bench have logged during the test that ends now."""
        if self._logs is None:
            return
        try:
            for name, raw in self._logs.since_mark():
                text = raw.decode("utf-8", "backslashreplace")
                self.notebook.attach(f"log of the {name}", text)
        except (EvidenceError, OSError) as err:
            self._write("note", {"text": f"logs of this test are lost: {err}"})

    def _applicability(self, item: pytest.Item) -> None:
        """Write whether a test applies; again at its end if it found out as it ran."""
        found = applicability_of(item)
        if found is not None and found != self._told.get(item.nodeid):
            self._told[item.nodeid] = found
            self._write("applicability", found.facts(), item.nodeid)

    def _write(self, event: str, body: dict[str, Any], test: str = "") -> None:
        if self.notebook.journal is not None:
            self.notebook.journal.write(event, body, test=test)


_PYTEST_WORDS: Final = {"passed": "PASS", "failed": "FAIL", "skipped": "NOT APPLICABLE"}


def _view(config: pytest.Config) -> View | None:
    if not config.getoption("allure_report_dir", None):
        return None
    from hil.evidence.allure_view import AllureView  # noqa: PLC0415 - only for such a run

    return AllureView()


def _registered(item: pytest.Item, scrub: Callable[[str], str]) -> dict[str, object]:
    file, line, _ = item.location
    function = getattr(item, "function", None)
    case = case_of(item)
    severity = item.get_closest_marker("severity")
    callspec = getattr(item, "callspec", None)
    given = getattr(callspec, "params", {})
    body: dict[str, object] = {
        "title": title_of(item) if case is None else case.title,
        "description": (getattr(function, "__doc__", None) or "").strip(),
        "requirements": list(requirements_of(item) or ()),
        "ways": {name: [str(way) for way in ways] for name, ways in ways_of(item).items()},
        "parameters": {
            name: scrub(one) if isinstance(one, str) else one
            for name, one in given.items()
            if isinstance(one, _SIMPLE)
        },
        "file": file,
        "line": (line or 0) + 1,
    }
    units = units_of(item)
    if units:
        body["units"] = units
    if case is not None:
        body["case"] = {"id": case.id, "title": case.title, "section": case.section}
    if severity is not None:
        body["severity"] = severity.args[0]
    return body
