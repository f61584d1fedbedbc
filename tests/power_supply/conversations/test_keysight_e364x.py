"""E3632A: clearing restores the output. E3631A: all outputs together, no protection. RS-232."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.errors import ConfigError
from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    does,
    joined,
    output_volts,
    phrase,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import (
    a_queued_error,
    check_all,
    limits_for,
    on_the_line,
    opened,
)

NR3 = "{:+.8E}"
COMMON = [does("*CLS"), says("SYST:ERR?", '+0,"No error"')]
SETTINGS = [
    sets("VOLT <x>", "volts"),
    tells("VOLT?", "volts", NR3),
    sets("CURR <x>", "amps"),
    tells("CURR?", "amps", NR3),
    does("OUTP ON", on=True, before=True),
    does("OUTP OFF", on=False, before=False),
    tells("OUTP?", lambda state: int(state["on"])),
    tells("MEAS:VOLT?", output_volts, NR3),
    says("MEAS:CURR?", "+1.23456780E-04"),
]


def restore(state: dict[str, object], _match: object) -> None:
    """Clear the trip, and switch on again what was on before it: so this model does."""
    state.update(ovp_trip=0, on=state["before"])


OVP = [
    sets("VOLT:PROT <x>", "ovp"),
    tells("VOLT:PROT?", "ovp", NR3),
    does("VOLT:PROT:STAT ON", ovp_on=1),
    tells("VOLT:PROT:STAT?", "ovp_on"),
    tells("VOLT:PROT:TRIP?", "ovp_trip"),
    phrase("VOLT:PROT:CLE", restore),
]


E3632A = Manual(
    model="E3632A",
    identity="HEWLETT-PACKARD,E3632A,0,1.1-5.0-1.0",
    state={
        "on": True, "before": True, "volts": 0.0, "amps": 7.0, "ovp": 32.0, "ocp": 7.5,
        "ovp_on": 1, "ocp_on": 1, "ovp_trip": 0, "ocp_trip": 0,
    },
    phrases=[
        says("*IDN?", "HEWLETT-PACKARD,E3632A,0,1.1-5.0-1.0"),
        *COMMON,
        *SETTINGS,
        *OVP,
        sets("CURR:PROT <x>", "ocp"),
        tells("CURR:PROT?", "ocp", NR3),
        does("CURR:PROT:STAT ON", ocp_on=1),
        tells("CURR:PROT:STAT?", "ocp_on"),
        tells("CURR:PROT:TRIP?", "ocp_trip"),
        does("CURR:PROT:CLE", ocp_trip=0),
        tells("STAT:QUES:COND?", lambda state: 2 if state["on"] else 0, "{:+d}"),
    ],
    sets=[
        "VOLT:PROT 5.500",
        "CURR 1.000",  # an OCP level below the set point would trip at once
        "CURR:PROT 1.050",
        "CURR 0.500",
        "VOLT 3.300",
        "OUTP ON",
    ],
    trip={"ovp_trip": 1},
    told=["OVP"],
    clears=["VOLT:PROT:CLE", "CURR:PROT:CLE"],
    measured="MEAS:VOLT?",
)  # fmt: skip


def _together(outputs: tuple[int, ...]) -> list[Phrase]:
    """Return the phrases of a model whose outputs go together: 1 is used, the others rest."""
    off = [
        does("VOLT 0.000"),
        says("VOLT?", "+0.00000000E+00"),
        does("OUTP OFF", on=False),
        tells("OUTP?", lambda state: int(state["on"])),
        says("MEAS:VOLT?", "-1.00000000E-03"),
        says("MEAS:CURR?", "+0.00000000E+00"),
    ]
    condition = tells("STAT:QUES:INST:ISUM1:COND?", lambda state: 2 if state["on"] else 0, "{:+d}")
    return [
        *COMMON,
        *joined("INST:NSEL 1", *SETTINGS, condition),
        *(one for n in outputs for one in joined(f"INST:NSEL {n}", *off)),
    ]


E3631A = Manual(
    model="E3631A",
    identity="HEWLETT-PACKARD,E3631A,0,2.1-5.0-1.0",
    state={"on": True, "before": True, "volts": 0.0, "amps": 5.0},
    phrases=[says("*IDN?", "HEWLETT-PACKARD,E3631A,0,2.1-5.0-1.0"), *_together((2, 3))],
    sets=[
        "INST:NSEL 1;:CURR 0.500",
        "INST:NSEL 1;:VOLT 3.300",
        "INST:NSEL 1;:OUTP ON",
    ],
    trip={},
    told=[],
    clears=[],
    measured="INST:NSEL 1;:MEAS:VOLT?",
)
E3646A = Manual(
    model="E3646A",
    identity="Agilent Technologies,E3646A,0,1.7-5.0-1.0",
    state={**E3631A.state, "ovp": 22.0, "ovp_on": 1, "ovp_trip": 0},
    phrases=[
        says("*IDN?", "Agilent Technologies,E3646A,0,1.7-5.0-1.0"),
        *_together((2,)),
        *joined("INST:NSEL 1", *OVP),
    ],
    sets=["INST:NSEL 1;:VOLT:PROT 5.500", *E3631A.sets],
    trip={"ovp_trip": 1},
    told=["OVP"],
    clears=["INST:NSEL 1;:VOLT:PROT:CLE"],
    measured="INST:NSEL 1;:MEAS:VOLT?",
)


@pytest.mark.parametrize("one", [E3632A, E3631A, E3646A], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_a_queued_error() -> None:
    a_queued_error(E3632A, "SYST:ERR?", '-222,"Data out of range"', -222)


def test_clearing_a_trip_lets_nothing_out() -> None:
    """What the model restores is off and at 0 V by then."""
    with opened(E3632A) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        channel.on()
        instrument.state.update(ovp_trip=1, on=False)
        before = len(instrument.heard)
        channel.clear_trip()
        said = [text for text in instrument.heard[before:] if "?" not in text]
        assert said.index("OUTP OFF") < said.index("VOLT 0.000") < said.index("VOLT:PROT:CLE")
        assert not instrument.state["on"]


def test_an_output_that_clearing_restored_goes_off_again() -> None:
    with opened(E3632A) as (supply, instrument):
        instrument.state.update(ovp_trip=1, on=False)
        instrument.phrases = [
            does("VOLT:PROT:CLE", ovp_trip=0, on=True),
            *instrument.phrases,
        ]
        supply.channel(1).clear_trip()
        assert not instrument.state["on"]


def test_outputs_that_go_together_take_one_cable() -> None:
    cable = limits_for(E3631A)
    with on_the_line(E3631A) as (line, _), pytest.raises(ConfigError, match="together"):
        PowerSupply.open(line.resource, model="E3631A", limits={1: cable, 2: cable})


def test_the_others_are_at_0_volts_when_all_go_on() -> None:
    with opened(E3631A) as (supply, instrument):
        channel = supply.channel(1)
        instrument.garble = lambda message, reply: (
            b"+1.20000000E+01\n"
            if message == "INST:NSEL 2;:VOLT?" and "INST:NSEL 2;:VOLT 0.000" not in instrument.heard
            else reply
        )
        channel.protect()
        channel.apply(3.3, 0.5)
        channel.on()
        assert instrument.heard.index("INST:NSEL 2;:VOLT 0.000") < instrument.heard.index(
            "INST:NSEL 1;:OUTP ON"
        )


def test_what_it_lacks_must_be_waived() -> None:
    with (
        on_the_line(E3631A) as (line, _),
        pytest.raises(ConfigError, match=r"has no OVP.*without_ovp"),
    ):
        PowerSupply.open(line.resource, model="E3631A", limits={1: CableLimits(5, 1, 5.5, 1.2)})


def test_rs_232_wants_remote_before_anything_else() -> None:
    serial = replace(
        E3632A,
        serial=True,
        read_end=b"\r\n",
        phrases=[*E3632A.phrases, does("SYST:REM", remote=True), does("SYST:LOC", remote=False)],
    )
    with opened(serial) as (supply, instrument):
        assert instrument.heard[:2] == ["SYST:REM", "*IDN?"]
        assert supply.identity.model == "E3632A"
        supply._link.drop()
        supply.channel(1).measure()
        assert instrument.heard.count("SYST:REM") == 2, "after reconnecting too"
    assert instrument.heard[-2] == "SYST:LOC"
    assert instrument.strangers == []
