"""Takes secrets of bench and tests out of what pytest tells: explanations, output, reasons.

A failed assertion tells the values that it compared; here the keys among them are blanked, before
journal, JUnit, Allure, terminal or a controller get the report.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.secret_forms import SHORTEST
from hil.known_secrets import announced_since

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from hil.evidence.scrubbing import Scrubber
    from hil.pytest_run import Run


_OURS: Final = ("requirement", "case", "verdict")
_ID: Final = re.compile(r"[A-Z]{1,12}(?:[ -][A-Z\d]{1,12}){0,4}", re.ASCII)
"""What stands in properties of ours, ids and verdicts: most tests have no others."""
_TITLE: Final = 400
"""Characters of what may be a title: those come again, from the same step or for another view."""
_TITLES: Final = 1024
_GENERATION: Final = 1024
"""Secrets of tests that are looked for together; those of the generation before are, too."""


class Scrubbing:
    """Scrubs the reports of one process. The bench's secrets are collected when first needed.

    Those that were announced (:mod:`hil.known_secrets`) are learned as they come; the oldest are
    forgotten, so that a long run does not grow.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._scrubber: Scrubber | None = None
        self._announced: list[Scrubber] = []
        self._learned: set[bytes] = set()
        self._last = 0
        self._lock = threading.Lock()
        self._titles: dict[str, str] = {}
        """Short texts of late, and what was left of them."""
        self._output: dict[str, str] = {}
        self._properties: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return ``text`` without secrets of bench and tests; as it is without a bench."""
        lab = self._run.load() if self._run.has_bench else None
        if lab is None or not text:
            return text
        with self._lock:
            if self._scrubber is None:
                from hil.bench.lab_secrets import secrets_of  # noqa: PLC0415 - only when needed
                from hil.evidence.scrubbing import Scrubber  # noqa: PLC0415

                self._scrubber = Scrubber(secrets_of(lab))
            self._learn()
            if len(text) > _TITLE:
                return self._without_secrets(text, self._scrubber)
            known = self._titles.get(text)
            if known is None:
                if len(self._titles) >= _TITLES:
                    self._titles.clear()
                known = self._titles[text] = self._without_secrets(text, self._scrubber)
            return known

    def _without_secrets(self, text: str, of_bench: Scrubber) -> str:
        for one in (of_bench, *self._announced):
            text = one.scrub(text)
        return text

    def _learn(self) -> None:
        """Take over what was announced since the last text."""
        from hil.evidence.scrubbing import Scrubber  # noqa: PLC0415 - only when needed

        last, news = announced_since(self._last)
        for secret in news:
            if secret.value in self._learned:
                continue
            self._titles.clear()
            if not self._announced or len(self._learned) >= _GENERATION:
                self._announced = [*self._announced[-1:], Scrubber({})]
                self._learned = set()
            if secret.code:
                self._announced[-1].learn_code(secret.name, secret.value)
            elif len(secret.value) >= SHORTEST:
                self._announced[-1].learn(secret.name, secret.value)
            self._learned.add(secret.value)
        # Last, so that what a signal cuts short is learned with the next text.
        self._last = last

    def report(self, report: pytest.TestReport) -> None:
        """Scrub what ``report`` tells of the phase, what was captured in it, and its properties."""
        if report.sections:
            # Each phase reports the output of those before it as well.
            known, self._output = self._output, {}
            for _, content in report.sections:
                self._output[content] = known.get(content) or self.text(content)
            report.sections = [(title, self._output[content]) for title, content in report.sections]
        if report.user_properties:
            report.user_properties = self._without(report.user_properties)
        if report.longrepr is None:
            return
        report.longrepr = self._explanation(report.longrepr)
        expected = getattr(report, "wasxfail", "")
        if expected:
            report.wasxfail = self.text(expected)

    def collection(self, report: pytest.CollectReport) -> None:
        """Scrub what ``report`` tells of a file that could not be collected."""
        if report.longrepr is not None:
            report.longrepr = self._explanation(report.longrepr)
        report.sections = [(title, self.text(content)) for title, content in report.sections]

    def suite_properties(self, config: pytest.Config) -> None:
        """Scrub what JUnit's file will say of the whole session."""
        from _pytest.junitxml import xml_key  # noqa: PLC0415 - pytest has no public way to them

        xml = config.stash.get(xml_key, None)
        if xml is not None:
            xml.global_properties[:] = [
                (name, self.text(value)) for name, value in xml.global_properties
            ]

    def _without(self, properties: list[tuple[str, object]]) -> list[tuple[str, object]]:
        """Return properties of a test scrubbed; a value that has a secret becomes a text."""
        made: list[tuple[str, object]] = []
        known = self._properties  # each phase has those of the one before it
        self._properties = {}
        for name, value in properties:
            if name in _OURS and _ID.fullmatch(str(value)):
                made.append((name, value))
                continue
            told = f"{name}\n{value}"
            without = known.get(told) or self.text(told)
            self._properties[told] = without
            found = without != told
            made.append((self.text(name), self.text(str(value))) if found else (name, value))
        return made

    def _explanation(self, longrepr: Any) -> Any:  # noqa: ANN401 - whatever pytest or a plugin made
        longrepr = _scrubbed(longrepr, self.text)
        if isinstance(longrepr, tuple):
            return longrepr
        # A value that runs over parts of the explanation is not found in any of them.
        whole = str(longrepr)
        without = self.text(whole)
        return longrepr if without is whole else without


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
