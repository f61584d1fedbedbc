"""The matrix as data: every requirement with its tests, every test with its requirements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hil.evidence.run_record import RunRecord
from hil.evidence.test_record import TestRecord
from hil.report.verdicts import WaiverOf, verdict_of_all
from hil.requirement_ways import WITHOUT, Way
from hil.requirements import REQUIREMENTS, claims_of

UNKNOWN = "not in the table of requirements of this version"


@dataclass(frozen=True)
class Line:
    """One test: its verdict that counts, its waiver ("" for none), what it shows of which."""

    test: TestRecord
    verdict: str
    waiver: str
    ways: Mapping[str, tuple[str, ...]]

    def shows(self, requirement: str, way: str) -> bool:
        """Whether it shows ``way`` of ``requirement``."""
        return way in self.ways.get(requirement, ())


@dataclass(frozen=True)
class Row:
    """One requirement, and the tests that prove it.

    ``excused`` says for each way that needs no test, why.
    """

    id: str
    text: str
    reference: str
    claims: tuple[int, ...]
    verdict: str
    lines: tuple[Line, ...]
    excused: Mapping[str, str]

    @property
    def covered(self) -> bool:
        """Whether any test names it."""
        return bool(self.lines)

    def of(self, way: str) -> tuple[Line, ...]:
        """Return the tests that show ``way``."""
        return tuple(line for line in self.lines if line.shows(self.id, way))

    def verdict_of(self, way: str) -> str:
        """Return the worst verdict of the tests of ``way``."""
        return verdict_of_all(line.test for line in self.of(way))

    @property
    def unsaid(self) -> tuple[Line, ...]:
        """Return the tests that do not tell which way they show."""
        return tuple(line for line in self.lines if not line.ways.get(self.id))


@dataclass(frozen=True)
class Matrix:
    """Both directions, of one run."""

    run: RunRecord
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]


def build(run: RunRecord, waiver: WaiverOf) -> Matrix:
    """Return the matrix of a run; requirements in order of the table, unknown ones behind."""
    lines = tuple(
        Line(test, test.verdict, waiver(test) or "", _ways(test)) for test in run.tests.values()
    )
    by_requirement: dict[str, list[Line]] = {}
    for line in lines:
        for name in line.ways:
            by_requirement.setdefault(name, []).append(line)
    unknown = sorted(set(by_requirement) - set(REQUIREMENTS))
    names = [*REQUIREMENTS, *unknown]
    return Matrix(run, tuple(_row(name, by_requirement.get(name, [])) for name in names), lines)


def _row(name: str, lines: list[Line]) -> Row:
    known = REQUIREMENTS.get(name)
    shown = {way for line in lines for way in line.ways.get(name, ())}
    return Row(
        id=name,
        text=known.text if known else UNKNOWN,
        reference=known.reference if known else "",
        claims=claims_of(name),
        verdict=verdict_of_all(line.test for line in lines),
        lines=tuple(lines),
        excused={
            way.value: why for way, why in WITHOUT.get(name, {}).items() if way.value not in shown
        },
    )


def _ways(test: TestRecord) -> dict[str, tuple[str, ...]]:
    """Return requirement → ways, in words of :class:`Way`; () where the journal tells none."""
    return {name: _named(test.ways.get(name)) for name in sorted(test.requirements)}


def _named(given: object) -> tuple[str, ...]:
    words = [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else []
    found = {_WORDS.get(str(word)) for word in words}
    return tuple(way.value for way in Way if way in found)


_WORDS = {"good": Way.GOOD, **{way.value: way for way in Way}}
