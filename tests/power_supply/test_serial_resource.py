"""The same driver over a serial line, through PyVISA's own reading and writing."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Iterator

import pytest

from hil.equipment.power_supply import LinkTimeoutError, PowerSupply
from hil.virtual.power_supply.dp832 import dp832
from tests.power_supply.conftest import LIMITS


class SerialSupply:
    """A virtual DP832 behind a pseudo terminal."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(slave)
        self.slave = slave
        self.mute = False
        self.supply = dp832("DP8C1", seed=1)
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def resource(self) -> str:
        return f"ASRL{os.ttyname(self.slave)}::INSTR"

    def _serve(self) -> None:
        buffer = b""
        while True:
            ready, _, _ = select.select([self.master, self._stop], [], [])
            if self._stop in ready:
                return
            buffer += os.read(self.master, 4096)
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                reply = self.supply.execute(line)
                if reply and not self.mute:
                    os.write(self.master, reply.encode() + b"\n")

    def close(self) -> None:
        os.write(self._stopped, b"x")
        self._thread.join(5)
        for descriptor in (self.master, self.slave, self._stop, self._stopped):
            os.close(descriptor)


@pytest.fixture
def serial_supply() -> Iterator[SerialSupply]:
    part = SerialSupply()
    yield part
    part.close()


def test_up_and_down(serial_supply: SerialSupply) -> None:
    with PowerSupply.open(
        serial_supply.resource, model="DP832", limits=LIMITS, timeout_s=1.0
    ) as supply:
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.1)
        assert channel.on().volts == pytest.approx(3.3, abs=0.035)
    assert not serial_supply.supply.outputs[1].on


def test_silence_is_a_timeout_and_what_comes_late_is_thrown_away(
    serial_supply: SerialSupply,
) -> None:
    supply = PowerSupply.open(serial_supply.resource, model="DP832", limits=LIMITS, timeout_s=0.2)
    try:
        serial_supply.mute = True
        with pytest.raises(LinkTimeoutError):
            supply.channel(1).measure()
        serial_supply.mute = False
        os.write(serial_supply.master, b"31.0000,0.0000,0.000\n")
        assert supply.channel(1).measure().volts < 0.1
    finally:
        supply.close()
