"""The same words over VXI-11: PyVISA's INSTR resources have no socket that we could drive."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from hil.equipment.power_supply import CableLimits, LinkTimeoutError, PowerSupply
from hil.errors import LinkError
from tests.power_supply.conversations.test_keysight_e36312a import MANUAL
from tests.power_supply.conversations.vxi11 import Vxi11Line

CABLE = CableLimits(5, 1, 5.5, 1.05)


@pytest.fixture
def line() -> Iterator[Vxi11Line]:
    line = Vxi11Line(MANUAL.instrument())
    yield line
    line.close()


def test_up_and_down(line: Vxi11Line) -> None:
    with PowerSupply.open(line.resource, limits={1: CABLE}, timeout_s=2.0) as supply:
        assert supply.model == "E36312A"
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        assert channel.on().volts == pytest.approx(3.3, abs=0.001)
        assert line.instrument.state["on"]
    assert not line.instrument.state["on"]
    assert line.instrument.strangers == []


def test_silence_is_a_timeout_and_the_next_reading_is_right(line: Vxi11Line) -> None:
    supply = PowerSupply.open(line.resource, model="E36312A", limits={1: CABLE}, timeout_s=0.5)
    try:
        line.instrument.garble = lambda message, reply: b"" if "MEAS" in message else reply
        with pytest.raises(LinkTimeoutError):
            supply.channel(1).measure()
        line.instrument.garble = lambda message, reply: reply
        assert supply.channel(1).measure().volts == 0
    finally:
        supply.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_there() -> None:
    with pytest.raises(LinkError, match="inst0"):
        PowerSupply.open(
            "TCPIP0::127.0.0.1,9::inst0::INSTR", model="E36312A", limits={1: CABLE}, timeout_s=0.5
        )
    gc.collect()  # pyvisa-py forgets the socket that was refused
