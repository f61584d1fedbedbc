"""The cable between supply and device, with and without remote sense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.virtual.copper import Copper
from hil.virtual.electrical import Drive, Load, Stage, plan, volts_at
from hil.virtual.power_supply.cable import Cable
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.sense import Leads
from tests.power_supply.part import Part, start_part
from tests.virtual_power_supply.conftest import TestClock

Tell = Callable[[str], str]


def settled(
    tell: Tell, clock: TestClock, supply: Instrument, cable: Cable, far: Load, *, volts: float = 4.0
) -> tuple[float, float]:
    """Return volts at the terminals and at the device, once they stand."""
    output = supply.outputs[1]
    output.wire(clock.now_ns, cable)
    output.connect(clock.now_ns, far)
    tell(f"VOLT {volts};:CURR 2;:OUTP ON")
    clock.forward(2)
    output.advance(clock.now_ns)
    return output.true_volts(clock.now_ns), output.far_volts(clock.now_ns)


def test_the_device_sees_less_by_the_drop_of_its_current(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    near, far = settled(tell, clock, keysight, Cable(0.5), Load(7.5))
    assert near == pytest.approx(4.0, abs=0.005)
    amps = near / 8.0
    assert far == pytest.approx(near - 0.5 * amps)
    assert float(tell("MEAS:CURR?")) == pytest.approx(amps, abs=0.004)
    assert float(tell("MEAS:VOLT?")) == pytest.approx(near, abs=0.006), "read at the terminals"


def test_remote_sense_makes_up_for_the_drop(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    tell("VOLT:SENS EXT")
    near, far = settled(tell, clock, keysight, Cable(0.5), Load(7.5))
    assert far == pytest.approx(4.0, abs=0.005)
    assert near == pytest.approx(4.0 + 0.5 * 4.0 / 7.5, abs=0.005)
    assert float(tell("MEAS:VOLT?")) == pytest.approx(far, abs=0.006), "read at the sense leads"


def test_remote_sense_ends_at_what_it_can_make_up_for(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    tell("VOLT:SENS EXT")
    near, far = settled(tell, clock, keysight, Cable(2.0), Load(4.0))
    assert near == pytest.approx(5.0, abs=0.005), "1 V above the set point, no more"
    assert far == pytest.approx(near * 4 / 6)


def test_open_and_crossed_sense_leads(tell: Tell, clock: TestClock, keysight: Instrument) -> None:
    tell("VOLT:SENS EXT;:VOLT:PROT 5;PROT:STAT ON")
    settled(tell, clock, keysight, Cable(0.5), Load(7.5))
    output = keysight.outputs[1]
    output.wire(clock.now_ns, Cable(0.5), Leads.OPEN)
    clock.forward(1)
    assert output.true_volts(clock.now_ns) == pytest.approx(4.0, abs=0.005)
    assert tell("VOLT:PROT:TRIP?") == "0"
    output.wire(clock.now_ns, Cable(0.5), Leads.CROSSED)
    clock.forward(1)
    assert tell("VOLT:PROT:TRIP?;:OUTP?") == "1;0", "it drives up until OVP ends it"


def test_swapped_and_broken_leads(tell: Tell, clock: TestClock, keysight: Instrument) -> None:
    near, far = settled(tell, clock, keysight, Cable(0.5, crossed=True), Load(7.5))
    assert far == pytest.approx(-near * 7.5 / 8)
    near, far = settled(tell, clock, keysight, Cable(0.5, cut=True), Load(7.5))
    assert near == pytest.approx(4.0, abs=0.005)
    assert far == 0.0
    assert keysight.outputs[1].true_amps(clock.now_ns) == 0.0
    _, far = settled(tell, clock, keysight, Cable(0.5, cut=True), Load(7.5, emf=1.5))
    assert far == 1.5, "the device's own source alone"


def test_a_feed_from_the_far_end_comes_through_the_cable(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    near, far = settled(tell, clock, keysight, Cable(1.0), Load(9.0, emf=6.0), volts=3.0)
    assert near == pytest.approx(6.0 - 0.1 * 10.0), "the sink takes 0.1 A"
    assert far == pytest.approx(6.0 - 0.1 * 9.0)


def test_without_a_load_both_ends_are_one(
    tell: Tell, clock: TestClock, keysight: Instrument
) -> None:
    near, far = settled(tell, clock, keysight, Cable(5.0), Load())
    assert near == far


def test_the_copper_carries_what_the_far_end_sees() -> None:
    async def scenario(part: Part) -> None:
        copper = await Copper.connect(part.copper)
        copper.set_load(1, 3.5)
        deadline = time.monotonic() + 10
        while abs((state := part.channel(1))["volts"] - 4.0) > 0.05 or state["amps"] < 0.9:
            assert time.monotonic() < deadline, state
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert copper.volts(1) == pytest.approx(state["volts"] * 3.5 / 4.0, abs=0.02)
        assert copper.volts(1) == pytest.approx(state["device_volts"], abs=0.02)
        assert copper.amps(1) == pytest.approx(state["amps"], abs=0.01)
        await copper.close()

    with start_part("--cable", "1=0.5") as part:
        part.control({"panel": {"1": {"volts": 4.0, "amps": 3.0, "on": True}}})
        asyncio.run(scenario(part))


STAGE = Stage(farads=1e-3, sink_amps=0.07, slew_v_s=500.0)


@settings(deadline=None)
@given(
    ohms=st.floats(0, 20),
    far_ohms=st.floats(0.5, 1e6),
    emf=st.floats(0, 10),
    crossed=st.booleans(),
    volts=st.floats(0, 30),
    v0=st.floats(0, 30),
)
def test_the_law_at_the_device_is_the_law_at_the_terminals_less_the_drop(  # noqa: PLR0917
    ohms: float, far_ohms: float, emf: float, crossed: bool, volts: float, v0: float
) -> None:
    cable, far = Cable(ohms, crossed=crossed), Load(far_ohms, emf)
    near = plan(STAGE, Drive(volts, 1.0), cable.seen_from_terminals(far), v0, 0)
    device = cable.law_at_device(near, far)
    for at in range(0, 100_000_000, 5_000_000):
        terminals = volts_at(near, at)
        # What flows through the device flows through both leads (swapped ones the other way).
        sign = -1 if crossed else 1
        amps = (sign * terminals - far.emf) / (far_ohms + ohms)
        assert volts_at(device, at) == pytest.approx(
            sign * terminals - amps * ohms, abs=1e-6 * (1 + abs(terminals) + emf)
        )
        assert volts_at(device, at) == pytest.approx(
            cable.at_device(terminals, far), abs=1e-6 * (1 + abs(terminals) + emf)
        )
