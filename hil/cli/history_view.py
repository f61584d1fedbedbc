"""The history as lines for a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from hil.evidence.verdict import VERDICTS
from hil.history import words
from hil.history.flakes import DECIDED
from hil.history.spark import HEADS, LEGEND, blocks_for, sparkline, strip

if TYPE_CHECKING:
    from hil.history.queries import KeptRun
    from hil.history.series import Series
    from hil.history.steadiness import Steadiness


def run_lines(runs: list[KeptRun]) -> list[str]:
    """Return a line a run, the newest last."""
    if not runs:
        return ["no run is kept"]
    heads = ["run", "began (UTC)", "bench", "", "version"]
    heads += [HEADS.get(verdict, verdict) for verdict in VERDICTS]
    rows = [heads, *([*_facts(run), *_counts(run)] for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 5 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    if not all(run.whole for run in runs):
        lines.append("* broken off, or its journal is at fault")
    return lines


def test_lines(found: list[Steadiness], *, brief: bool) -> list[str]:
    """Return what is known of tests: verdicts, flake rate, seconds, newest trouble."""
    width = _room()
    blocks = blocks_for(sys.stdout.encoding)
    lines: list[str] = []
    for one in found:
        lines += [one.test] if not lines or one.test not in lines else []
        verdicts = strip((outcome.verdict for outcome in one.outcomes), width=width)
        place = f"{one.bench or 'all benches'}{_virtual(one.virtual)}"
        lines.append(f"  {place:<28} {verdicts}  changes {one.flakes}")
        if brief:
            continue
        seconds = [outcome.seconds for outcome in one.outcomes if outcome.verdict in DECIDED]
        if one.seconds is not None:
            drawn = sparkline(seconds, width=width, blocks=blocks)
            lines.append(
                f"  {'seconds':<28} {drawn}  median {one.seconds:.3g} s, "
                f"{min(seconds):.3g} to {max(seconds):.3g} s"
            )
        trouble = one.newest_trouble
        if trouble is not None:
            lines.append(
                f"  newest {trouble.verdict}: {words.when(trouble.of.began_ns)} in "
                f"{trouble.of.run}: {trouble.reason or 'no reason was noted'}"
            )
    return [*lines, f"  {LEGEND}"]


def series_lines(found: list[Series]) -> list[str]:
    """Return what is known of measured values."""
    width = _room()
    blocks = blocks_for(sys.stdout.encoding)
    lines: list[str] = []
    for one in found:
        drawn = sparkline([point.mean for point in one.points], width=width, blocks=blocks)
        lines += [
            "",
            f"{one.name}  {one.bench}{_virtual(one.virtual)}  {one.instrument}",
            f"  {one.test}",
            f"  {drawn}  {one.values} values in {len(one.points)} runs",
        ]
        if one.points:
            newest = one.points[-1]
            value = words.plus_minus(newest.mean, newest.expanded, one.unit)
            lines.append(f"  newest      {value} ({words.when(newest.of.began_ns)})")
        lines += [
            f"  limits      {words.limits(one).removeprefix('limits ')}",
            f"  trend       {words.trend(one)}",
            f"  drift       {words.drift(one)}",
            f"  capability  {words.capable(one)}",
        ]
        if odd := words.outliers(one):
            lines.append(f"  outliers    {odd}")
        if one.without_number:
            lines.append(f"  {one.without_number} more were noted without a number")
    return lines[1:]


def _facts(run: KeptRun) -> list[str]:
    return [
        run.of.run + ("" if run.whole else " *"),
        words.when(run.of.began_ns),
        run.of.bench,
        _virtual(run.of.virtual).strip(),
        run.of.version,
    ]


def _counts(run: KeptRun) -> list[str]:
    return [str(run.counts.get(verdict, 0)) for verdict in VERDICTS]


def _virtual(virtual: bool) -> str:
    return " VIRTUAL" if virtual else ""


def _room() -> int:
    """Return how many characters a line of values may take."""
    return max(10, min(60, shutil.get_terminal_size((100, 24)).columns - 60))
