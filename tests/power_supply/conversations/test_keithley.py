"""2230G: enabled channels behind a master, several commands a message. 2281S: trips by name."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply import TripError
from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    State,
    does,
    joined,
    output_volts,
    phrase,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import a_queued_error, check_all, opened


def both(**changes: int) -> object:
    def act(state: State, _match: object) -> None:
        state.update(changes)
        state["on"] = bool(state["enabled"] and state["master"])

    return act


def _master(n: int) -> list[Phrase]:
    return joined(
        f"INST:SEL CH{n}",
        phrase("OUTP 0", both(master=0)),  # type: ignore[arg-type]
        phrase("OUTP 1", both(master=1)),  # type: ignore[arg-type]
        tells("OUTP?", "master"),
    )


def _resting(n: int) -> list[Phrase]:
    return [
        *_master(n),
        *joined(
            f"INST:SEL CH{n}",
            does("SOUR:OUTP:ENAB 0"),
            says("SOUR:OUTP:ENAB?", "0"),
            says("MEAS:VOLT?", "0.001"),
            says("MEAS:CURR?", "0.000"),
        ),
    ]


K2230G = Manual(
    model="2230G-30-6",
    identity="Keithley instruments, 2230G-30-6, 9104325, 1.04-1.06",
    state={"enabled": 1, "master": 1, "on": True, "volts": 12.0, "amps": 1.0, "ovp": 31.0},
    phrases=[
        says("*IDN?", "Keithley instruments, 2230G-30-6, 9104325, 1.04-1.06"),
        does("*CLS"),
        does("SYST:REM"),
        does("SYST:LOC"),
        says("SYST:ERR?", '0,"No error"'),
        *_master(1),
        *joined(
            "INST:SEL CH1",
            sets("VOLT <x>", "volts"),
            tells("VOLT?", "volts", "{:.3f}"),
            sets("CURR <x>", "amps"),
            tells("CURR?", "amps", "{:.3f}"),
            phrase("SOUR:OUTP:ENAB 1", both(enabled=1)),  # type: ignore[arg-type]
            phrase("SOUR:OUTP:ENAB 0", both(enabled=0)),  # type: ignore[arg-type]
            tells("SOUR:OUTP:ENAB?", "enabled"),
            tells("MEAS:VOLT?", output_volts, "{:.3f}"),
            says("MEAS:CURR?", "0.001"),
            sets("VOLT:PROT <x>", "ovp"),
            tells("VOLT:PROT?", "ovp", "{:.3f}"),
            does("OUTP:PROT:CLE"),
        ),
        *_resting(2),
        *_resting(3),
    ],
    sets=[
        "INST:SEL CH1;:VOLT:PROT 5.500",
        "INST:SEL CH1;:CURR 0.500",
        "INST:SEL CH1;:VOLT 3.300",
        "INST:SEL CH1;:SOUR:OUTP:ENAB 1",
        "INST:SEL CH1;:OUTP 1",
    ],
    trip={"enabled": 0},
    told=[],
    clears=["INST:SEL CH1;:OUTP:PROT:CLE"],
    measured="INST:SEL CH1;:MEAS:VOLT?",
)


def concurrent(state: State) -> str:
    return f"+1.000000E-04A,{output_volts(state):+.6E}V,+1.234000E+00s"


K2281S = Manual(
    model="2281S-20-6",
    identity="KEITHLEY INSTRUMENTS,MODEL 2281S-20-6,4032069,01.08b",
    state={"on": True, "volts": 0.0, "amps": 0.1, "ovp": 21.0, "ocp": 6.2, "trip": "NONE"},
    phrases=[
        says("*IDN?", "KEITHLEY INSTRUMENTS,MODEL 2281S-20-6,4032069,01.08b"),
        does("*CLS"),
        does(":SYST:LOC"),
        says(":SYST:ERR?", '0,"No error"'),
        sets(":VOLT <x>", "volts"),
        tells(":VOLT?", "volts", "{:+.6E}"),
        sets(":CURR <x>", "amps"),
        tells(":CURR?", "amps", "{:+.6E}"),
        does(":OUTP:STAT ON", on=True),
        does(":OUTP:STAT OFF", on=False),
        tells(":OUTP:STAT?", lambda state: int(state["on"])),
        tells(":MEAS:CONC?", concurrent),
        sets(":VOLT:PROT <x>", "ovp"),
        tells(":VOLT:PROT?", "ovp", "{:+.6E}"),
        sets(":CURR:PROT <x>", "ocp"),
        tells(":CURR:PROT?", "ocp", "{:+.6E}"),
        tells(":OUTP:PROT:TRIP? CH1", "trip"),
        does(":OUTP:PROT:CLE", trip="NONE"),
    ],
    sets=[":VOLT:PROT 5.500", ":CURR:PROT 1.050", ":CURR 0.500", ":VOLT 3.300", ":OUTP:STAT ON"],
    trip={"trip": "OVP"},
    told=["OVP"],
    clears=[":OUTP:PROT:CLE"],
    measured=":MEAS:CONC?",
    no_value=b"9.91E37A,9.91E37V,0.000000E+00s",
)


@pytest.mark.parametrize("one", [K2230G, K2281S], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_a_queued_error() -> None:
    a_queued_error(K2281S, ":SYST:ERR?", '-222,"Parameter data out of range"', -222)


@pytest.mark.parametrize("word", ["OTP", "RVS", "OPS"])
def test_every_trip_has_its_name(word: str) -> None:
    with opened(K2281S) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        instrument.state["trip"] = word
        assert channel.status().other_trips == (word,)
        with pytest.raises(TripError, match=word):
            channel.on()


def test_a_trip_that_cannot_be_asked_shows_in_the_output() -> None:
    with opened(K2230G) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)

        def trip_at_once(message: str, reply: bytes) -> bytes:
            if message.endswith("MEAS:VOLT?") and instrument.state["on"]:
                instrument.state.update(enabled=0, on=False)
                return b"0.001\n"
            return reply

        instrument.garble = trip_at_once
        with pytest.raises(TripError, match="went off by itself"):
            channel.on(settle_timeout_s=0.2)
