"""Known issues, shown beside the verdicts: in JUnit, and at the end of a session.

They change no verdict. They count as on the day on which the run began, as in every view of it.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from hil import plugin
from hil.evidence.verdict import FAIL
from hil.evidence.waivers import WARN_DAYS, Waivers, read_waivers
from hil.pytest_verdicts import VERDICT_ATTRIBUTE

if TYPE_CHECKING:
    from hil.bench.lab import Lab


WAIVER: Final = "waiver"
"""Property of a test case in JUnit: the known issue that covers its verdict, in one line."""


def waivers_of(config: pytest.Config, lab: Lab | None) -> Waivers | None:
    """Return the known issues of a session: by option, then by the bench file; None without.

    Raises ConfigError for a file that is wrong.
    """
    named = plugin.setting(config, "waivers")
    if named:
        return read_waivers(Path(named).expanduser())
    return lab.waivers if lab is not None else None


class WaiverView:
    """Collects the verdicts of a session and says which known issue is about which."""

    def __init__(self, waivers: Waivers) -> None:
        self._waivers = waivers
        self._day = datetime.datetime.now(tz=datetime.UTC).date()
        self._tests: dict[str, tuple[str, str, list[str]]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the verdict so far (on the controller, under xdist), and tell JUnit of a waiver."""
        given = getattr(report, VERDICT_ATTRIBUTE, None)
        if given is None:
            return
        verdict, requirements = given
        case = next((str(v) for name, v in report.user_properties if name == "case"), "")
        self._tests[report.nodeid] = (verdict, case, requirements)
        # A test that failed and could not be torn down has two entries in JUnit: one a report.
        if report.when == "teardown" or (report.when == "call" and verdict == FAIL):
            one = self._waivers.for_(report.nodeid, case, requirements, verdict, self._day)
            if one is not None:
                report.user_properties.append((WAIVER, one.describe(self._day)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which verdicts are waived, and which waivers have no effect or fit nothing."""
        lines = self.lines(self._day)
        if lines:
            terminalreporter.section("waivers")
            for line in lines:
                terminalreporter.write_line(line)

    def lines(self, today: datetime.date) -> list[str]:
        """Return what there is to say, a line each."""
        found: list[str] = []
        for name, (verdict, case, requirements) in sorted(self._tests.items()):
            if verdict in ("PASS", "NOT APPLICABLE"):
                continue
            about = self._waivers.about(name, case, requirements)
            covering = self._waivers.for_(name, case, requirements, verdict, today)
            for one in about if covering is None else (covering,):
                state = "waived"
                if one is not covering:
                    state = f"NOT waived (it covers {', '.join(one.verdicts)})"
                found.append(f"{verdict:<14}  {name}  {state}: {one.describe(today)}")
        over = self._waivers.expired(today)
        found += [f"has ended       {one.describe(today)}" for one in over]
        soon = self._waivers.expiring(today, WARN_DAYS)
        found += [f"ends soon       {one.describe(today)}" for one in soon]
        tests = ((name, case, ids) for name, (_, case, ids) in self._tests.items())
        for one in self._waivers.unused(tests):
            found.append(f"fits no test    {one.describe(today)}")
        return found
