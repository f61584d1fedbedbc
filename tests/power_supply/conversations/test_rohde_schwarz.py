"""HMP4040: armed channels behind a master, a fuse. NGE103B: 10 mV steps, a fuse that is cleared."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    State,
    Told,
    does,
    phrase,
    says,
    tells,
)
from tests.power_supply.conversations.whole_way import (
    a_queued_error,
    check_all,
    on_the_line,
    opened,
)


def select(state: State, match: object) -> None:
    state["selected"] = int(match[1])  # type: ignore[index]


def of_channel_1(name: str, form: str = "{}") -> Told:
    """Return what a query of the selected channel tells: channels 2 to 4 are at rest."""

    def value(state: State) -> str:
        return form.format(state[name] if state["selected"] == 1 else 0)

    return value


def sets_selected(message: str, name: str, factor: float = 1.0) -> Phrase:
    def act(state: State, match: object) -> None:
        if state["selected"] == 1:
            state[name] = float(match[1]) * factor  # type: ignore[index]

    return phrase(message, act)


def does_selected(message: str, **changes: object) -> Phrase:
    def act(state: State, _match: object) -> None:
        if state["selected"] == 1:
            state.update(changes)
            if "armed" in state:
                state["on"] = bool(state["armed"] and state["master"])

    return phrase(message, act)


def master(value: int) -> Phrase:
    def act(state: State, _match: object) -> None:
        state["master"] = value
        state["on"] = bool(state["armed"] and state["master"])

    return phrase(f"OUTP:GEN {value}", act)


def volts_now(state: State) -> str:
    return f"{state['volts'] if state['on'] and state['selected'] == 1 else 0.001:.3f}"


COMMON = [
    does("*CLS"),
    does("SYST:REM"),
    does("SYST:LOC"),
    phrase("INST:NSEL <x>", select),
    sets_selected("CURR <x>", "amps"),
    tells("CURR?", of_channel_1("amps", "{:.4f}")),
    tells("MEAS:VOLT?", volts_now),
    says("MEAS:CURR?", "0.0001"),
    tells("VOLT:PROT:TRIP?", of_channel_1("ovp_trip")),
    does("VOLT:PROT:CLE", ovp_trip=0),
    does_selected("FUSE:STAT ON", fuse=1),
    tells("FUSE:STAT?", of_channel_1("fuse")),
    sets_selected("FUSE:DEL <x>", "delay_ms"),
    tells("FUSE:DEL?", of_channel_1("delay_ms", "{:.0f}")),
    tells("FUSE:TRIP?", of_channel_1("fuse_trip")),
    *(
        tells(f"STAT:QUES:INST:ISUM{n}:COND?", lambda state: 2 if state["on"] else 0)
        for n in (1, 2, 3, 4)
    ),
]
STATE = {
    "selected": 1, "on": True, "volts": 12.0, "amps": 1.0, "ovp": 32.5, "fuse": 0, "delay_ms": 0,
    "ovp_trip": 0, "fuse_trip": 0,
}  # fmt: skip

HMP4040 = Manual(
    model="HMP4040",
    identity="ROHDE&SCHWARZ,HMP4040,101234,HW50020003/SW2.51",
    state={**STATE, "armed": 1, "master": 1},
    phrases=[
        says("*IDN?", "ROHDE&SCHWARZ,HMP4040,101234,HW50020003/SW2.51"),
        says("SYST:ERR?", '0,"No error"'),
        *COMMON,
        sets_selected("VOLT <x>", "volts"),
        tells("VOLT?", of_channel_1("volts", "{:.3f}")),
        does_selected("OUTP:SEL 1", armed=1),
        does_selected("OUTP:SEL 0", armed=0),
        tells("OUTP:SEL?", of_channel_1("armed")),
        master(0),
        master(1),
        tells("OUTP:GEN?", "master"),
        sets_selected("VOLT:PROT:LEV <x>", "ovp"),
        tells("VOLT:PROT:LEV?", of_channel_1("ovp", "{:.3f}")),
        does_selected("FUSE:STAT OFF", fuse=0, fuse_trip=0),
        does("ARB:DATA 1.000,0.500,0.06,2.000,0.500,0.10"),
        does("ARB:REP 1"),
        does("ARB:TRAN 1"),
        does("ARB:START 1"),
        does("ARB:STOP 1"),
    ],
    sets=[
        "VOLT:PROT:LEV 5.500", "FUSE:STAT ON", "CURR 0.500", "VOLT 3.300", "OUTP:SEL 1",
        "OUTP:GEN 1",
    ],
    trip={"armed": 0, "fuse_trip": 1},
    told=["OCP"],
    clears=["VOLT:PROT:CLE", "FUSE:STAT OFF"],
    measured="MEAS:VOLT?",
)  # fmt: skip

NGE103B = Manual(
    model="NGE103B",
    identity="Rohde&Schwarz,NGE103B,5601.1414k03/101863,1.54",
    state=STATE,
    phrases=[
        says("*IDN?", "Rohde&Schwarz,NGE103B,5601.1414k03/101863,1.54"),
        says("SYST:ERR?", '0,"No error"'),
        *COMMON,
        sets_selected("VOLT <x>", "volts"),
        tells("VOLT?", of_channel_1("volts", "{:.2f}")),
        does_selected("OUTP ON", on=True),
        does_selected("OUTP OFF", on=False),
        tells("OUTP?", lambda state: int(state["on"]) if state["selected"] == 1 else 0),
        sets_selected("VOLT:PROT:LEV <x>", "ovp"),
        tells("VOLT:PROT:LEV?", of_channel_1("ovp", "{:.2f}")),
        does_selected("VOLT:PROT:STAT ON", ovp_on=1),
        tells("VOLT:PROT:STAT?", lambda state: state.get("ovp_on", 0)),
        does("FUSE:TRIP:CLE", fuse_trip=0),
    ],
    sets=[
        "VOLT:PROT:LEV 5.50", "VOLT:PROT:STAT ON", "FUSE:STAT ON", "CURR 0.500", "VOLT 3.30",
        "OUTP ON",
    ],
    trip={"fuse_trip": 1},
    told=["OCP"],
    clears=["VOLT:PROT:CLE", "FUSE:TRIP:CLE"],
    measured="MEAS:VOLT?",
    cut=lambda reply: reply[:-3] + b"\n",  # its manual leaves 2 to 4 decimals open
)  # fmt: skip


@pytest.mark.parametrize("one", [HMP4040, NGE103B], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_a_queued_error() -> None:
    a_queued_error(HMP4040, "SYST:ERR?", '-113,"Undefined header"', -113)


def test_the_older_makers_name() -> None:
    with on_the_line(HMP4040) as (line, instrument):
        instrument.garble = lambda message, reply: reply.replace(b"ROHDE&SCHWARZ", b"HAMEG")
        cable = CableLimits(5, 1, 5.5, 1.2)
        with PowerSupply.open(line.resource, limits={1: cable}) as supply:
            assert (supply.identity.maker, supply.model) == ("HAMEG", "HMP4040")


def test_an_armed_channel_is_off_while_the_master_is() -> None:
    with opened(HMP4040) as (supply, instrument):
        instrument.state.update(armed=1, master=0, on=False)
        assert not supply.channel(1).status().on


def test_switching_off_leaves_the_master_to_the_other_channels() -> None:
    with opened(HMP4040) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        channel.on()
        channel.off()
        assert (instrument.state["armed"], instrument.state["master"]) == (0, 1)
        supply.all_off()
        assert instrument.state["master"] == 0


def test_the_fuse_waits_milliseconds() -> None:
    cable = CableLimits(5, 1, 5.5, 1.2, ocp_delay_s=0.15)
    with (
        on_the_line(HMP4040) as (line, instrument),
        PowerSupply.open(line.resource, limits={1: cable}) as supply,
    ):
        supply.channel(1).protect()
        assert "FUSE:DEL 150" in instrument.heard


def test_its_list_takes_triples() -> None:
    with opened(HMP4040) as (supply, instrument):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(1.0, 0.5)
        channel.on()
        sequencer = channel.sequencer
        assert sequencer is not None
        sequencer.play([(1.0, 0.5, 0.06), (2.0, 0.5, 0.1)])
        sequencer.stop()
        assert instrument.strangers == []
