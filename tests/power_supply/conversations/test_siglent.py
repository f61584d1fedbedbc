"""SPD3303X: no output query but a hex word, no protections. SPD1168X: the same with one channel."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply import CableLimits, InstrumentError, PowerSupply
from hil.errors import ConfigError
from tests.power_supply.conversations.scripted import (
    Manual,
    State,
    does,
    output_volts,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import (
    check_all,
    on_the_line,
    opened,
)


def spd3303x_word(state: State) -> str:
    return f"0x{0x04 | 0x10 * state['on'] | state['cc'] | 0x40 * state['timer']:04x}"


def spd1168x_word(state: State) -> str:
    return f"0x{state['cc'] | 0x10 * state['on'] | 0x20 * state['four']:02x}"


STATE = {"on": True, "volts": 12.0, "amps": 1.0, "cc": 0, "timer": 0, "four": 0}
CHANNEL_1 = [
    does("*UNLOCK"),
    does("*LOCK"),
    says("SYST:ERR?", "0 No Error"),
    sets("CH1:VOLT <x>", "volts"),
    tells("CH1:VOLT?", "volts", "{:.3f}"),
    sets("CH1:CURR <x>", "amps"),
    tells("CH1:CURR?", "amps", "{:.3f}"),
    does("OUTP CH1,ON", on=True),
    does("OUTP CH1,OFF", on=False),
    tells("MEAS:VOLT? CH1", output_volts, "{:.3f}"),
    says("MEAS:CURR? CH1", "0.001"),
]
SETS = ["CH1:CURR 0.500", "CH1:VOLT 3.300", "OUTP CH1,ON"]

SPD3303X = Manual(
    model="SPD3303X",
    identity="Siglent Technologies,SPD3303X,SPD3XGB150111,1.01.01.01.02,V3.0",
    state=STATE,
    phrases=[
        says("*IDN?", "Siglent Technologies,SPD3303X,SPD3XGB150111,1.01.01.01.02,V3.0"),
        *CHANNEL_1,
        tells("SYST:STAT?", spd3303x_word),
        does("OUTP CH2,OFF"),
        says("MEAS:VOLT? CH2", "0.001"),
        says("MEAS:CURR? CH2", "0.000"),
        does("OUTP CH3,OFF", third_off=True),
        does("TIME:SET CH1,1,1.000,0.500,2"),
        does("TIME:SET CH1,2,2.000,0.500,1"),
        does("TIME CH1,ON", timer=1),
        does("TIME CH1,OFF", timer=0),
    ],
    sets=SETS,
    trip={},
    told=[],
    clears=[],
    measured="MEAS:VOLT? CH1",
)

SPD1168X = Manual(
    model="SPD1168X",
    identity="Siglent Technologies,SPD1168X,SPD13DCX4R0001,2.1.1.9,V1.0",
    state=STATE,
    phrases=[
        says("*IDN?", "Siglent Technologies,SPD1168X,SPD13DCX4R0001,2.1.1.9,V1.0"),
        *CHANNEL_1,
        tells("SYST:STAT?", spd1168x_word),
        does("MODE:SET 4W", four=1),
        does("MODE:SET 2W", four=0),
    ],
    sets=SETS,
    trip={},
    told=[],
    clears=[],
    measured="MEAS:VOLT? CH1",
)


@pytest.mark.parametrize("one", [SPD3303X, SPD1168X], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_a_queued_error_without_comma_and_quotes() -> None:
    def garble(message: str, reply: bytes) -> bytes:
        if message == "SYST:ERR?" and "CH1:CURR 0.500" in instrument.heard and not told:
            told.append(message)
            return b"-222 Data out of range\n"
        return reply

    told: list[str] = []
    with opened(SPD3303X) as (supply, instrument):
        instrument.garble = garble
        supply.channel(1).protect()
        with pytest.raises(InstrumentError, match="Data out of range"):
            supply.channel(1).apply(3.3, 0.5)


def test_the_third_output_is_told_to_go_off_too() -> None:
    with opened(SPD3303X) as (_, instrument):
        assert instrument.state["third_off"]


def test_constant_current_is_a_bit_of_the_word() -> None:
    with opened(SPD3303X) as (supply, instrument):
        instrument.state.update(on=True, cc=1)
        assert supply.channel(1).status().regulation == "current"
        instrument.state.update(on=False)


def test_one_register_is_asked_once_a_status() -> None:
    with opened(SPD3303X) as (supply, instrument):
        before = len(instrument.heard)
        supply.channel(1).status()
        assert instrument.heard[before:].count("SYST:STAT?") == 1


def test_its_protections_must_be_waived() -> None:
    cable = CableLimits(5, 1, 5.5, None, without_ocp="fuse")
    with on_the_line(SPD3303X) as (line, _), pytest.raises(ConfigError, match="has no OVP"):
        PowerSupply.open(line.resource, model="SPD3303X", limits={1: cable})


def test_its_timer() -> None:
    with opened(SPD3303X) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(1.0, 0.5)
        channel.on()
        sequencer = channel.sequencer
        assert sequencer is not None
        sequencer.play([(1.0, 0.5, 2.0), (2.0, 0.5, 1.0)])
        assert sequencer.playing()
        sequencer.stop()
        assert instrument.strangers == []


def test_four_wires() -> None:
    with opened(SPD1168X) as (supply, instrument):
        channel = supply.channel(1)
        assert channel.remote_sense() is False
        channel.set_remote_sense(True)
        assert channel.remote_sense() is True
        supply.lock_panel()
    assert instrument.heard[-2] == "*UNLOCK"
