"""One conversation from opening to off, and what bad replies come to, for any model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil.equipment.power_supply import (
    CableLimits,
    IdentityError,
    InstrumentError,
    LinkTimeoutError,
    NoValueError,
    PowerSupply,
    TripError,
)
from hil.equipment.power_supply.models import dialect_answering, dialect_of
from hil.errors import ProtocolError
from tests.power_supply.conversations.scripted import Line, Manual, Scripted

VOLTS, AMPS = 3.3, 0.5


def limits_for(manual: Manual) -> CableLimits:
    """Return cable limits of 5 V and 1 A, with a waiver for what the model lacks."""
    row = dialect_of(manual.model)
    return CableLimits(
        max_volts=5.0,
        max_amps=1.0,
        ovp_volts=5.5 if row.ovp else None,
        ocp_amps=1.05 if row.ocp else None,
        without_ovp="" if row.ovp else "crowbar on the fixture",
        without_ocp="" if row.ocp else "fuse on the fixture",
    )


@contextmanager
def on_the_line(manual: Manual) -> Iterator[tuple[Line, Scripted]]:
    instrument = manual.instrument()
    line = Line(instrument, serial=manual.serial)
    try:
        yield line, instrument
    finally:
        line.close()


@contextmanager
def opened(
    manual: Manual, *, model: str | None = None, timeout_s: float = 1.0
) -> Iterator[tuple[PowerSupply, Scripted]]:
    with on_the_line(manual) as (line, instrument):
        supply = PowerSupply.open(
            line.resource,
            model=manual.model if model is None else model,
            limits={1: limits_for(manual)},
            timeout_s=timeout_s,
        )
        try:
            yield supply, instrument
        finally:
            supply.close()


def commands(heard: list[str]) -> list[str]:
    """Return what was told, not asked, without the selection of a channel."""
    heard = [text for text in heard if not text.startswith("INST:") or ";" in text]
    return [text for text in heard if not text.rpartition(";")[2].split(" ")[0].endswith("?")]


def the_whole_way(manual: Manual) -> None:
    """Open, safe, protect, apply, on, measure, status, trip, clear, off: all in its own words."""
    with opened(manual) as (supply, instrument):
        state = instrument.state
        assert supply.identity.raw == manual.identity
        assert not state["on"], "opening leaves it off"
        begun = len(instrument.heard)
        channel = supply.channel(1)
        channel.protect()
        channel.apply(VOLTS, AMPS)
        assert not state["on"]
        reading = channel.on()
        assert commands(instrument.heard[begun:]) == list(manual.sets)
        assert (state["volts"], state["amps"], state["on"]) == (VOLTS, AMPS, True)
        assert reading.volts == pytest.approx(VOLTS, abs=0.006)
        status = channel.status()
        assert (status.on, status.regulation, status.trips) == (True, "voltage", ())
        assert (status.set_volts, status.set_amps) == (VOLTS, AMPS)
        assert status.ovp_on is (supply._console.dialect.ovp is not None)

        state.update(manual.trip, on=False)
        status = channel.status()
        assert (status.on, status.trips) == (False, tuple(manual.told))
        if manual.told:
            with pytest.raises(TripError, match=manual.told[0]):
                channel.on()
        before = len(instrument.heard)
        channel.clear_trip()
        assert set(manual.clears) <= set(instrument.heard[before:])
        assert not state["on"], "clearing never leaves it on"
        assert channel.status().trips == ()

        channel.protect()
        channel.apply(VOLTS, AMPS)
        channel.on()
        assert state["on"]
        assert channel.off().proven
        assert not state["on"]
        assert supply.errors() == []
    assert instrument.strangers == []


def known_by_its_answer(manual: Manual) -> None:
    """``auto`` finds the model by ``*IDN?``, and no other row takes its identity."""
    row = dialect_answering(manual.identity)
    assert row is dialect_of(manual.model)
    if manual.write_end:
        with opened(manual, model="auto") as (supply, instrument):
            assert supply.model == manual.model
            assert supply.channel(1).measure().volts == pytest.approx(0.0, abs=0.001)
        assert instrument.strangers == []


def bad_replies(manual: Manual) -> None:
    """A reply cut short, doubled, without value or of another instrument is never a value."""
    with opened(manual, timeout_s=0.3) as (supply, instrument):
        channel = supply.channel(1)

        def measure_with(change: object) -> None:
            def garble(message: str, reply: bytes) -> bytes:
                if message != manual.measured:
                    return reply
                instrument.garble = lambda _message, sound: sound
                return change(reply)  # type: ignore[operator, no-any-return]

            instrument.garble = garble
            channel.measure()

        with pytest.raises((ProtocolError, LinkTimeoutError)):
            measure_with(manual.cut)
        assert channel.measure().volts == pytest.approx(0, abs=0.001)

        def measure_twice() -> None:
            # What comes behind the first reply is seen with it, or before the next query.
            measure_with(lambda reply: reply + reply)
            channel.measure()

        with pytest.raises(ProtocolError, match=r"more than one reply|unasked|not a number"):
            measure_twice()
        assert channel.measure().volts == pytest.approx(0, abs=0.001)
        with pytest.raises(NoValueError if manual.read_end else ProtocolError):
            measure_with(lambda _reply: manual.no_value + manual.read_end)
        with pytest.raises(LinkTimeoutError):
            measure_with(lambda _reply: b"")
        assert channel.measure().volts == pytest.approx(0, abs=0.001)
        instrument.garble = lambda message, reply: (
            reply if message != "*IDN?" else b"ACME,X1,0,0" + manual.read_end
        )
        supply._link.drop()
        with pytest.raises(IdentityError, match="ACME"):
            channel.measure()
    with on_the_line(manual) as (line, instrument):
        instrument.garble = lambda message, reply: (
            reply if message != "*IDN?" else b"ACME,X1,0,0" + manual.read_end
        )
        with pytest.raises(IdentityError, match=f"not a {manual.model}"):
            PowerSupply.open(
                line.resource, model=manual.model, limits={1: limits_for(manual)}, timeout_s=1.0
            )


def check_all(manual: Manual) -> None:
    """Do all that every model must stand."""
    the_whole_way(manual)
    known_by_its_answer(manual)
    bad_replies(manual)


def a_queued_error(manual: Manual, query: str, entry: str, code: int) -> None:
    """An error of the instrument after a command is an error here, with its code."""
    with opened(manual) as (supply, instrument):
        left = [entry]

        def garble(message: str, reply: bytes) -> bytes:
            if message == query and left:
                return left.pop().encode() + manual.read_end
            return reply

        instrument.garble = garble
        with pytest.raises(InstrumentError) as caught:
            supply.channel(1).protect()
        assert caught.value.code == code
