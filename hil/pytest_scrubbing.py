"""Takes the secrets of the bench out of what pytest tells of a test: explanations, output, reasons.

A failed assertion tells the values that it compared; here the keys among them are blanked, before
journal, JUnit, Allure, terminal or a controller get the report.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from hil.evidence.scrubbing import Scrubber
    from hil.pytest_run import Run


class Scrubbing:
    """Scrubs the reports of one process. The bench's secrets are collected when first needed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._scrubber: Scrubber | None = None
        self._output: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return ``text`` without secrets of the bench; as it is without a bench."""
        lab = self._run.load() if self._run.has_bench else None
        if lab is None or not text:
            return text
        if self._scrubber is None:
            from hil.bench.lab_secrets import secrets_of  # noqa: PLC0415 - only when needed
            from hil.evidence.scrubbing import Scrubber  # noqa: PLC0415

            self._scrubber = Scrubber(secrets_of(lab))
        return self._scrubber.scrub(text)

    def report(self, report: pytest.TestReport) -> None:
        """Scrub what ``report`` tells of the phase, and what was captured in it."""
        if report.sections:
            # Each phase reports the output of those before it as well.
            known, self._output = self._output, {}
            for _, content in report.sections:
                self._output[content] = known.get(content) or self.text(content)
            report.sections = [(title, self._output[content]) for title, content in report.sections]
        if report.longrepr is None:
            return
        longrepr: Any = _scrubbed(report.longrepr, self.text)
        if not isinstance(longrepr, tuple):
            # A value that runs over parts of the explanation is not found in any of them.
            whole = str(longrepr)
            without = self.text(whole)
            longrepr = longrepr if without is whole else without
        report.longrepr = longrepr
        expected = getattr(report, "wasxfail", "")
        if expected:
            report.wasxfail = self.text(expected)


def _scrubbed(value: object, scrub: Callable[[str], str]) -> object:
    """Return ``value``, a part of an explanation, scrubbed; its lines as one text."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        whole = "\n".join(value)
        without = scrub(whole)
        return value if without is whole else without.split("\n")
    if isinstance(value, list | tuple):
        return type(value)([_scrubbed(one, scrub) for one in value])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            setattr(value, field.name, _scrubbed(getattr(value, field.name, None), scrub))
    return value
