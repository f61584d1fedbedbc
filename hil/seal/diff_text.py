"""The differences between two runs as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.seal.diff import SLOWER_BY, SLOWER_BY_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hil.seal.diff import RunDiff
    from hil.seal.diff_values import Change, MeasuredChange

_LONGEST: Final = 120
_NOT_STATED: Final = "not stated"


def lines_of(diff: RunDiff) -> Iterator[str]:
    """Go through the lines of a comparison; a part without differences is left out."""
    yield f"before  {diff.before}   {_counts(diff.counts_before)}"
    yield f"after   {diff.after}   {_counts(diff.counts_after)}"
    yield from _part(
        "verdicts",
        [
            f"{one.before} → {one.after}{'  WORSE' if one.worse else ''}  {one.test}"
            + (f": {_short(one.reason)}" if one.reason else "")
            for one in diff.verdicts
        ],
    )
    yield from _part("tests added", diff.added)
    yield from _part("tests removed", diff.removed)
    yield from _part("measured values", [_measured(one) for one in diff.measurements])
    yield from _part("equipment", [_change(one) for one in diff.equipment])
    yield from _part("calibration", [_change(one) for one in diff.calibration])
    yield from _part("versions", [_change(one) for one in diff.versions])
    yield from _part("settings", [_change(one) for one in diff.settings])
    yield from _part(
        f"durations (changed by more than {SLOWER_BY:.0%} and {SLOWER_BY_S:g} s)",
        [f"{one.before_s:.2f} s → {one.after_s:.2f} s  {one.test}" for one in diff.durations],
    )


def _part(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}: {len(lines)}"
        yield from (f"  {line}" for line in lines)


def _counts(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{verdict} {count}" for verdict, count in counts.items()) or "no tests"


def _measured(one: MeasuredChange) -> str:
    before = _value(one.before, one.before_uncertainty)
    after = _value(one.after, one.after_uncertainty)
    if one.en is None:
        said = "not measured in both" if None in (one.before, one.after) else "cannot be compared"
    elif one.exceeds:
        said = f"MORE than the uncertainties allow, E_n {one.en:.2f}"
    else:
        said = f"within the uncertainties, E_n {one.en:.2f}"
    others = "".join(f"; {_change(other)}" for other in one.others)
    return f"{one.name} {before} → {after} {one.unit} ({said}{others})  {one.test}"


def _value(value: object, uncertainty: float | None) -> str:
    if value is None:
        return "none"
    shown = f"{value:.6g}" if isinstance(value, float) else _short(value)
    return shown if uncertainty is None else f"{shown} ± {uncertainty:.2g}"


def _change(one: Change) -> str:
    return f"{one.name}: {_short(one.before)} → {_short(one.after)}"


def _short(value: object) -> str:
    text = _NOT_STATED if value is None else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
