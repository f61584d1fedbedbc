"""What ``hil history --json`` says; keys stay, new ones may come."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from hil.history.enough import NotEnough

if TYPE_CHECKING:
    from hil.history.capability import Capability
    from hil.history.control import Chart
    from hil.history.queries import KeptRun, Of
    from hil.history.series import Series
    from hil.history.steadiness import Steadiness


def run_facts(run: KeptRun) -> dict[str, Any]:
    """Return a run as JSON takes it; times are UTC, in nanoseconds."""
    return {
        **_of(run.of),
        "folder": run.folder,
        "operator": run.operator,
        "ended_ns": run.ended_ns,
        "whole": run.whole,
        "verdicts": run.counts,
    }


def test_facts(test: Steadiness) -> dict[str, Any]:
    """Return a test on a bench: its flakes, and how it ended in each run."""
    return {
        "test": test.test,
        "bench": test.bench or None,
        "virtual": test.virtual,
        "flakes": {**dataclasses.asdict(test.flakes), "rate": test.flakes.rate},
        "median_seconds": test.seconds,
        "outcomes": [
            {
                **_of(one.of),
                "verdict": one.verdict,
                "seconds": one.seconds,
                "attempts": one.attempts,
                "reason": one.reason,
            }
            for one in test.outcomes
        ],
    }


def series_facts(series: Series) -> dict[str, Any]:
    """Return a series: its points, trend, chart and capability, or why one is not stated."""
    return {
        "name": series.name,
        "unit": series.unit,
        "virtual": series.virtual,
        "test": series.test,
        "bench": series.bench,
        "instrument": series.instrument,
        "limits": {"low": series.low, "high": series.high, "others": series.other_limits},
        "values": series.values,
        "without_number": series.without_number,
        "points": [
            {
                **_of(point.of),
                "mean": point.mean,
                "least": point.least,
                "most": point.most,
                "count": point.count,
                "expanded_uncertainty": point.expanded,
                "verdict": point.verdict,
            }
            for point in series.points
        ],
        "trend_a_day": None if series.trend is None else dataclasses.asdict(series.trend),
        "chart": _stated(series.chart),
        "capability": _stated(series.capability),
    }


def _stated(found: Chart | Capability | NotEnough) -> dict[str, Any]:
    if isinstance(found, NotEnough):
        return {"not_stated": str(found)}
    return dataclasses.asdict(found)


def _of(of: Of) -> dict[str, Any]:
    return dataclasses.asdict(of)
