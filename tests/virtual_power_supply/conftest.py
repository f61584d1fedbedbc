from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hil.virtual.power_supply.dp832 import dp832
from hil.virtual.power_supply.e36312a import e36312a
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.ka3005p import Korad, ka3005p


@dataclass
class TestClock:
    """A clock that stands still until it is told otherwise, in nanoseconds."""

    __test__ = False
    now_ns: int = 1_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def forward(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def supply(clock: TestClock) -> Instrument:
    return dp832("DP8C000000001", seed=1, clock=clock)


@pytest.fixture
def say(supply: Instrument) -> Callable[[str], str]:
    """Return a function that hands one message to the supply and returns its reply."""
    return lambda message: supply.execute(message.encode("latin-1"))


@pytest.fixture
def keysight(clock: TestClock) -> Instrument:
    return e36312a("MY00000001", seed=1, clock=clock)


@pytest.fixture
def tell(keysight: Instrument) -> Callable[[str], str]:
    """Return a function that hands one message to the E36312A and returns its reply."""
    return lambda message: keysight.execute(message.encode("latin-1"))


@pytest.fixture
def korad(clock: TestClock) -> Korad:
    return ka3005p("", seed=1, clock=clock)
