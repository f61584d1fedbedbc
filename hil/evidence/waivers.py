"""Known issues that a lab has agreed to live with: each with reason, author and last day.

A waiver changes no verdict: a FAIL stays FAIL, with the waiver shown beside it; only the gate lets
it pass. After its last day it has no effect.
"""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from hil.documents.document import Problem, read_document
from hil.documents.loader import check, raise_for
from hil.documents.section import Section, exactly_one, wrong
from hil.documents.values import Date

if TYPE_CHECKING:
    from hil.evidence.test_record import TestRecord

WARN_DAYS: Final = 30
"""So long before its last day a waiver is said to end soon."""


Pattern = Annotated[str, Field(min_length=1, max_length=500)]


class WaiverSection(Section):
    """One known issue."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$", description="its name in reports")
    test: Pattern | None = Field(
        default=None, description="node id of a test, or a pattern with * and ?"
    )
    case: Pattern | None = Field(
        default=None, description="case of the conformance set, or a pattern"
    )
    requirement: Pattern | None = Field(
        default=None, description="requirement that the test proves, or a pattern"
    )
    verdicts: list[Literal["FAIL", "ERROR", "INCONCLUSIVE"]] = Field(
        default=["FAIL"], min_length=1, description="verdicts that are waived"
    )
    reason: str = Field(min_length=10, description="why it is acceptable until then")
    author: str = Field(min_length=2, description="who answers for it")
    issued: Date = Field(description="day on which it was given")
    expires: Date = Field(description="last day on which it has effect")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        exactly_one(self, "test", "case", "requirement")
        if self.expires < self.issued:
            raise wrong(f"it expires ({self.expires}) before it is issued ({self.issued})")
        return self


class WaiversFile(Section):
    """The known issues of one product on one bench."""

    schema_version: Literal[1] = Field(alias="schema", description="version of this file format")
    kind: Literal["waivers"] = Field(description="what this file is")
    waivers: list[WaiverSection] = Field(description="the known issues")

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        seen: set[str] = set()
        for one in self.waivers:
            if one.id in seen:
                raise wrong(f"two waivers have the id '{one.id}'")
            seen.add(one.id)
        return self


@dataclass(frozen=True, slots=True)
class Waiver:
    """One known issue as it was read; one of ``test``, ``case``, ``requirement`` is a pattern."""

    id: str
    verdicts: tuple[str, ...]
    reason: str
    author: str
    issued: datetime.date
    expires: datetime.date
    test: str = ""
    case: str = ""
    requirement: str = ""

    def fits(self, test_id: str, case_id: str, requirements: Iterable[str]) -> bool:
        """Return whether it is about this test, whatever the day and the verdict."""
        if self.test:
            # Brackets of a parametrised node id stand for themselves.
            return _like(test_id, self.test)
        if self.case:
            return bool(case_id) and _like(case_id, self.case)
        return any(_like(one, self.requirement) for one in requirements)

    def holds(self, today: datetime.date) -> bool:
        """Return whether it has effect on a day: first and last day included."""
        return self.issued <= today <= self.expires

    def describe(self, today: datetime.date) -> str:
        """Return one line for a report, which says so where it has no effect."""
        if today > self.expires:
            state = f"EXPIRED on {self.expires}, no effect"
        elif today < self.issued:
            state = f"not before {self.issued}, no effect"
        else:
            state = f"until {self.expires}"
        return f"waiver {self.id} ({state}; {self.author}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Waivers:
    """The known issues of a run, in the order of their file; ``sha256`` is the file's, in hex."""

    path: Path | None = None
    sha256: str = ""
    waivers: tuple[Waiver, ...] = field(default=())

    def for_(
        self,
        test_id: str,
        case_id: str,
        requirements: Sequence[str],
        verdict: str,
        today: datetime.date,
    ) -> Waiver | None:
        """Return the waiver that covers this verdict of this test on this day, or None."""
        fitting = self.about(test_id, case_id, requirements)
        return next((w for w in fitting if verdict in w.verdicts and w.holds(today)), None)

    def covering(self, test: TestRecord, today: datetime.date) -> Waiver | None:
        """Return the waiver that covers the verdict of a test of a run on a day, or None."""
        case = str((test.case or {}).get("id", ""))
        return self.for_(test.id, case, test.requirements, test.verdict, today)

    def about(self, test_id: str, case_id: str, requirements: Sequence[str]) -> tuple[Waiver, ...]:
        """Return all waivers about this test, also those without effect."""
        return tuple(one for one in self.waivers if one.fits(test_id, case_id, requirements))

    def expiring(self, today: datetime.date, days: int) -> tuple[Waiver, ...]:
        """Return those that still have effect, and not for more than so many days."""
        last = today + datetime.timedelta(days=days)
        return tuple(one for one in self.waivers if today <= one.expires <= last)

    def expired(self, today: datetime.date) -> tuple[Waiver, ...]:
        """Return those whose last day is over."""
        return tuple(one for one in self.waivers if one.expires < today)

    def line(self, today: datetime.date) -> str:
        """Return one line for a banner: how many, which have no effect any more, digest."""
        over = [one.id for one in self.expired(today)]
        said = f", EXPIRED: {' '.join(over)}" if over else ""
        name = self.path.name if self.path is not None else "none"
        return f"{name}: {len(self.waivers)} known issues{said}  sha256 {self.sha256}"

    def unused(self, tests: Iterable[tuple[str, str, Sequence[str]]]) -> tuple[Waiver, ...]:
        """Return those that fit none of the (node id, case id, requirements) of a run."""
        left = list(self.waivers)
        for test in tests:
            left = [one for one in left if not one.fits(*test)]
        return tuple(left)


def check_waivers(path: Path) -> tuple[Waivers | None, list[Problem]]:
    """Return the waivers in a file, or None, and every problem found in it."""
    document = read_document(path)
    file, problems = check(document, WaiversFile)
    if file is None:
        return None, problems
    return Waivers(path, document.sha256, tuple(_waiver(one) for one in file.waivers)), problems


def read_waivers(path: Path) -> Waivers:
    """Read a file of waivers; ConfigError that lists every problem with file, line and column."""
    waivers, problems = check_waivers(path)
    raise_for(problems, f"the waivers file '{path.name}'")
    return waivers or Waivers(path)


def _waiver(one: WaiverSection) -> Waiver:
    return Waiver(
        id=one.id,
        verdicts=tuple(one.verdicts),
        reason=one.reason,
        author=one.author,
        issued=one.issued,
        expires=one.expires,
        test=one.test or "",
        case=one.case or "",
        requirement=one.requirement or "",
    )


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
