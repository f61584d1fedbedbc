"""The jig's window: inside with all uncertainty, watched without a break, long enough."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import ConfigError
from hil.provisioning.support_server.device_sessions import DevicePolicy
from hil.provisioning.support_server.jig import JigPolicy, JigSample, Window

POLICY = JigPolicy(Window(1.7, 1.9), dwell_s=0.2, max_gap_s=0.1)
CURRENT = JigPolicy(Window(0.0, 5.0), Window(0.0038, 0.0042), dwell_s=0.2, max_gap_s=0.1)


def row(volts: list[float], *, step_ms: int = 50, u: float = 0.01) -> list[JigSample]:
    return [
        JigSample(place * step_ms * 1_000_000, volt, volts_uncertainty=u)
        for place, volt in enumerate(volts)
    ]


def test_inside_the_window_for_the_dwell_is_good() -> None:
    assert POLICY.objection(row([1.8] * 5)) is None


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (row([1.6] * 5), "1.6 V is below the window"),
        (row([2.0] * 5), "2 V is above the window"),
        (row([1.8, 1.8, 0.2, 1.8, 1.8]), "0.2 V is below"),
        (row([1.8, 1.8, 1.8, 1.8, 2.5]), "2.5 V is above"),
        (row([1.705] * 5), "too near to an edge"),
        (row([1.895] * 5), "too near to an edge"),
        (row([1.8] * 4), "held for 0.15 s; the dwell is 0.2 s"),
        (row([1.8] * 5, step_ms=150), "not watched for 0.15 s"),
        (row([1.8] * 5, step_ms=0), "not in the order of their times"),
        (row([1.8]), "cannot show a dwell"),
        ([], "cannot show a dwell"),
        (row([math.nan] * 5), "not a number"),
        (row([1.8] * 5, u=math.inf), "not a number"),
        (row([1.8] * 5, u=-1), "not a number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_everything_else_is_named(samples: list[JigSample], reason: str) -> None:
    said = POLICY.objection(samples)
    assert said is not None
    assert reason in said


def test_current_counts_where_a_window_is_set() -> None:
    good = [JigSample(n * 50_000_000, 3.0, 0.004, 0.0, 0.00005) for n in range(5)]
    assert CURRENT.objection(good) is None
    assert "no current" in str(CURRENT.objection(row([3.0] * 5)))
    high = [JigSample(n * 50_000_000, 3.0, 0.005) for n in range(5)]
    assert "A is above" in str(CURRENT.objection(high))


@given(st.floats(0, 4), st.floats(0, 0.2))
def test_good_means_surely_inside(volts: float, u: float) -> None:
    good = POLICY.objection(row([volts] * 5, u=u)) is None
    assert good == (volts - u >= 1.7 and volts + u <= 1.9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Window(-math.inf, math.inf),
        lambda: Window(math.nan, 1.9),
        lambda: JigPolicy(Window(1.7, 1.9), dwell_s=math.nan),
        lambda: JigPolicy(Window(1.7, 1.9), dwell_s=-1),
        lambda: JigPolicy(Window(1.7, 1.9), max_gap_s=math.nan),
        lambda: JigPolicy(Window(1.7, 1.9), max_gap_s=math.inf),
        lambda: JigPolicy(Window(1.7, 1.9), max_gap_s=0),
        lambda: DevicePolicy(session_s=math.nan),
        lambda: DevicePolicy(session_s=0),
        lambda: DevicePolicy(esim_kvn=0x80),
        lambda: DevicePolicy(esim_kvn=-1),
    ],
)
def test_a_policy_that_nothing_could_break_is_none(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        make()


def test_an_empty_window_is_no_window() -> None:
    with pytest.raises(ConfigError, match="empty"):
        Window(2.0, 1.0)
