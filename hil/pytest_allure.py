"""What our tests tell Allure: requirement, severity, verdict, bench. Loaded with --alluredir only.

Allure is a view: no verdict is taken from it. It would show a test that was interrupted as passed;
the guard here makes that "broken".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import allure
import pytest
from allure_commons.model2 import Status, StatusDetails

from hil.pytest_cases import case_of
from hil.pytest_verdicts import VERDICT_ATTRIBUTE, requirements_of
from hil.requirements import REQUIREMENTS, claims_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from hil.conformance import ConformanceCase

_allure: Final[Any] = allure.dynamic  # its functions are not annotated
NODE_LABEL: Final = "node"
_EPICS: Final = {"euicc": "Conformance of the eUICC", "servers": "Conformance of the servers"}
ABORTS: Final = (KeyboardInterrupt, pytest.exit.Exception)


class AllureLabels:
    """Hooks that label the running test's result. ``bench`` is the bench's name, "" without one."""

    def __init__(self, bench: str) -> None:
        self._bench = bench

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Label the result once Allure, inside this wrapper, has written its own title."""
        try:
            return (yield from _guarded(item, "setup"))
        finally:
            _label(item, self._bench)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep an interrupted test from being shown as passed."""
        return (yield from _guarded(item, "body"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Keep an interrupted test from being shown as passed."""
        return (yield from _guarded(item, "teardown"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Label the result with the final verdict."""
        report = yield
        given = getattr(report, VERDICT_ATTRIBUTE, None)
        if given is not None and report.when == "teardown":
            # Labels are added, never replaced: the verdict stands once, when it is final.
            _allure.label("verdict", given[0])
        return report


def _label(item: pytest.Item, bench: str) -> None:
    requirements = requirements_of(item)
    if requirements is None:
        return
    # By it the result is found again when the journal completes the report.
    _allure.label(NODE_LABEL, item.nodeid)
    module = getattr(item, "module", None)
    _allure.epic(epic_of(item.path.parent.name))
    first = (getattr(module, "__doc__", None) or _title(item.path.stem)).strip().splitlines()[0]
    _allure.feature(first.rstrip("."))
    function = getattr(item, "function", None)
    summary = (getattr(function, "__doc__", None) or "").strip().splitlines()
    if summary:
        callspec = getattr(item, "callspec", None)
        row = f" [{callspec.id}]" if callspec is not None else ""
        _allure.title(summary[0].rstrip(".") + row)
    lines = []
    for name in requirements:
        requirement = REQUIREMENTS[name]
        _allure.label("requirement", name)
        _allure.tag(name)
        claims = claims_of(name)
        of = f"; claims {', '.join(map(str, claims))}" if claims else ""
        lines.append(f"- **{name}** {requirement.text} ({requirement.reference}{of})")
    case = case_of(item)
    if case is not None:
        _label_case(case)
    if lines:
        text = "\n".join(summary[1:]).strip() if case is None else _case_text(case)
        _allure.description("\n".join(filter(None, [text, "Requirements:", *lines])))
    severity = item.get_closest_marker("severity")
    if severity is not None:
        _allure.severity(severity.args[0])
    if bench:
        # A parameter, so that the results of two benches do not collapse into one.
        _allure.parameter("bench", bench)


def _label_case(case: ConformanceCase) -> None:
    """Show a case by its own id and title."""
    _allure.label("case", case.id)
    _allure.tag(case.id)
    _allure.title(f"{case.id}  {case.title}")


def _case_text(case: ConformanceCase) -> str:
    steps = [f"{number}. {step}" for number, step in enumerate(case.steps, start=1)]
    head = [f"Standard: {case.section}", "", f"Preconditions: {case.preconditions}", "", "Steps:"]
    return "\n".join([*head, "", *steps, ""])


def epic_of(room: str) -> str:
    """Return what a folder of test cases is called in the report."""
    return _EPICS.get(room) or _title(room)


def _title(name: str) -> str:
    words = name.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _guarded(item: pytest.Item, phase: str) -> Generator[None, object, object]:
    try:
        return (yield)
    except ABORTS as err:
        listener: Any = item.config.pluginmanager.get_plugin("allure_listener")
        result = listener and listener.allure_logger.get_test(listener._cache.get(item.nodeid))
        if result and result.status not in (Status.FAILED, Status.BROKEN):
            result.status = Status.BROKEN
            result.statusDetails = StatusDetails(message=f"INCONCLUSIVE: ended in {phase}: {err!r}")
        raise
