"""What may be compared is compared, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from hil.history.capability import Capability
from hil.history.control import Chart
from hil.history.enough import NotEnough
from hil.history.queries import outcomes, readings
from hil.history.series import Series, series_of
from hil.history.steadiness import steadiness_of
from hil.history.store import History
from tests.history.building import measurement, record


def _keep(history: History, run: str, day: float, *values: object, **more: Any) -> None:  # noqa: ANN401
    about = {key: more.pop(key) for key in ("instrument", "unit", "limits") if key in more}
    bodies = [measurement(value, **about) for value in values]
    history.add(record(run, {"t": "PASS"}, day=day, measurements={"t": bodies}, **more))


def _series(history: History, **how: bool) -> list[Series]:
    return series_of(readings(history, "jig voltage"), **how)


def test_virtual_and_real_bench_instrument_and_unit_stay_apart(history: History) -> None:
    _keep(history, "a", 0, 1.80)
    _keep(history, "b", 1, 1.81, bench="bench-08")
    _keep(history, "c", 2, 1.82, instrument="DP832A SN2")
    _keep(history, "d", 3, 1.83, virtual=True)
    _keep(history, "e", 4, 1830, unit="mV")
    found = _series(history)
    assert [[point.mean for point in one.points] for one in found] == [
        [1.80], [1.82], [1.81], [1830], [1.83],
    ]  # fmt: skip
    assert [one.virtual for one in found] == [False, False, False, False, True]


def test_together_joins_benches_and_instruments_but_never_virtual_with_real(
    history: History,
) -> None:
    _keep(history, "a", 0, 1.80)
    _keep(history, "b", 1, 1.81, bench="bench-08", instrument="DP832A SN2")
    _keep(history, "c", 2, 1.82, virtual=True, bench="virtual")
    real, virtual = _series(history, together=True)
    assert [point.mean for point in real.points] == [1.80, 1.81]
    assert real.bench == "several: bench-07, bench-08"
    assert real.instrument == "several: DP832A SN1, DP832A SN2"
    assert [point.mean for point in virtual.points] == [1.82]
    assert virtual.bench == "virtual"


def test_a_point_is_a_run_and_every_value_counts_for_capability(history: History) -> None:
    for day in range(13):
        _keep(history, f"r{day}", day, 1.80 + day / 1000, 1.82 + day / 1000)
    (one,) = _series(history)
    assert len(one.points) == 13
    assert one.points[0].mean == pytest.approx(1.81)
    assert one.points[0].count == 2
    assert (one.points[0].least, one.points[0].most, one.points[0].expanded) == (1.8, 1.82, 0.004)
    assert one.trend is not None
    assert one.trend.slope == pytest.approx(0.001)
    assert isinstance(one.capability, Capability)
    assert one.capability.values == 26
    assert str(one.chart) == "not enough values (13 of 25)"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (("PASS", "FAIL", "INCONCLUSIVE"), "FAIL"),
        (("PASS", "INCONCLUSIVE"), "INCONCLUSIVE"),
        (("PASS", ""), "PASS"),
        (("", "MARGINAL"), ""),
    ],
)
def test_a_point_has_the_worst_verdict_of_its_values(
    history: History, said: tuple[str, ...], shown: str
) -> None:
    bodies = [measurement(1.8, verdict=verdict) for verdict in said]
    history.add(record("r", {"t": "PASS"}, measurements={"t": bodies}))
    assert [point.verdict for one in _series(history) for point in one.points] == [shown]


def test_a_drift_is_told_and_values_without_a_number_are_counted(history: History) -> None:
    for day in range(25):
        _keep(history, f"r{day}", day, 1.80 + day % 2 / 1000)
    for day in range(25, 33):
        _keep(history, f"r{day}", day, 1.803, "nan")
    (one,) = _series(history)
    assert isinstance(one.chart, Chart)
    assert one.chart.drifts
    assert one.chart.alarms[0] > 24
    assert (one.values, one.without_number) == (33, 8)


def test_limits_are_those_of_the_newest_and_others_are_counted(history: History) -> None:
    _keep(history, "a", 0, 1.80, limits="1 to 2 V")
    _keep(history, "b", 1, 1.80)
    _keep(history, "c", 2, 1.80, limits="")
    (one,) = _series(history)
    assert (one.low, one.high, one.other_limits) == (1.71, 1.89, 1)


def test_values_that_are_no_numbers_make_a_series_without_points(history: History) -> None:
    _keep(history, "a", 0, float("inf"), None, True, "1.8", 10**400)
    (one,) = _series(history)
    assert one.points == ()
    assert one.without_number == 5
    assert isinstance(one.capability, NotEnough)


def test_the_flakiest_come_first_and_benches_stay_apart(history: History) -> None:
    for day in range(20):
        both = {"steady": "PASS", "odd": "FAIL" if day % 5 == 0 else "PASS", "skip": "NOT RUN"}
        history.add(record(f"r{day}", both, day=day))
        history.add(record(f"v{day}", both, day=day + 0.5, virtual=True, bench="virtual"))
    found = steadiness_of(outcomes(history, None))
    assert [one.test for one in found] == ["odd", "odd", "steady", "steady"]
    assert {one.bench for one in found} == {"bench-07", "virtual"}
    assert (found[0].flakes.changes, found[0].flakes.pairs) == (7, 19)
    together = steadiness_of(outcomes(history, None), together=True)
    assert [(one.test, one.virtual) for one in together[:2]] == [("odd", False), ("odd", True)]
    newest = found[0].newest_trouble
    assert newest is not None
    assert newest.of.run in {"r15", "v15"}


@pytest.mark.parametrize(
    "changed",
    [
        {"git": {"commit": "0123456789ab", "dirty": False}},
        {"git": {"commit": "abcdef0123456789", "dirty": True}},
        {"hil": "0.2.0"},
        {"item": {"model": "M1", "serial": "43", "firmware": "1.4"}},
        {"item": {"model": "M1", "serial": "42", "firmware": "1.5"}},
        {"bench": "bench-08"},
    ],
)
def test_a_verdict_that_changes_with_something_else_is_no_flake(
    history: History, changed: dict[str, Any]
) -> None:
    history.add(record("a", {"t": "PASS"}))
    history.add(record("b", {"t": "FAIL"}, day=1, **changed))
    for one in steadiness_of(outcomes(history, "t"), together=True):
        assert one.flakes.pairs == 0
