"""What is different between two runs: verdicts, measured values, equipment, versions, settings.

Nothing is judged here but one thing: whether a measured value moved by more than both
uncertainties allow (the E_n number of ISO/IEC 17043: above 1 it did).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.verdict import PASS, WORST_FIRST
from hil.seal.diff_values import Change, MeasuredChange, changed_fields, measured_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord

SLOWER_BY: Final = 0.5
"""A duration is told where it changed by more than this share of the longer one …"""
SLOWER_BY_S: Final = 0.1
"""… and by more than this, in seconds."""
_CALIBRATION: Final = "calibration"
_VERSIONS: Final = ("hil", "git", "python", "platform", "packages")
_SETTINGS: Final = (
    "bench",
    "strict",
    "decision_rule",
    "virtual",
    "arguments",
    "lab_config",
    "ics",
    "waivers",
    "item",
    "laboratory",
    "operator",
    "host",
    "user",
)


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A test whose verdict is another; ``worse`` tells the direction."""

    test: str
    before: str
    after: str
    worse: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A test that took much longer, or much shorter; seconds."""

    test: str
    before_s: float
    after_s: float


@dataclass(frozen=True, slots=True)
class RunDiff:
    """The differences, each list in order of names; all empty: the runs say the same."""

    before: str
    after: str
    counts_before: Mapping[str, int]
    counts_after: Mapping[str, int]
    verdicts: tuple[VerdictChange, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    measurements: tuple[MeasuredChange, ...]
    equipment: tuple[Change, ...]
    calibration: tuple[Change, ...]
    versions: tuple[Change, ...]
    settings: tuple[Change, ...]
    durations: tuple[Duration, ...]

    @property
    def worse(self) -> bool:
        """Whether a test fares worse, or is gone."""
        return bool(self.removed) or any(one.worse for one in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "worse": self.worse}


def diff_runs(before: RunRecord, after: RunRecord) -> RunDiff:
    """Compare two runs by what their journals say."""
    old, new = before.tests, after.tests
    both = [name for name in old if name in new]
    equipment = [
        change
        for name in sorted(before.equipment.keys() | after.equipment.keys())
        for change in changed_fields(name, before.equipment.get(name), after.equipment.get(name))
    ]
    return RunDiff(
        before=before.run,
        after=after.run,
        counts_before=dict(sorted(Counter(one.verdict for one in old.values()).items())),
        counts_after=dict(sorted(Counter(one.verdict for one in new.values()).items())),
        verdicts=tuple(
            _verdict(old[name], new[name])
            for name in both
            if old[name].verdict != new[name].verdict
        ),
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        measurements=tuple(
            change
            for name in both
            for change in measured_changes(name, old[name].measurements, new[name].measurements)
        ),
        equipment=tuple(one for one in equipment if not _is_calibration(one)),
        calibration=tuple(one for one in equipment if _is_calibration(one)),
        versions=_of(_VERSIONS, before, after),
        settings=_of(_SETTINGS, before, after),
        durations=tuple(
            Duration(name, old[name].seconds, new[name].seconds)
            for name in both
            if _much(old[name].seconds, new[name].seconds)
        ),
    )


def _verdict(before: TestRecord, after: TestRecord) -> VerdictChange:
    worse = _fares(after) < _fares(before)
    return VerdictChange(before.id, before.verdict, after.verdict, worse, after.reason)


def _fares(test: TestRecord) -> int:
    """Return how well a test fares; a PASS is the best, for what does not apply proves nothing."""
    return len(WORST_FIRST) if test.verdict == PASS else WORST_FIRST.index(test.verdict)


def _of(names: tuple[str, ...], before: RunRecord, after: RunRecord) -> tuple[Change, ...]:
    return tuple(
        change
        for name in names
        for change in changed_fields(name, before.begin.get(name), after.begin.get(name))
    )


def _is_calibration(change: Change) -> bool:
    return change.name.partition(".")[2].startswith(_CALIBRATION)


def _much(before: float, after: float) -> bool:
    moved = abs(after - before)
    return moved > SLOWER_BY_S and moved > SLOWER_BY * max(before, after)
