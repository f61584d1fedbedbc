"""What the driver sets is the very voltage that a device on the copper sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from hil.equipment.power_supply import PowerSupply
from hil.virtual.copper import Copper
from tests.power_supply.part import Part, start_part


async def eventually(condition: Callable[[], bool], timeout_s: float = 3.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within the deadline"
        await asyncio.sleep(0.002)


def test_driver_to_device_and_back(supply: PowerSupply, part: Part) -> None:
    async def scenario() -> None:
        copper = await Copper.connect(part.copper)
        channel = supply.channel(3)
        assert copper.volts(3) == 0.0
        copper.set_load(3, 20.0)
        await asyncio.to_thread(channel.protect)
        await asyncio.to_thread(channel.apply, 4.0, 1.0)
        reading = await asyncio.to_thread(channel.on)
        assert copper.volts(3) == pytest.approx(reading.volts, abs=0.0005 * 4 + 0.010 + 0.002)
        assert copper.amps(3) == pytest.approx(0.2, abs=0.002)
        later = await asyncio.to_thread(channel.measure)
        assert later.amps == pytest.approx(0.2, abs=0.0015 * 0.2 + 0.005 + 0.002)

        copper.set_load(3, 2.0)  # more than the limit of 1 A allows at 4 V
        await eventually(lambda: copper.volts(3) < 2.1)
        status = await asyncio.to_thread(channel.status)
        assert status.regulation == "current"
        copper.set_load(3, None)
        await eventually(lambda: copper.volts(3) > 3.9)

        await asyncio.to_thread(channel.off)
        assert copper.volts(3) < 0.1
        await copper.close()

    asyncio.run(scenario())


def test_a_trip_reaches_the_device_without_anybody_asking(supply: PowerSupply, part: Part) -> None:
    async def scenario() -> None:
        copper = await Copper.connect(part.copper)
        channel = supply.channel(1)
        for step in (channel.protect, lambda: channel.apply(5.0, 0.5), channel.on):
            await asyncio.to_thread(step)
        # Behind the driver's back: the level of the OVP goes below the output.
        await asyncio.to_thread(supply._link.write, ":OUTP:OVP:VAL CH1,4")
        await eventually(lambda: copper.volts(1) < 0.1)
        assert (await asyncio.to_thread(channel.status)).ovp_tripped
        await copper.close()

    asyncio.run(scenario())


def test_a_supply_that_dies_is_a_dead_cable() -> None:
    async def scenario() -> None:
        with start_part() as part:
            copper = await Copper.connect(part.copper)
            changed: list[int] = []
            copper.on_change = changed.append
            part.process.kill()
            await eventually(lambda: copper.lost)
            assert sorted(set(changed)) == [1, 2, 3]
            assert copper.volts(1) == 0.0
            await copper.close()

    asyncio.run(scenario())
