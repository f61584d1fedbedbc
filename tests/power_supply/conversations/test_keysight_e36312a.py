"""The E36312A: channel lists, NR3 replies, an OCP that trips when the current limit is entered."""

from __future__ import annotations

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.errors import ConfigError, UsageError
from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    does,
    output_volts,
    phrase,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import (
    a_queued_error,
    bad_replies,
    known_by_its_answer,
    on_the_line,
    opened,
    the_whole_way,
)

NR3 = "{:+.5E}"


def condition(state: dict[str, object]) -> int:
    return 2 if state["on"] else 0


def _channel(n: int) -> list[Phrase]:
    """Return the phrases of channels 2 and 3, which are only ever switched off and read."""
    return [
        does(f"OUTP OFF,(@{n})"),
        says(f"OUTP? (@{n})", "0"),
        says(f"MEAS:VOLT? (@{n})", "+1.00000E-03"),
        says(f"MEAS:CURR? (@{n})", "+0.00000E+00"),
    ]


MANUAL = Manual(
    model="E36312A",
    identity="Keysight Technologies,E36312A,MY57000123,1.0.4-1.0.0-1.02",
    state={
        "on": True, "volts": 12.0, "amps": 1.0, "ovp": 27.5, "ovp_on": 0, "ocp_on": 0,
        "delay": 0.05, "ovp_trip": 0, "ocp_trip": 0, "list": {},
    },
    phrases=[
        says("*IDN?", "Keysight Technologies,E36312A,MY57000123,1.0.4-1.0.0-1.02"),
        does("*CLS"),
        does("SYST:REM"),
        does("SYST:LOC"),
        says("SYST:ERR?", '+0,"No error"'),
        sets("VOLT <x>,(@1)", "volts"),
        tells("VOLT? (@1)", "volts", NR3),
        sets("CURR <x>,(@1)", "amps"),
        tells("CURR? (@1)", "amps", NR3),
        does("OUTP ON,(@1)", on=True),
        does("OUTP OFF,(@1)", on=False),
        tells("OUTP? (@1)", lambda state: int(state["on"])),
        tells("MEAS:VOLT? (@1)", output_volts, NR3),
        says("MEAS:CURR? (@1)", "+1.23456E-04"),
        sets("VOLT:PROT <x>,(@1)", "ovp"),
        tells("VOLT:PROT? (@1)", "ovp", NR3),
        does("VOLT:PROT:STAT ON,(@1)", ovp_on=1),
        tells("VOLT:PROT:STAT? (@1)", "ovp_on"),
        tells("VOLT:PROT:TRIP? (@1)", "ovp_trip"),
        does("CURR:PROT:STAT ON,(@1)", ocp_on=1),
        does("CURR:PROT:STAT OFF,(@1)", ocp_on=0),
        tells("CURR:PROT:STAT? (@1)", "ocp_on"),
        sets("CURR:PROT:DEL <x>,(@1)", "delay"),
        tells("CURR:PROT:DEL? (@1)", "delay", NR3),
        tells("CURR:PROT:TRIP? (@1)", "ocp_trip"),
        does("OUTP:PROT:CLE (@1)", ovp_trip=0, ocp_trip=0),
        tells("STAT:QUES:INST:ISUM1:COND?", condition, "{:+d}"),
        *_channel(2),
        *_channel(3),
        phrase("LIST:VOLT 1.000,2.000,0.500,(@1)", lambda *_: None),
        phrase("LIST:CURR 0.500,0.500,0.100,(@1)", lambda *_: None),
        phrase("LIST:DWEL 0.050,0.010,1.000,(@1)", lambda *_: None),
        does("LIST:COUN 1,(@1)"),
        does("VOLT:MODE LIST,(@1)"),
        does("CURR:MODE LIST,(@1)"),
        does("INIT:TRAN (@1)"),
        does("*TRG"),
        does("ABOR (@1)"),
        does("VOLT:MODE FIX,(@1)"),
        does("CURR:MODE FIX,(@1)"),
    ],
    sets=[
        "VOLT 5.000,(@1)",  # an OVP level below the set point would be refused
        "VOLT:PROT 5.500,(@1)",
        "VOLT:PROT:STAT ON,(@1)",
        "CURR:PROT:STAT ON,(@1)",
        "CURR 0.500,(@1)",
        "VOLT 3.300,(@1)",
        "OUTP ON,(@1)",
    ],
    trip={"ocp_trip": 1},
    told=["OCP"],
    clears=["OUTP:PROT:CLE (@1)"],
    measured="MEAS:VOLT? (@1)",
)  # fmt: skip


def test_the_whole_way() -> None:
    the_whole_way(MANUAL)


def test_known_by_its_answer() -> None:
    known_by_its_answer(MANUAL)


def test_bad_replies() -> None:
    bad_replies(MANUAL)


def test_a_queued_error() -> None:
    a_queued_error(MANUAL, "SYST:ERR?", '-221,"Settings conflict"', -221)


def limits(**changes: object) -> CableLimits:
    arguments: dict[str, object] = {
        "max_volts": 5.0, "max_amps": 1.0, "ovp_volts": 5.5, "ocp_amps": 1.2, **changes,
    }  # fmt: skip
    return CableLimits(**arguments)  # type: ignore[arg-type]


def test_a_current_cannot_rule_what_trips_at_its_limit() -> None:
    with opened(MANUAL) as (supply, _):
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        with pytest.raises(UsageError, match="without_ocp"):
            channel.on(regulation="current")


def test_its_ocp_may_be_waived_for_a_channel_ruled_by_current() -> None:
    with on_the_line(MANUAL) as (line, instrument):
        instrument.state["ocp_on"] = 1
        waived = limits(ocp_amps=None, without_ocp="ruled by its current limit")
        with PowerSupply.open(line.resource, model="E36312A", limits={1: waived}) as supply:
            supply.channel(1).protect()
            assert instrument.state["ocp_on"] == 0
            supply.channel(1).apply(3.3, 0.5)
            assert supply.channel(1).on().volts == pytest.approx(3.3, abs=0.01)


def test_the_delay_of_its_ocp() -> None:
    with (
        on_the_line(MANUAL) as (line, instrument),
        PowerSupply.open(line.resource, limits={1: limits(ocp_delay_s=0.2)}) as supply,
    ):
        supply.channel(1).protect()
        assert instrument.state["delay"] == 0.2
        assert "CURR:PROT:DEL 0.200,(@1)" in instrument.heard


@pytest.mark.parametrize(
    ("changes", "error", "says_"),
    [
        ({"ovp_volts": None, "without_ovp": "why"}, ConfigError, "write its level as ovp"),
        ({"max_volts": 7, "ovp_volts": 7}, UsageError, r"goes up to 6\.18"),
        ({"max_volts": 0.2, "ovp_volts": 0.3}, UsageError, r"begins at 0\.5"),
    ],
)
def test_limits_it_cannot_keep(
    changes: dict[str, object], error: type[Exception], says_: str
) -> None:
    with on_the_line(MANUAL) as (line, _), pytest.raises(error, match=says_):
        PowerSupply.open(line.resource, model="E36312A", limits={1: limits(**changes)})


def test_too_little_current_is_refused_before_the_wire() -> None:
    with opened(MANUAL) as (supply, instrument):
        supply.channel(1).protect()
        before = len(instrument.heard)
        with pytest.raises(UsageError, match=r"least limit, 0\.002 A"):
            supply.channel(1).apply(1.0, 0.001)
        assert len(instrument.heard) == before


def test_a_list_of_its_own() -> None:
    with opened(MANUAL) as (supply, instrument):
        channel = supply.channel(1)
        sequencer = channel.sequencer
        assert sequencer is not None
        steps = [(1.0, 0.5, 0.05), (2.0, 0.5, 0.01), (0.5, 0.1, 1.0)]
        channel.protect()
        channel.apply(1.0, 0.5)
        with pytest.raises(UsageError, match="switch it on"):
            sequencer.play(steps)
        channel.on()
        before = len(instrument.heard)
        sequencer.play(steps)
        assert [text for text in instrument.heard[before:] if "?" not in text] == [
            "LIST:VOLT 1.000,2.000,0.500,(@1)",
            "LIST:CURR 0.500,0.500,0.100,(@1)",
            "LIST:DWEL 0.050,0.010,1.000,(@1)",
            "LIST:COUN 1,(@1)",
            "VOLT:MODE LIST,(@1)",
            "CURR:MODE LIST,(@1)",
            "INIT:TRAN (@1)",
            "*TRG",
        ]
        assert sequencer.playing()
        sequencer.stop()
        assert not sequencer.playing()
        assert instrument.strangers == []


@pytest.mark.parametrize(
    ("steps", "says_"),
    [
        ([], "steps"),
        ([(1.0, 0.5, 0.1)] * 101, "steps"),
        ([(5.1, 0.5, 0.1)], "cable"),
        ([(1.0, 1.1, 0.1)], "cable"),
        ([(1.0, 0.001, 0.1)], "least limit"),
        ([(1.0, 0.5, 0.001)], "host time it"),
        ([(1.0, 0.5, 0.0105)], "multiple"),
    ],
)
def test_steps_it_cannot_play(steps: list[tuple[float, float, float]], says_: str) -> None:
    with opened(MANUAL) as (supply, instrument):
        sequencer = supply.channel(1).sequencer
        assert sequencer is not None
        before = len(instrument.heard)
        with pytest.raises(Exception, match=says_):
            sequencer.play(steps)
        assert len(instrument.heard) == before
