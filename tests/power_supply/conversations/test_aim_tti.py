"""Aim-TTi: an echo before set points, a unit behind readings, CR LF, registers that clear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hil.equipment.power_supply import LinkTimeoutError
from tests.power_supply.conversations.scripted import (
    Manual,
    Phrase,
    State,
    does,
    output_volts,
    phrase,
    says,
    sets,
    tells,
)
from tests.power_supply.conversations.whole_way import a_queued_error, check_all, opened


def read_and_clear(state: State, _match: object) -> str:
    """Answer the limit event register: reading clears it, the trip itself stays latched."""
    events, state["lsr"] = state["lsr"], 0
    return str(events)


def _second() -> list[Phrase]:
    return [
        does("OP2 0"),
        says("OP2?", "0"),
        says("V2O?", "0.001V"),
        says("I2O?", "0.0000A"),
    ]


QL355TP = Manual(
    model="QL355TP",
    identity="THURLBY THANDAR, QL355TP, 279730, 1.00 - 1.00",
    state={"on": True, "volts": 12.0, "amps": 1.0, "ovp": 40.0, "ocp": 5.5, "lsr": 0},
    phrases=[
        says("*IDN?", "THURLBY THANDAR, QL355TP, 279730, 1.00 - 1.00"),
        does("*CLS"),
        does("LOCAL"),
        says("EER?", "0"),
        says("QER?", "0"),
        says("IFLOCK?", "0"),
        sets("V1 <x>", "volts"),
        tells("V1?", "volts", "V1 {:.3f}"),
        sets("I1 <x>", "amps"),
        tells("I1?", "amps", "I1 {:.3f}"),
        does("OP1 1", on=True),
        does("OP1 0", on=False),
        tells("OP1?", lambda state: int(state["on"])),
        tells("V1O?", output_volts, "{:.3f}V"),
        says("I1O?", "0.0100A"),
        sets("OVP1 <x>", "ovp"),
        tells("OVP1?", "ovp", "VP1 {:.2f}"),
        sets("OCP1 <x>", "ocp"),
        tells("OCP1?", "ocp", "CP1 {:.2f}"),
        phrase("LSR1?", read_and_clear),
        does("TRIPRST", lsr=0),
        does("OP3 0", auxiliary_off=True),
        *_second(),
    ],
    sets=["OVP1 5.50", "OCP1 1.05", "I1 0.500", "V1 3.300", "OP1 1"],
    trip={"lsr": 4},
    told=["OVP"],
    clears=["TRIPRST"],
    read_end=b"\r\n",
    measured="V1O?",
    cut=lambda reply: reply[:-3] + b"\r\n",  # the unit is missing
    no_value=b"9.91E37V",
)
PL303 = replace(
    QL355TP,
    model="PL303-P",
    identity="THURLBY THANDAR, PL303-P, 412345, 4.06",
    phrases=[
        says("*IDN?", "THURLBY THANDAR, PL303-P, 412345, 4.06"),
        *(one for one in QL355TP.phrases if "2" not in one.message.pattern),
    ],
)


@pytest.mark.parametrize("one", [QL355TP, PL303], ids=lambda one: str(one.model))
def test_the_family(one: Manual) -> None:
    check_all(one)


def test_an_execution_error_is_a_number_with_a_name() -> None:
    a_queued_error(QL355TP, "EER?", "119", 119)


def test_a_trip_told_once_is_remembered_until_it_is_cleared() -> None:
    with opened(QL355TP) as (supply, instrument):
        channel = supply.channel(1)
        instrument.state["lsr"] = 4
        assert channel.status().trips == ("OVP",)
        assert instrument.state["lsr"] == 0, "reading has cleared it"
        assert channel.status().trips == ("OVP",), "and yet it is latched"
        channel.clear_trip()
        assert channel.status().trips == ()
        assert "OP3 0" in instrument.heard


def test_other_trips_of_the_register() -> None:
    with opened(QL355TP) as (supply, instrument):
        instrument.state["lsr"] = 16 | 32
        assert supply.channel(1).status().other_trips == ("OTP", "sense")


def test_once_known_it_is_heard_in_its_own_framing() -> None:
    with opened(QL355TP, model="auto", timeout_s=0.3) as (supply, instrument):
        instrument.garble = lambda message, reply: (
            b"0.000V\n" if message == "V1O?" else reply  # its replies end with CR LF
        )
        with pytest.raises(LinkTimeoutError, match="has no end"):
            supply.channel(1).measure()
