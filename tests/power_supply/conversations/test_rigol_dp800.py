"""The Rigol DP800: channels as suffix and as argument, ON and OFF, YES and NO."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.equipment.power_supply.models import dialect_answering
from hil.errors import ConfigError, UsageError
from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    Told,
    does,
    output_volts,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import (
    a_queued_error,
    check_all,
    on_the_line,
    opened,
)


def on_off(name: str) -> Told:
    return lambda state: "ON" if state[name] else "OFF"


def yes_no(name: str) -> Told:
    return lambda state: "YES" if state[name] else "NO"


def _other(n: int) -> list[Phrase]:
    return [
        does(f":OUTP CH{n},OFF"),
        says(f":OUTP? CH{n}", "OFF"),
        says(f":MEAS:ALL? CH{n}", "0.0010,0.0000,0.000"),
    ]


def manual(model: str, identity: str, others: tuple[int, ...]) -> Manual:
    return Manual(
        model=model,
        identity=identity,
        state={
            "on": True, "volts": 0.0, "amps": 3.0, "ovp": 8.8, "ocp": 5.5, "ovp_on": False,
            "ocp_on": False, "ovp_trip": False, "ocp_trip": False, "timer": False,
        },
        phrases=[
            says("*IDN?", identity),
            does("*CLS"),
            does(":SYST:REM"),
            does(":SYST:LOC"),
            does(":SYST:RWL"),
            says(":SYST:ERR?", '0,"No error"'),
            sets(":SOUR1:VOLT <x>", "volts"),
            tells(":SOUR1:VOLT?", "volts", "{:.3f}"),
            sets(":SOUR1:CURR <x>", "amps"),
            tells(":SOUR1:CURR?", "amps", "{:.4f}"),
            does(":OUTP CH1,ON", on=True),
            does(":OUTP CH1,OFF", on=False),
            tells(":OUTP? CH1", on_off("on")),
            tells(":MEAS:ALL? CH1", lambda state: f"{output_volts(state):.4f},0.0000,0.000"),
            sets(":OUTP:OVP:VAL CH1,<x>", "ovp"),
            tells(":OUTP:OVP:VAL? CH1", "ovp", "{:.3f}"),
            does(":OUTP:OVP CH1,ON", ovp_on=True),
            tells(":OUTP:OVP? CH1", on_off("ovp_on")),
            tells(":OUTP:OVP:QUES? CH1", yes_no("ovp_trip")),
            does(":OUTP:OVP:CLEAR CH1", ovp_trip=False),
            sets(":OUTP:OCP:VAL CH1,<x>", "ocp"),
            tells(":OUTP:OCP:VAL? CH1", "ocp", "{:.4f}"),
            does(":OUTP:OCP CH1,ON", ocp_on=True),
            tells(":OUTP:OCP? CH1", on_off("ocp_on")),
            tells(":OUTP:OCP:QUES? CH1", yes_no("ocp_trip")),
            does(":OUTP:OCP:CLEAR CH1", ocp_trip=False),
            tells(":STAT:QUES:INST:ISUM1:COND?", lambda state: 2 if state["on"] else 0),
            does(":INST CH1;:TIME:PARA 0,1.000,0.500,2"),
            does(":INST CH1;:TIME:PARA 1,2.000,0.500,1"),
            does(":INST CH1;:TIME:GROUP 2"),
            does(":INST CH1;:TIME:CYCLE N,1"),
            does(":INST CH1;:TIME:ENDS LAST"),
            does(":INST CH1;:TIME ON", timer=True),
            does(":INST CH1;:TIME OFF", timer=False),
            tells(":INST CH1;:TIME?", on_off("timer")),
            says(":OUTP:SENS? CH1", "NONE"),
            *(one for n in others for one in _other(n)),
        ],
        sets=[
            ":OUTP:OVP:VAL CH1,5.500",
            ":OUTP:OVP CH1,ON",
            ":OUTP:OCP:VAL CH1,1.050",
            ":OUTP:OCP CH1,ON",
            ":SOUR1:CURR 0.500",
            ":SOUR1:VOLT 3.300",
            ":OUTP CH1,ON",
        ],
        trip={"ovp_trip": True, "ocp_trip": True},
        told=["OVP", "OCP"],
        clears=[":OUTP:OVP:CLEAR CH1", ":OUTP:OCP:CLEAR CH1"],
        measured=":MEAS:ALL? CH1",
        no_value=b"9.91E37,0.0000,0.000",
    )  # fmt: skip


DP832 = manual("DP832", "RIGOL TECHNOLOGIES,DP832,DP8C194205678,00.01.14", (2, 3))
DP831 = manual("DP831", "RIGOL TECHNOLOGIES,DP831A,DP8B1,00.01.16", (2, 3))
DP821 = manual("DP821", "RIGOL TECHNOLOGIES,DP821,DP8D1,00.01.16", (2,))
DP811 = manual("DP811", "RIGOL TECHNOLOGIES,DP811A,DP8A1,00.01.16", ())


@pytest.mark.parametrize("one", [DP832, DP831, DP821, DP811], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_a_queued_error() -> None:
    a_queued_error(DP832, ":SYST:ERR?", '-222,"Data out of range"', -222)


def test_the_a_models_are_told_apart_by_family() -> None:
    found = dialect_answering("RIGOL TECHNOLOGIES,DP832A,DP8A1,00.01.16")
    assert found is not None
    assert found.model == "DP832"
    assert dialect_answering("RIGOL TECHNOLOGIES,DP833,X,1") is None


def test_trips_in_the_words_of_the_sibling_family() -> None:
    def one_zero(message: str, reply: bytes) -> bytes:
        return {b"YES\n": b"1\n", b"NO\n": b"0\n"}.get(reply, reply) if "QUES" in message else reply

    with opened(DP832) as (supply, instrument):
        instrument.garble = one_zero
        instrument.state["ovp_trip"] = True
        assert supply.channel(1).status().trips == ("OVP",)


def test_the_negative_output_carries_no_cable() -> None:
    with on_the_line(DP831) as (line, _), pytest.raises(ConfigError, match="negative output"):
        PowerSupply.open(line.resource, model="DP831", limits={3: CableLimits(5, 1, 6, 1.2)})


def test_its_timer_plays_whole_seconds() -> None:
    with opened(DP832) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(1.0, 0.5)
        channel.on()
        sequencer = channel.sequencer
        assert sequencer is not None
        with pytest.raises(UsageError, match="host time it"):
            sequencer.play([(1.0, 0.5, 0.5)])
        sequencer.play([(1.0, 0.5, 2.0), (2.0, 0.5, 1.0)])
        assert sequencer.playing()
        sequencer.stop()
        assert not sequencer.playing()
        assert instrument.strangers == []


def test_panel_and_sense() -> None:
    with opened(DP832) as (supply, instrument):
        supply.lock_panel()
        assert ":SYST:RWL" in instrument.heard
        assert supply.channel(1).remote_sense() is False
    assert ":SYST:LOC" in instrument.heard
