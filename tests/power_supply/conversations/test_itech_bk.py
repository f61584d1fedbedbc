"""ITECH IT6832 on a serial line (SYST:REM first) and BK 9130B: OVP without OCP, cleared and off."""

from __future__ import annotations

import pytest

from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    State,
    Told,
    does,
    output_volts,
    phrase,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import a_queued_error, check_all, opened

IT6832 = Manual(
    model="IT6832",
    identity="ITECH Ltd., IT6832A, 600061010687110007, 1.06-1.02",
    state={"on": True, "volts": 12.0, "amps": 1.0, "ovp": 35.0, "ovp_on": 0},
    phrases=[
        says("*IDN?", "ITECH Ltd., IT6832A, 600061010687110007, 1.06-1.02"),
        does("*CLS"),
        does("SYST:REM"),
        does("SYST:LOC"),
        says("SYST:ERR?", "0,'No Error'".replace("'", '"')),
        sets("VOLT <x>", "volts"),
        tells("VOLT?", "volts", "{:.3f}"),
        sets("CURR <x>", "amps"),
        tells("CURR?", "amps", "{:.4f}"),
        does("OUTP ON", on=True),
        does("OUTP OFF", on=False),
        tells("OUTP?", lambda state: int(state["on"])),
        tells("MEAS:VOLT?", output_volts, "{:.4f}"),
        says("MEAS:CURR?", "0.0001"),
        sets("VOLT:PROT <x>", "ovp"),
        tells("VOLT:PROT?", "ovp", "{:.3f}"),
        does("VOLT:PROT:STAT ON", ovp_on=1),
        tells("VOLT:PROT:STAT?", "ovp_on"),
        does("PROT:CLE"),
    ],
    sets=["VOLT:PROT 5.500", "VOLT:PROT:STAT ON", "CURR 0.500", "VOLT 3.300", "OUTP ON"],
    trip={},
    told=[],
    clears=["PROT:CLE"],
    serial=True,
    measured="MEAS:VOLT?",
    cut=lambda reply: reply[:-1],  # its end is missing; the decimals are not known for certain
)


def select(state: State, match: object) -> None:
    state["selected"] = int(match[1])  # type: ignore[index]


def first(name: str, form: str) -> Told:
    """Return what a query of the selected channel tells; channels 2 and 3 are at rest."""

    def value(state: State) -> str:
        now = output_volts(state) if name == "measured" else state[name]
        return form.format(now if state["selected"] == 1 else 0)

    return value


def sets_first(message: str, name: str) -> Phrase:
    def act(state: State, match: object) -> None:
        if state["selected"] == 1:
            state[name] = float(match[1])  # type: ignore[index]

    return phrase(message, act)


def switches(value: int) -> Phrase:
    def act(state: State, _match: object) -> None:
        if state["selected"] == 1:
            state["on"] = bool(value)

    return phrase(f"SOUR:CHAN:OUTP:STAT {value}", act)


BK9130B = Manual(
    model="9130B",
    identity="B&K Precision, 9130B, 602204010687110007, 1.04-1.03",
    state={"selected": 2, "on": True, "volts": 12.0, "amps": 1.0, "ovp": 31.0, "ovp_on": 0},
    phrases=[
        says("*IDN?", "B&K Precision, 9130B, 602204010687110007, 1.04-1.03"),
        does("*CLS"),
        says("SYST:ERR?", '0,"No Error"'),
        phrase("INST:NSEL <x>", select),
        sets_first(":SOUR:VOLT <x>", "volts"),
        tells(":SOUR:VOLT?", first("volts", "{:.3f}")),
        sets_first(":SOUR:CURR <x>", "amps"),
        tells(":SOUR:CURR?", first("amps", "{:.3f}")),
        switches(0),
        switches(1),
        tells("SOUR:CHAN:OUTP:STAT?", first("on", "{:d}")),
        tells(":MEAS:VOLT?", first("measured", "{:.3f}")),
        says(":MEAS:CURR?", "0.001"),
        sets_first(":SOUR:VOLT:PROT <x>", "ovp"),
        tells(":SOUR:VOLT:PROT?", first("ovp", "{:.3f}")),
        does(":SOUR:VOLT:PROT:STAT 1", ovp_on=1),
        tells(":SOUR:VOLT:PROT:STAT?", first("ovp_on", "{}")),
        does("PROT:CLE"),
    ],
    sets=[
        ":SOUR:VOLT:PROT 5.500",
        ":SOUR:VOLT:PROT:STAT 1",
        ":SOUR:CURR 0.500",
        ":SOUR:VOLT 3.300",
        "SOUR:CHAN:OUTP:STAT 1",
    ],
    trip={},
    told=[],
    clears=["PROT:CLE"],
    measured=":MEAS:VOLT?",
    cut=lambda reply: reply[:-3] + b"\n",  # its manual leaves 2 to 6 decimals open
)


@pytest.mark.parametrize("one", [IT6832, BK9130B], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_remote_comes_first_on_a_serial_line() -> None:
    with opened(IT6832) as (_, instrument):
        assert instrument.heard[:2] == ["SYST:REM", "*IDN?"]


def test_a_queued_error() -> None:
    a_queued_error(BK9130B, "SYST:ERR?", '-222,"Data out of range"', -222)
