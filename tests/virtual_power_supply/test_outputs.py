from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.virtual.electrical import Load
from hil.virtual.power_supply.dp832 import dp832
from hil.virtual.power_supply.instrument import Instrument
from tests.virtual_power_supply.conftest import TestClock

Say = Callable[[str], str]


def truth(supply: Instrument, clock: TestClock, channel: int = 1) -> float:
    output = supply.outputs[channel]
    output.advance(clock.now_ns)
    return output.true_volts(clock.now_ns)


def test_opc_answers_before_the_output_has_settled(
    say: Say, supply: Instrument, clock: TestClock
) -> None:
    say("VOLT 5;:OUTP ON")
    assert say("*OPC?") == "1"
    assert truth(supply, clock) == 0.0
    clock.forward(0.004)
    assert 1.0 < truth(supply, clock) < 4.0
    clock.forward(0.1)
    assert truth(supply, clock) == pytest.approx(5.0, abs=0.025)


def test_unloaded_fall_is_slow_and_a_load_makes_it_fast(
    say: Say, supply: Instrument, clock: TestClock
) -> None:
    def settle_then_off(load: Load) -> float:
        supply.outputs[1].connect(clock.now_ns, load)
        say("VOLT 25;:OUTP ON")
        clock.forward(1)
        say("OUTP OFF")
        clock.forward(0.02)
        return truth(supply, clock)

    assert settle_then_off(Load()) == pytest.approx(25 - 61.9 * 0.02, abs=0.05)
    clock.forward(1)
    assert truth(supply, clock) == 0.0
    assert settle_then_off(Load(25.0)) < 12.5


def test_current_limit_rules_a_heavy_load(say: Say, supply: Instrument, clock: TestClock) -> None:
    supply.outputs[1].connect(clock.now_ns, Load(5.0))
    say("VOLT 5;:CURR 0.4;:OUTP ON")
    clock.forward(1)
    volts, amps, watts = map(float, say("MEAS:ALL?").split(","))
    assert amps == pytest.approx(0.4, abs=0.002 * 0.4 + 0.010 + 0.005 + 0.002)
    assert volts == pytest.approx(2.0, abs=0.1)
    assert watts == pytest.approx(volts * amps, abs=0.001)
    assert say("OUTP:MODE?") == "CC"
    assert say("STAT:QUES:INST:ISUM1:COND?") == "1"


@pytest.mark.parametrize("seed", range(20))
def test_readback_and_programming_stay_within_the_data_sheet(seed: int) -> None:
    clock = TestClock()
    supply = dp832("X", seed=seed, clock=clock)
    supply.outputs[2].connect(clock.now_ns, Load(10.0))
    supply.execute(b"APPL CH2,5,1;:OUTP CH2,ON")
    clock.forward(1)
    true_volts = supply.outputs[2].true_volts(clock.now_ns)
    true_amps = supply.outputs[2].true_amps(clock.now_ns)
    assert abs(true_volts - 5) <= 0.0005 * 5 + 0.020
    readings = [supply.execute(b"MEAS:ALL? CH2").split(",") for _ in range(20)]
    for volts, amps, _ in readings:
        assert abs(float(volts) - true_volts) <= 0.0005 * 5 + 0.010 + 0.0015
        assert abs(float(amps) - true_amps) <= 0.0015 * 0.5 + 0.005 + 0.0015


def test_the_same_seed_reads_the_same_and_another_one_does_not() -> None:
    def readings(seed: int) -> list[str]:
        clock = TestClock()
        supply = dp832("X", seed=seed, clock=clock)
        supply.execute(b"APPL CH1,3.3,1;:OUTP CH1,ON")
        clock.forward(1)
        return [supply.execute(b"MEAS:VOLT? CH1") for _ in range(20)]

    assert readings(3) == readings(3)
    assert readings(3) != readings(4)
    assert len(set(readings(3))) > 1, "there is noise"


def test_ovp_trips_after_its_reaction_time_and_latches(
    say: Say, supply: Instrument, clock: TestClock
) -> None:
    say("VOLT 3.3;VOLT:PROT 4;PROT:STAT ON;:OUTP ON")
    clock.forward(0.1)
    # Something feeds back 4.5 V, more than the sink can take: the set point is still 3.3 V.
    supply.outputs[1].connect(clock.now_ns, Load(1.0, emf=4.6))
    rose = clock.now_ns
    for _ in range(10_000):
        if say("OUTP?") == "OFF":
            break
        clock.forward(0.0001)
    assert 0.0015 <= (clock.now_ns - rose) / 1e9 <= 0.010
    assert say("OUTP:OVP:QUES?") == "YES"
    assert say("SOUR1:VOLT:PROT:TRIP?") == "YES"
    assert say("STAT:QUES:INST:ISUM1:COND?") == "4"

    say("OUTP ON")
    assert say("SYST:ERR?").startswith("-221")
    assert say("OUTP?") == "OFF"
    supply.outputs[1].connect(clock.now_ns, Load())
    say("OUTP:OVP:CLEAR CH1")
    assert say("OUTP:OVP:QUES? CH1;:OUTP?") == "NO;OFF", "clearing does not switch on"
    say("OUTP ON")
    assert say("OUTP?;:SYST:ERR?") == 'ON;0,"No error"'


def test_a_voltage_over_the_level_for_less_than_the_reaction_time_does_not_trip(
    say: Say, supply: Instrument, clock: TestClock
) -> None:
    say("VOLT 3.3;VOLT:PROT 4;PROT:STAT ON;:OUTP ON")
    clock.forward(0.1)
    supply.outputs[1].connect(clock.now_ns, Load(0.01, emf=5.0))
    clock.forward(0.001)
    assert truth(supply, clock) > 4.0
    supply.outputs[1].connect(clock.now_ns, Load(0.01, emf=3.0))
    clock.forward(1)
    assert say("OUTP?;:OUTP:OVP:QUES?") == "ON;NO"


def test_setting_above_the_ovp_level_is_accepted_and_trips(say: Say, clock: TestClock) -> None:
    say("VOLT:PROT 4;PROT:STAT ON;:OUTP ON;:VOLT 5")
    assert say("SYST:ERR?") == '0,"No error"'
    clock.forward(0.1)
    assert say("OUTP?;:OUTP:OVP:QUES?;:VOLT?") == "OFF;YES;5.000"


def test_ocp_trips_only_above_its_level(say: Say, supply: Instrument, clock: TestClock) -> None:
    say("VOLT 5;:CURR 1;:CURR:PROT 0.5;:CURR:PROT:STAT ON;:OUTP ON")
    supply.outputs[1].connect(clock.now_ns, Load(12.0))
    clock.forward(1)
    assert say("OUTP?;:OUTP:OCP:QUES?") == "ON;NO"
    supply.outputs[1].connect(clock.now_ns, Load(8.0))
    clock.forward(0.005)
    assert say("OUTP?") == "ON", "not before its reaction time"
    clock.forward(0.005)
    assert say("OUTP?;:OUTP:OCP:QUES?;:OUTP:OVP:QUES?") == "OFF;YES;NO"
    assert truth(supply, clock) < 5


def test_a_protection_that_does_not_watch_does_not_trip(say: Say, clock: TestClock) -> None:
    say("VOLT 5;VOLT:PROT 4;:OUTP ON")
    clock.forward(1)
    assert say("OUTP?;:OUTP:OVP:QUES?") == "ON;NO"
    say("VOLT:PROT:STAT ON")
    clock.forward(0.01)
    assert say("OUTP?;:OUTP:OVP:QUES?") == "OFF;YES"


def test_a_stuck_output_acknowledges_and_stays(
    say: Say, supply: Instrument, clock: TestClock
) -> None:
    say("VOLT 5;:OUTP ON")
    clock.forward(1)
    supply.outputs[1].stick(clock.now_ns, True)
    say("OUTP OFF")
    clock.forward(1)
    assert say("OUTP?") == "OFF"
    assert float(say("MEAS:VOLT?")) > 4.9
