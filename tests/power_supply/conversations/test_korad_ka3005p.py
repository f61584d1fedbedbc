"""Korad and Tenma: a serial line without any terminator, a raw status byte, no errors, no trips."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply, SerialLine
from hil.errors import ConfigError, LinkError, ProtocolError
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
    bad_replies,
    known_by_its_answer,
    limits_for,
    on_the_line,
    opened,
    the_whole_way,
)


def status(state: State) -> str:
    byte = 0x01 * (not state["cc"]) | 0x10 | 0x20 * state["ocp"] | 0x40 * state["on"]
    return chr(byte | 0x80 * state["ovp"])


KA3005P = Manual(
    model="KA3005P",
    identity="KORADKA3005PV2.0",
    state={"on": True, "volts": 12.0, "amps": 1.0, "ocp": 0, "ovp": 0, "cc": 0},
    phrases=[
        says("*IDN?", "KORADKA3005PV2.0"),
        sets("VSET1:<x>", "volts"),
        tells("VSET1?", "volts", "{:05.2f}"),
        sets("ISET1:<x>", "amps"),
        tells("ISET1?", "amps", "{:.3f}K"),  # the stray sixth byte
        does("OUT1", on=True),
        does("OUT0", on=False),
        tells("VOUT1?", output_volts, "{:05.2f}"),
        says("IOUT1?", "0.001"),
        does("OVP1", ovp=1),
        does("OVP0", ovp=0),
        does("OCP1", ocp=1),
        does("OCP0", ocp=0),
        tells("STATUS?", status),
    ],
    sets=["OVP1", "OCP1", "ISET1:0.500", "VSET1:03.30", "OUT1"],
    trip={},
    told=[],
    clears=[],
    serial=True,
    write_end=b"",
    read_end=b"",
    measured="VOUT1?",
    cut=lambda reply: reply[:-1],
    no_value=b"9.9E3",
)
TENMA = replace(
    KA3005P,
    model="72-2540",
    identity="TENMA 72-2540 V2.1",
    phrases=[says("*IDN?", "TENMA 72-2540 V2.1"), *KA3005P.phrases],
)


@pytest.mark.parametrize("one", [KA3005P, TENMA], ids=lambda one: str(one.model))
def test_the_whole_way(one: Manual) -> None:
    the_whole_way(one)


@pytest.mark.parametrize("one", [KA3005P, TENMA], ids=lambda one: str(one.model))
def test_known_by_its_answer(one: Manual) -> None:
    known_by_its_answer(one)


def test_bad_replies() -> None:
    bad_replies(KA3005P)


def test_the_serial_number_of_younger_firmware() -> None:
    young = replace(
        KA3005P,
        phrases=[says("*IDN?", "KORAD KA3005P V5.8 SN:03379314"), *KA3005P.phrases],
    )
    with on_the_line(young) as (line, _):
        supply = PowerSupply.open(
            line.resource,
            model="KA3005P",
            limits={1: limits_for(KA3005P)},
            expected_serial="03379314",
        )
        assert (supply.identity.serial, supply.identity.firmware) == ("03379314", "5.8")
        supply.close()


@pytest.mark.parametrize("byte", [0x0A, 0x0D, 0x20, 0x00, 0x1C])
def test_a_status_byte_may_look_like_white_space(byte: int) -> None:
    with opened(KA3005P) as (supply, instrument):
        instrument.garble = lambda message, reply: bytes([byte]) if message == "STATUS?" else reply
        status_now = supply.channel(1).status()
        assert status_now.on is bool(byte & 0x40)
        assert status_now.ocp_on is bool(byte & 0x20)
        instrument.garble = lambda message, reply: reply


def test_more_than_a_stray_byte_is_noticed() -> None:
    with opened(KA3005P) as (supply, instrument):
        instrument.garble = lambda message, reply: reply + b"12" if message == "VOUT1?" else reply
        channel = supply.channel(1)
        with pytest.raises(ProtocolError, match="unasked"):
            channel.measure()
        instrument.garble = lambda message, reply: reply
        assert channel.measure().volts == 0


def test_constant_current_and_rest_between_messages() -> None:
    with opened(KA3005P) as (supply, instrument):
        instrument.state["on"] = True
        assert supply.channel(1).status().regulation == "voltage"
        instrument.state["cc"] = 1
        reading = supply.channel(1).measure()
        assert reading.span_ns > 40e6, "two queries need a rest of 50 ms between them"
        assert supply.channel(1).status().regulation == "current"
        instrument.state["on"] = False


def test_its_ovp_may_be_waived_for_firmware_that_hides_it() -> None:
    cable = CableLimits(5, 1, None, 1.2, without_ovp="firmware V1.3 shares bit 5")
    with on_the_line(KA3005P) as (line, instrument):
        supply = PowerSupply.open(line.resource, model="KA3005P", limits={1: cable})
        supply.channel(1).protect()
        assert "OVP1" not in instrument.heard
        supply.close()


def test_no_delay() -> None:
    cable = CableLimits(5, 1, 5.5, 1.2, ocp_delay_s=0.1)
    with on_the_line(KA3005P) as (line, _), pytest.raises(ConfigError, match="no delay"):
        PowerSupply.open(line.resource, model="KA3005P", limits={1: cable})


def test_the_line_is_set_as_stated() -> None:
    with on_the_line(KA3005P) as (line, _):
        supply = PowerSupply.open(
            line.resource,
            model="KA3005P",
            limits={1: limits_for(KA3005P)},
            serial_line=SerialLine(19_200, stop_bits=2),
        )
        wire = supply._link._wire
        port = wire._serial  # type: ignore[union-attr]
        assert (port.baud_rate, port.stop_bits.name) == (19_200, "two")
        supply.close()


def test_a_line_that_cannot_be_set_so_says_so() -> None:
    """A pseudo terminal knows no parity."""
    line_with_parity = SerialLine(parity="even")
    with on_the_line(KA3005P) as (line, _), pytest.raises(LinkError, match="parity='even'"):
        PowerSupply.open(
            line.resource,
            model="KA3005P",
            limits={1: limits_for(KA3005P)},
            serial_line=line_with_parity,
        )
