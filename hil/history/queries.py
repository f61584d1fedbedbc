"""What can be asked of the store; every answer is in the order in which the runs began."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.verdict import NOT_RUN

if TYPE_CHECKING:
    from hil.history.store import History

_RUN: Final = "runs.run, runs.bench, runs.virtual, runs.version, runs.item, runs.began_ns"
_RECENT: Final = """
    SELECT number FROM runs WHERE (:bench IS NULL OR bench = :bench)
    ORDER BY began_ns DESC, number DESC LIMIT :last
"""
_EVERY: Final = -1


@dataclass(frozen=True, slots=True)
class Of:
    """Which run something is of; ``began_ns`` is UTC."""

    run: str
    bench: str
    virtual: bool
    version: str
    item: str
    began_ns: int


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run and how its tests ended; ``whole``: ended in order, with a journal without fault."""

    of: Of
    folder: str
    operator: str
    ended_ns: int
    whole: bool
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test ended in one run."""

    of: Of
    test: str
    verdict: str
    seconds: float
    attempts: int
    reason: str

    @property
    def alike(self) -> tuple[str, bool, str, str]:
        """What must be the same for two outcomes to be comparable."""
        return self.of.bench, self.of.virtual, self.of.item, self.of.version


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured value of one run; ``value`` is None if what was noted is no number."""

    of: Of
    test: str
    name: str
    value: float | None
    unit: str
    expanded: float | None
    low: float | None
    high: float | None
    instrument: str
    verdict: str


def runs(history: History, *, bench: str | None = None, last: int | None = None) -> list[KeptRun]:
    """Return the newest ``last`` runs (all with None), on ``bench`` or on any."""
    found: dict[int, KeptRun] = {}
    for number, folder, operator, ended_ns, whole, *of in history.rows(
        f"""
        SELECT runs.number, runs.folder, runs.operator, runs.ended_ns, runs.whole, {_RUN}
        FROM runs WHERE runs.number IN ({_RECENT}) ORDER BY runs.began_ns, runs.number
        """,  # noqa: S608 - no text from outside
        _scope(bench, last),
    ):
        found[number] = KeptRun(_of(of), folder, operator, ended_ns, bool(whole))
    for number, verdict, count in history.rows(
        f"""
        SELECT run, verdict, count(*) FROM tests WHERE run IN ({_RECENT}) GROUP BY run, verdict
        """,  # noqa: S608
        _scope(bench, last),
    ):
        found[number].counts[verdict] = count
    return list(found.values())


def named_tests(history: History, part: str) -> list[str]:
    """Return the ids of tests: the one of that very id, else all that hold ``part``."""
    names = [name for (name,) in history.rows("SELECT name FROM names ORDER BY name")]
    return [part] if part in names else [name for name in names if part.lower() in name.lower()]


def outcomes(
    history: History, test: str | None, *, bench: str | None = None, last: int | None = None
) -> list[Outcome]:
    """Return how a test, or every test with None, ended in the newest ``last`` runs.

    NOT RUN is left out.
    """
    which = "" if test is None else "tests.test = (SELECT number FROM names WHERE name = :test) AND"
    return [
        Outcome(_of(of), name, verdict, seconds, attempts, reason)
        for name, verdict, seconds, attempts, reason, *of in history.rows(
            f"""
            SELECT names.name, tests.verdict, tests.seconds, tests.attempts, tests.reason, {_RUN}
            FROM tests
            JOIN runs ON runs.number = tests.run
            JOIN names ON names.number = tests.test
            WHERE {which} tests.run IN ({_RECENT}) AND tests.verdict != :not_run
            ORDER BY runs.began_ns, runs.number
            """,  # noqa: S608
            {**_scope(bench, last), "test": test, "not_run": NOT_RUN},
        )
    ]


def measurement_names(history: History) -> list[str]:
    """Return the names under which anything was measured."""
    return [
        name for (name,) in history.rows("SELECT DISTINCT name FROM measurements ORDER BY name")
    ]


def readings(
    history: History, name: str, *, bench: str | None = None, last: int | None = None
) -> list[Reading]:
    """Return what was measured under ``name`` in the newest ``last`` runs."""
    return [
        Reading(_of(of), test, name, value, unit, expanded, low, high, instrument, verdict)
        for test, value, unit, expanded, low, high, instrument, verdict, *of in history.rows(
            f"""
            SELECT names.name, m.value, m.unit, m.expanded, m.low, m.high, m.instrument, m.verdict,
                   {_RUN}
            FROM measurements AS m
            JOIN runs ON runs.number = m.run
            JOIN names ON names.number = m.test
            WHERE m.name = :name AND m.run IN ({_RECENT})
            ORDER BY runs.began_ns, runs.number, names.name, m.place
            """,  # noqa: S608
            {**_scope(bench, last), "name": name},
        )
    ]


def _scope(bench: str | None, last: int | None) -> dict[str, Any]:
    return {"bench": bench, "last": _EVERY if last is None else last}


def _of(row: list[Any]) -> Of:
    run, bench, virtual, version, item, began_ns = row
    return Of(run, bench, bool(virtual), version, item, began_ns)
