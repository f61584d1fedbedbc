"""Every lenient switch, on and off, on the very same supply."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.errors import CodecError
from hil.virtual.electrical import Load
from hil.virtual.power_supply.dp832 import MANNERS, dp832
from hil.virtual.power_supply.e36312a import e36312a
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.ka3005p import ka3005p
from hil.virtual.power_supply.manners import ErrorForm, Manners
from hil.virtual.power_supply.supply import HangUp
from tests.virtual_power_supply.conftest import TestClock

Say = Callable[[str], str]


def lenient(**switches: str) -> Say:
    manners = MANNERS
    for name, value in switches.items():
        manners = manners.changed(name.replace("_", "-"), value)
    supply = dp832("X", seed=1, clock=TestClock(), manners=manners)
    return lambda message: supply.execute(message.encode())


OVER = "VOLT:PROT 4;PROT:STAT ON;:VOLT 5;:VOLT?"
OVER_BY_APPLY = "OUTP:OVP:VAL 4;:OUTP:OVP ON;:APPL CH1,5;:VOLT?"
CASES = [
    # switch, message, strict reply and error, lenient reply and error
    ("root-after-semicolon=on", "CURR:LEV 2;CURR:PROT 1;:CURR:PROT?", ("", -113), ("1.0000", 0)),
    ("root-after-semicolon=on", "CURR:LEV 2;PROT 1;:CURR:PROT?", ("1.0000", 0), ("", -113)),
    ("prefixes=on", "VOLTA 2;:VOLTAG?", ("", -113), ("2.000", 0)),
    ("prefixes=on", "OUTPU ON;:OUTP?", ("", -113), ("ON", 0)),
    ("prefixes=on", ":SOURC2:VOLTA 2;:SOUR2:VOLT?", ("", -113), ("2.000", 0)),
    ("prefixes=on", "VOL 2", ("", -113), ("", -113)),
    ("clamp=on", "VOLT 99;:VOLT?", ("0.000", -222), ("32.000", 0)),
    ("clamp=on", "VOLT -5;:VOLT?", ("0.000", -222), ("0.000", 0)),
    ("unknown=ignore", "NONSENSE", ("", -113), ("", 0)),
    ("query-words=off", "VOLT? MAX", ("32.000", 0), ("", -108)),
    ("suffixes=ignore", "VOLT 3 mV;:VOLT?", ("0.003", 0), ("3.000", 0)),
    ("suffixes=refuse", "VOLT 3V;:VOLT?", ("3.000", 0), ("", -138)),
    ("switch-words=number", "OUTP?", ("OFF", 0), ("0", 0)),
    ("switch-words=yes-no", "OUTP ON;:OUTP?", ("ON", 0), ("YES", 0)),
    ("over-ovp-refused=on", OVER, ("5.000", 0), ("0.000", -221)),
    ("over-ovp-refused=on", OVER_BY_APPLY, ("5.000", 0), ("0.000", -221)),
    ("ovp-after-reset=on", "*RST;:OUTP:OVP?", ("OFF", 0), ("ON", 0)),
    ("ocp-after-reset=on", "*RST;:OUTP:OCP?", ("OFF", 0), ("ON", 0)),
]
Answer = tuple[str, int]


@pytest.mark.parametrize(
    ("switch", "message", "strict", "loose"),
    CASES,
    ids=[f"{case[0]}:{case[1][:20]}" for case in CASES],
)
def test_a_switch_changes_what_it_says(
    switch: str, message: str, strict: Answer, loose: Answer
) -> None:
    name, value = switch.split("=")
    for say, (reply, error) in (
        (lenient(), strict),
        (lenient(**{name: value}), loose),
    ):
        found = say(message)
        code = int(say("SYST:ERR?").split(",")[0])
        assert (found, code) == (reply, error)


def test_the_three_forms_of_an_empty_queue() -> None:
    assert lenient()("SYST:ERR?") == '0,"No error"'
    assert lenient(error_form="plus")("SYST:ERR?") == '+0,"No error"'
    assert lenient(error_form="bare")("SYST:ERR?") == "0 No Error"
    say = lenient(error_form="plus")
    say("NONSENSE")
    assert say("SYST:ERR?") == '-113,"Undefined header"'
    assert Manners(error_form=ErrorForm.BARE).error(-222, "Data out of range").startswith("-222 ")


def test_an_unknown_command_may_cost_the_line() -> None:
    say = lenient(unknown="hang-up")
    with pytest.raises(HangUp):
        say("NONSENSE")
    assert say("VOLT 99") == "", "other mistakes do not"


@pytest.mark.parametrize(("restores", "after"), [("off", "OFF"), ("on", "ON")])
def test_clearing_a_trip_may_switch_on_again(restores: str, after: str) -> None:
    clock = TestClock()
    manners = MANNERS.changed("clear-restores", restores)
    supply = dp832("X", seed=1, clock=clock, manners=manners)
    supply.execute(b"VOLT:PROT 4;PROT:STAT ON;:OUTP ON;:VOLT 5")
    clock.forward(0.1)
    assert supply.execute(b"OUTP?;:OUTP:OVP:QUES?") == "OFF;YES"
    clock.forward(1)
    supply.execute(b"VOLT 3")
    supply.execute(b"OUTP:OVP:CLE")
    assert supply.execute(b"OUTP?;:OUTP:OVP:QUES?") == f"{after};NO"


def test_clearing_does_not_switch_on_what_was_off() -> None:
    clock = TestClock()
    supply = dp832("X", seed=1, clock=clock, manners=MANNERS.changed("clear-restores", "on"))
    supply.execute(b"OUTP:OVP:CLE")
    assert supply.execute(b"OUTP?") == "OFF"
    supply.execute(b"VOLT 3;VOLT:PROT 4;PROT:STAT ON")
    supply.outputs[1].connect(clock.now_ns, Load(1.0, emf=6.0))
    clock.forward(0.1)
    assert supply.execute(b"OUTP?;:OUTP:OVP:QUES?") == "OFF;YES", "tripped while off"
    supply.outputs[1].connect(clock.now_ns, Load())
    clock.forward(1)
    supply.execute(b"OUTP:OVP:CLE")
    assert supply.execute(b"OUTP?;:OUTP:OVP:QUES?") == "OFF;NO"


@pytest.mark.parametrize(
    ("name", "value"),
    [("no-such", "on"), ("clamp", "perhaps"), ("unknown", "shout"), ("pacing-s", "-1")],
)
def test_manners_that_do_not_exist_are_refused(name: str, value: str) -> None:
    with pytest.raises(CodecError, match=name if name != "no-such" else "root-after-semicolon"):
        MANNERS.changed(name, value)


@pytest.mark.parametrize("build", [dp832, e36312a, ka3005p])
def test_somebody_at_the_panel_changes_settings_unless_it_is_locked(
    build: Callable[..., Instrument], clock: TestClock
) -> None:
    supply = build("X", seed=1, clock=clock)
    assert supply.panel(1, volts=2.5, amps=None, on=True)
    assert (supply.outputs[1].volts, supply.outputs[1].on) == (2.5, True)
    if isinstance(supply, Instrument):
        supply.execute(b"SYST:RWL")
        assert not supply.panel(1, volts=9.0, amps=None, on=None)
        assert supply.outputs[1].volts == 2.5
        supply.execute(b"SYST:LOC")
        assert supply.panel(1, volts=3.0, amps=None, on=None)


def test_settings_are_refused_while_somebody_holds_it_in_local(
    say: Say, supply: Instrument
) -> None:
    supply.held = True
    say("SYST:REM;:VOLT 5")
    assert say("SYST:ERR?") == '-201,"Invalid while in local"'
    assert say("VOLT?") == "0.000", "queries are answered"
    say("SYST:RWL;:VOLT 5")
    assert say("VOLT?") == "5.000", "local lock-out takes it back"


def test_a_locked_key_board_keeps_the_panel_out(say: Say, supply: Instrument) -> None:
    say("SYST:KLOC ON")
    assert not supply.panel(1, volts=9.0, amps=None, on=None)
    say("SYST:KLOC OFF")
    assert supply.panel(1, volts=9.0, amps=None, on=None)
