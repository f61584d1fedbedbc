"""The order of doing things, and what is refused."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from hil.equipment.power_supply import (
    CableLimits,
    InstrumentError,
    OffNotProvenError,
    PowerSupply,
    SettingError,
    SettleError,
    TripError,
)
from hil.equipment.power_supply.console import Console
from hil.errors import ConfigError, SafetyError, UsageError
from tests.power_supply.conftest import Notes, Open
from tests.power_supply.part import Part


def brought_up(supply: PowerSupply, volts: float = 3.3, amps: float = 0.2) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(volts, amps)
    channel.on()


def test_the_whole_way_up_and_down(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(3.3, 0.2)
    reading = channel.on()
    assert reading.volts == pytest.approx(3.3, abs=0.035)
    assert reading.raw.startswith(f"{reading.volts:.4f},")
    assert 0 < reading.span_ns < 1e9
    assert reading.at_ns <= time.monotonic_ns()
    status = channel.status()
    assert (status.on, status.regulation, status.tripped) == (True, "voltage", False)
    assert (status.set_volts, status.set_amps) == (3.3, 0.2)
    assert (status.ovp_volts, status.ovp_on, status.ocp_amps, status.ocp_on) == (6, True, 0.6, True)
    assert part.channel(1)["volts"] == pytest.approx(3.3, abs=0.025)

    report = channel.off()
    assert report.proven
    assert report.volts is not None
    assert report.volts < 0.1
    assert part.channel(1)["volts"] < 0.1
    assert channel.status().regulation == "off"


def test_opening_switches_everything_off_and_proves_it(part: Part, open_supply: Open) -> None:
    first = open_supply()
    brought_up(first)
    first.close()
    assert part.channel(1)["on"], "closing alone does not switch off"
    open_supply()
    assert not part.channel(1)["on"]
    assert part.channel(1)["volts"] < 0.1


def fail_while_on(open_supply: Open, part: Part, *, stuck: bool) -> None:
    with open_supply() as supply:
        brought_up(supply)
        part.control({"stuck": 1, "value": stuck})
        raise ZeroDivisionError


def test_leaving_the_context_switches_off(part: Part, open_supply: Open) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_while_on(open_supply, part, stuck=False)
    assert not part.channel(1)["on"]
    assert part.channel(1)["volts"] < 0.1


def test_order_on_the_wire(supply: PowerSupply, notes: Notes) -> None:
    brought_up(supply)
    sets = [
        text
        for text in notes.sent
        if "?" not in text and not text.startswith("*") and "SYST" not in text
    ]
    assert [text for text in sets if "OFF" not in text] == [
        ":OUTP:OVP:VAL CH1,6.000",
        ":OUTP:OVP CH1,ON",
        ":OUTP:OCP:VAL CH1,0.600",
        ":OUTP:OCP CH1,ON",
        ":SOUR1:CURR 0.200",
        ":SOUR1:VOLT 3.300",
        ":OUTP CH1,ON",
    ]
    for index, text in enumerate(notes.sent):
        if text in sets and "OFF" not in text:
            read_back, errors = notes.sent[index + 1 : index + 3]
            assert read_back.endswith(("CH1", "?")), text
            assert "?" in read_back
            assert errors == ":SYST:ERR?", text


def test_observer_gets_both_directions(supply: PowerSupply, notes: Notes) -> None:
    supply.channel(1).measure()
    question, answer = notes.exchanges[-2:]
    assert (question.link, question.direction, question.text) == ("scpi", "out", ":MEAS:ALL? CH1")
    assert (answer.direction, answer.equipment) == ("in", "power supply")
    assert answer.text.count(",") == 2
    assert answer.at_ns >= question.at_ns


@pytest.mark.parametrize(("volts", "amps"), [(5.6, 0.1), (3, 0.6), (-1, 0.1), (float("nan"), 0.1)])
def test_the_cable_limits_what_goes_on_the_wire(
    supply: PowerSupply, notes: Notes, volts: float, amps: float
) -> None:
    channel = supply.channel(1)
    channel.protect()
    before = len(notes.exchanges)
    with pytest.raises(SafetyError, match="cable"):
        channel.apply(volts, amps)
    assert len(notes.exchanges) == before


def test_nothing_without_protection(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    with pytest.raises(SafetyError, match="protect"):
        channel.apply(3.3, 0.1)
    with pytest.raises(SafetyError, match="protect"):
        channel.on()
    assert not part.channel(1)["on"]


@pytest.mark.parametrize(
    "meddling",
    [":OUTP:OVP:VAL CH1,30", ":OUTP:OVP CH1,OFF", ":OUTP:OCP:VAL CH1,3", ":OUTP:OCP CH1,OFF"],
)
def test_on_is_refused_when_the_protection_has_been_changed(
    supply: PowerSupply, part: Part, meddling: str
) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(3.3, 0.1)
    supply._link.write(meddling)
    with pytest.raises(SafetyError, match="reads back"):
        channel.on()
    assert not part.channel(1)["on"]


def test_on_is_refused_when_the_panel_was_turned_beyond_the_cable(
    supply: PowerSupply, part: Part
) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(3.3, 0.1)
    supply._link.write(":SOUR1:VOLT 12")
    with pytest.raises(SafetyError, match="12 V is not within"):
        channel.on()
    assert not part.channel(1)["on"]


def test_protection_is_asked_anew_after_a_restart(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    brought_up(supply)
    part.control({"reboot": True})
    with pytest.raises(Exception, match=r"closed|lost"):
        channel.measure()
    with pytest.raises(SafetyError, match="protect"):
        channel.apply(3.3, 0.1)
    brought_up(supply)


def test_a_latched_trip_forbids_on_until_it_is_cleared(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    brought_up(supply)
    part.control({"load": {"1": {"ohms": 1.0, "emf": 7.5}}})
    deadline = time.monotonic() + 3
    while not channel.status().ovp_tripped:
        assert time.monotonic() < deadline
    assert not channel.status().on
    with pytest.raises(TripError, match="OVP is latched"):
        channel.on()
    part.control({"load": {"1": None}})
    while part.channel(1)["volts"] > 1:
        assert time.monotonic() < deadline
    channel.clear_trip()
    assert not channel.status().on, "clearing does not switch on"
    channel.on()


def test_a_trip_while_settling_is_named_and_leaves_it_off(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(5.0, 0.5)
    part.control({"load": {"1": {"ohms": 1.0}}})
    feed = {"load": {"1": {"ohms": 0.5, "emf": 8.0}}}
    timer = threading.Timer(0.2, part.control, [feed])
    timer.start()
    with pytest.raises(TripError, match="OVP tripped") as caught:
        channel.on(settle_timeout_s=0.5)
    timer.join()
    assert not part.channel(1)["on"]
    assert any("NOT PROVEN OFF" in note for note in caught.value.__notes__), "it is fed back"


def test_a_trip_before_the_state_is_read_back_is_named(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(5.0, 0.5)
    part.control({"fault": "text", "match": ":QUES\\?", "times": 2, "text": "NO"})
    part.control({"trip": 1, "protection": "ocp"})
    with pytest.raises(TripError, match="OCP tripped while coming on") as caught:
        channel.on()
    assert isinstance(caught.value.__cause__, InstrumentError)
    assert not part.channel(1)["on"]


def test_a_short_circuit_does_not_settle(supply: PowerSupply, part: Part) -> None:
    part.control({"load": {"1": {"ohms": 1.0}}})
    channel = supply.channel(1)
    channel.protect()
    channel.apply(3.3, 0.2)
    with pytest.raises(SettleError, match="ruled by current"):
        channel.on(settle_timeout_s=0.3)
    assert not part.channel(1)["on"], "it goes off again"
    reading = channel.on(settle_timeout_s=1, regulation="current")
    assert reading.amps == pytest.approx(0.2, abs=0.02)
    channel.off()


def test_stepping_while_on(supply: PowerSupply) -> None:
    channel = supply.channel(1)
    brought_up(supply, 1.0)
    for volts in (2.0, 0.5, 5.5):
        channel.apply(volts, 0.2)
        assert channel.settle().volts == pytest.approx(volts, abs=0.04)


def test_a_voltage_fed_back_is_no_proof_of_off(supply: PowerSupply, part: Part) -> None:
    brought_up(supply)
    part.control({"load": {"1": {"ohms": 2.0, "emf": 3.0}}})
    with pytest.raises(OffNotProvenError, match=r"still 2\.\d+ V"):
        supply.channel(1).off(decay_timeout_s=0.2)


def test_stuck_output_is_never_called_off(supply: PowerSupply, part: Part) -> None:
    brought_up(supply)
    part.control({"stuck": 1, "value": True})
    with pytest.raises(OffNotProvenError, match="CH1 NOT PROVEN OFF"):
        supply.all_off(decay_timeout_s=0.2)
    report = supply.safe_state(decay_timeout_s=0.2)
    assert [channel.proven for channel in report.channels] == [False, True, True]
    part.control({"stuck": 1, "value": False})
    assert supply.all_off().proven


def test_all_channels_are_tried_even_if_one_cannot_be_reached(
    supply: PowerSupply, part: Part
) -> None:
    for number in (1, 3):
        channel = supply.channel(number)
        channel.protect()
        channel.apply(3.0, 0.2)
        channel.on()
    part.control({"fault": "garbage", "match": r"OUTP\? CH1"})
    report = supply.safe_state()
    assert [channel.proven for channel in report.channels] == [False, True, True]
    assert "garbled" in report.channels[0].problem
    assert not part.channel(3)["on"]
    assert not part.channel(1)["on"]


def test_failing_to_switch_off_does_not_hide_the_first_error(open_supply: Open, part: Part) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        fail_while_on(open_supply, part, stuck=True)
    assert any("NOT PROVEN OFF" in note for note in caught.value.__notes__)
    with pytest.raises(OffNotProvenError):
        open_supply()


def test_instrument_errors_keep_their_code_and_name(supply: PowerSupply, part: Part) -> None:
    part.control({"error": -241})
    with pytest.raises(InstrumentError, match="Hardware missing") as caught:
        supply.channel(1).protect()
    assert (caught.value.code, caught.value.name) == (-241, "Hardware missing")
    supply.channel(1).protect()
    part.control({"error": -222})
    with pytest.raises(InstrumentError, match="Data out of range"):
        supply.channel(1).apply(1.0, 0.2)
    part.control({"error": -310})
    assert supply.errors() == [(-310, "System error")]


def test_a_command_lost_on_the_way_is_noticed(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    channel.protect()
    part.control({"fault": "lost-command", "match": "VOLT 3"})
    with pytest.raises(SettingError, match="reads back 0 V"):
        channel.apply(3.3, 0.2)


def test_what_is_set_already_is_not_set_again(supply: PowerSupply, notes: Notes) -> None:
    channel = supply.channel(1)
    channel.protect()
    before = len(notes.sent)
    channel.protect()
    assert all("?" in text for text in notes.sent[before:])


@pytest.mark.parametrize(
    "limits",
    [
        {"max_volts": 5, "max_amps": 1, "ovp_volts": 4, "ocp_amps": 1},
        {"max_volts": 5, "max_amps": 1, "ovp_volts": 6, "ocp_amps": 0.5},
        {"max_volts": 0, "max_amps": 1, "ovp_volts": 6, "ocp_amps": 2},
        {"max_volts": float("inf"), "max_amps": 1, "ovp_volts": float("inf"), "ocp_amps": 2},
        {"max_volts": 5, "max_amps": 1, "ovp_volts": None, "ocp_amps": 2},
        {"max_volts": 5, "max_amps": 1, "ovp_volts": None, "ocp_amps": 2, "without_ovp": " "},
        {"max_volts": 5, "max_amps": 1, "ovp_volts": 6, "ocp_amps": 2, "without_ovp": "why"},
        {"max_volts": 5, "max_amps": 1, "ovp_volts": 6, "ocp_amps": 2, "ocp_delay_s": 61},
    ],
)
def test_limits_that_make_no_sense(limits: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        CableLimits(**limits)


def test_limits_cannot_be_raised(supply: PowerSupply) -> None:
    with pytest.raises(AttributeError):
        supply.channel(1).limits.max_volts = 30  # type: ignore[misc]


def test_limits_must_fit_the_model(open_supply: Open) -> None:
    with pytest.raises(UsageError, match=r"goes up to 5\.3"):
        open_supply(limits={3: CableLimits(6, 1, 7, 1)})
    with pytest.raises(UsageError, match="has channels"):
        open_supply(limits={4: CableLimits(5, 1, 6, 1)})
    with pytest.raises(ConfigError, match="DP832"):
        open_supply(model="DP999")


def test_only_channels_with_a_cable_can_be_used(supply: PowerSupply) -> None:
    with pytest.raises(UsageError, match="no cable limits for channel 2"):
        supply.channel(2)


def test_closing_twice_is_fine_and_using_it_then_is_not(supply: PowerSupply) -> None:
    channel = supply.channel(1)
    supply.close()
    supply.close()
    with pytest.raises(UsageError, match="closed"):
        channel.measure()
    assert "closed" in supply.safe_state().problem


def test_an_error_queue_without_end_is_an_error(supply: PowerSupply, part: Part) -> None:
    part.control({"fault": "text", "match": "SYST:ERR", "text": '-100,"Command error"'})
    with pytest.raises(Exception, match="never ends"):
        Console(supply._link).drain_errors()
