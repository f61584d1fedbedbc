from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.observer import Exchange
from tests.power_supply.part import SERIAL, Part, start_part

LIMITS = {
    1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6),
    3: CableLimits(max_volts=4.2, max_amps=2.0, ovp_volts=4.6, ocp_amps=2.5),
}


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    @property
    def sent(self) -> list[str]:
        return [note.text for note in self.exchanges if note.direction == "out"]


@pytest.fixture(autouse=True)
def lock_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    return tmp_path / "locks"


@pytest.fixture(scope="module")
def shared_part() -> Iterator[Part]:
    with start_part() as part:
        yield part


@pytest.fixture
def part(shared_part: Part) -> Part:
    """A virtual DP832, well and as after power-up."""
    shared_part.well()
    return shared_part


@pytest.fixture
def notes() -> Notes:
    return Notes()


Open = Callable[..., PowerSupply]


@pytest.fixture
def open_supply(part: Part, notes: Notes) -> Iterator[Open]:
    """Return a function that opens the supply; what it opened is closed at the end."""
    opened: list[PowerSupply] = []

    def open_one(**changes: object) -> PowerSupply:
        arguments: dict[str, object] = {
            "model": "DP832",
            "limits": LIMITS,
            "observer": notes,
            "expected_serial": SERIAL,
            "timeout_s": 1.0,
            **changes,
        }
        supply = PowerSupply.open(part.resource, **arguments)  # type: ignore[arg-type]
        opened.append(supply)
        return supply

    yield open_one
    for supply in opened:
        supply.close()


@pytest.fixture
def supply(open_supply: Open) -> PowerSupply:
    return open_supply()
