"""What rules an output: its set voltage or its current limit."""

from __future__ import annotations

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import ModeWord
from hil.equipment.power_supply.readings import Regulation
from hil.equipment.power_supply.switching_off import read_once


def regulation_of(console: Console, number: int) -> Regulation:
    """Return what rules an output that is on: as the model tells, else by what it measures."""
    told = console.dialect.regulation
    if told is None:
        return _by_reading(console, number)
    if isinstance(told, ModeWord):
        return console.ask(
            told.query,
            lambda reply, where: replies.read_word(reply, told.answers, where),
            console.where(number),
            channel=number,
        )
    if told.current is None:
        assert told.voltage is not None  # noqa: S101 - a row has at least one of them
        return "voltage" if console.yes(told.voltage, number) else "current"
    current = console.yes(told.current, number)
    if told.voltage is None:
        return "current" if current else "voltage"
    if current is console.yes(told.voltage, number):
        return "unregulated"
    return "current" if current else "voltage"


def _by_reading(console: Console, number: int) -> Regulation:
    row, off_by = console.dialect, console.dialect.accuracy_of(number)
    volts, amps = console.value(row.volts, number), console.value(row.amps, number)
    reading = read_once(console, number)
    volts_within = off_by.set_volts.at(volts) + off_by.read_volts.at(volts) + 2 * row.volts.step
    if abs(reading.volts - volts) <= volts_within:
        return "voltage"
    amps_within = off_by.set_amps.at(amps) + off_by.read_amps.at(amps) + 2 * row.amps.step
    return "current" if abs(reading.amps - amps) <= amps_within else "unregulated"
