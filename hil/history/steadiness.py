"""How steady tests are: for each test and bench its verdicts, flake rate and seconds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from hil.history.flakes import DECIDED, Flakes, flakes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.history.queries import Outcome


@dataclass(frozen=True, slots=True)
class Steadiness:
    """One test on one bench, or on all virtual or all real ones together (``bench`` "")."""

    test: str
    bench: str
    virtual: bool
    outcomes: tuple[Outcome, ...]
    flakes: Flakes
    seconds: float | None

    @property
    def newest_trouble(self) -> Outcome | None:
        """The newest outcome that is no PASS, of those that ran."""
        return next(
            (
                one
                for one in reversed(self.outcomes)
                if one.verdict in DECIDED and one.verdict != "PASS"
            ),
            None,
        )


def steadiness_of(outcomes: Iterable[Outcome], *, together: bool = False) -> list[Steadiness]:
    """Sort ``outcomes``, in the order of their runs, by test and bench; the flakiest come first.

    ``together`` takes benches together; even then a change counts only between runs on the same
    bench, product and version, and virtual and real never meet.
    """
    sorted_: dict[tuple[str, str, bool], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        sorted_[one.test, "" if together else one.of.bench, one.of.virtual].append(one)
    found = [_steadiness(*key, among) for key, among in sorted_.items()]
    return sorted(found, key=lambda one: (-one.flakes.low, -one.flakes.changes, one.test))


def _steadiness(test: str, bench: str, virtual: bool, among: list[Outcome]) -> Steadiness:
    seconds = [one.seconds for one in among if one.verdict in DECIDED]
    return Steadiness(
        test,
        bench,
        virtual,
        tuple(among),
        flakes((one.alike, one.verdict) for one in among),
        median(seconds) if seconds else None,
    )
