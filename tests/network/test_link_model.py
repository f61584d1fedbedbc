"""The model of the air: the same seed gives the same weather, and every figure is counted."""

from __future__ import annotations

import pytest

from hil.virtual.network.link_model import Air, Conditions, Tally


def test_a_clear_air_carries_everything_at_once() -> None:
    air = Air(Conditions())
    assert [air.fate(air.down) for _ in range(100)] == [(0.0,)] * 100
    assert air.down == Tally(offered=100)


def test_the_same_seed_gives_the_same_weather() -> None:
    conditions = Conditions(0.1, 0.05, loss=0.2, duplication=0.2, reordering=0.3)
    first, second, third = (Air(conditions, seed) for seed in (7, 7, 8))
    fates = [[air.fate(air.down) for _ in range(200)] for air in (first, second, third)]
    assert fates[0] == fates[1]
    assert fates[0] != fates[2]


def test_what_was_done_is_counted() -> None:
    air = Air(Conditions(loss=0.3, duplication=0.3, reordering=0.3, reorder_s=5), seed=3)
    fates = [air.fate(air.up) for _ in range(1000)]
    assert air.up.offered == 1000
    assert air.up.lost == fates.count(()) > 200
    assert air.up.duplicated == sum(len(one) == 2 for one in fates) > 100
    assert air.up.reordered == sum(bool(one) and one[0] >= 5 for one in fates) > 100


def test_coverage_comes_and_goes() -> None:
    air = Air(Conditions(gaps=((1.0, 2.0), (2.0, 3.0))))
    assert [air.covered(at) for at in (0.5, 1.0, 2.5, 3.0)] == [True, False, False, True]
    assert air.seconds_to_coverage(1.5) == 1.5
    assert air.seconds_to_coverage(4.0) == 0


@pytest.mark.parametrize(
    "wrong", [{"loss": 1.1}, {"duplication": -0.1}, {"latency_s": -1}], ids=str
)
def test_impossible_weather_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"probability|negative"):
        Conditions(**wrong)  # type: ignore[arg-type]
