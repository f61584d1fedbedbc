"""Status: standard events, OPERation and QUEStionable trees, status byte.

IEEE 488.2 chapter 11, SCPI-99 volume 2 chapter 20. Both trees are alike: bit 13 of the top sums up
INSTrument, whose bit n sums up ISUMmary n (SCPI-99 20.1 and 20.2, DP800 guide table 1-2).
Conditions are those of the outputs at this instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hil.virtual.power_supply.scpi_errors import ErrorQueue, event_bit

OPERATION_COMPLETE, POWER_ON = 0x01, 0x80
MESSAGE_AVAILABLE, MASTER = 0x10, 0x40
"""Bits of the status byte that depend on the line: MAV, and MSS or RQS."""
_QUEUE, _QUESTIONABLE, _EVENTS, _OPERATION = 0x04, 0x08, 0x20, 0x80
_INSTRUMENT_SUMMARY = 1 << 13
ALL_BITS = 0x7FFF
"""Bit 15 is never used, so that a register reads as a positive number (SCPI-99 20.1)."""


@dataclass(slots=True)
class Register:
    """One SCPI register group: condition (live), event (latched at its edges), enable."""

    condition: int = 0
    event: int = 0
    enable: int = 0
    positive: int = ALL_BITS
    negative: int = 0

    def update(self, condition: int) -> None:
        """Take the condition of now and latch its edges."""
        rising = condition & ~self.condition & self.positive
        falling = self.condition & ~condition & self.negative
        self.event |= rising | falling
        self.condition = condition

    def take_event(self) -> int:
        """Return the event register; reading clears it."""
        event, self.event = self.event, 0
        return event

    @property
    def summary(self) -> bool:
        """Whether an enabled event is latched."""
        return bool(self.event & self.enable)


@dataclass(slots=True)
class RegisterTree:
    """A top register, its INSTrument register and one ISUMmary register an output."""

    channels: dict[int, Register]
    top: Register = field(default_factory=Register)
    instrument: Register = field(default_factory=Register)

    def refresh(self, conditions: Mapping[int, int]) -> None:
        """Take the live condition of every output and carry the summaries up."""
        # Before every unit of a message: most of the time nothing has moved, and there is no edge.
        summary = 0
        for number, condition in conditions.items():
            register = self.channels[number]
            if condition != register.condition:
                register.update(condition)
            if register.event & register.enable:
                summary |= 1 << number
        if summary != self.instrument.condition:
            self.instrument.update(summary)
        top = _INSTRUMENT_SUMMARY if self.instrument.summary else 0
        if top != self.top.condition:
            self.top.update(top)

    def preset(self) -> None:
        """Do ``STATus:PRESet``: the top enable to 0, lower ones to all, filters to rising edges."""
        for register in self.registers():
            register.enable = ALL_BITS
            register.positive, register.negative = ALL_BITS, 0
        self.top.enable = 0

    def registers(self) -> tuple[Register, ...]:
        """Return every register of the tree."""
        return (self.top, self.instrument, *self.channels.values())


class Status:
    """The whole status model of a supply with ``channels`` outputs."""

    def __init__(self, channels: int, queue_depth: int) -> None:
        numbers = range(1, channels + 1)
        self.errors = ErrorQueue(queue_depth)
        self.standard_event = POWER_ON
        self.standard_enable = 0
        self.service_enable = 0
        self.operation = RegisterTree({number: Register() for number in numbers})
        self.questionable = RegisterTree({number: Register() for number in numbers})
        self.preset()

    def error(self, code: int) -> None:
        """Queue an error and set its bit."""
        self.errors.push(code)
        self.standard_event |= event_bit(code)

    def clear(self) -> None:
        """Do ``*CLS``: events and the queue, never the enables."""
        self.errors.clear()
        self.standard_event = 0
        for register in (*self.operation.registers(), *self.questionable.registers()):
            register.event = 0

    def preset(self) -> None:
        """Do ``STATus:PRESet``; the registers of IEEE 488.2 stay as they are."""
        self.operation.preset()
        self.questionable.preset()

    def take_standard_event(self) -> int:
        """Return the standard event register; reading clears it."""
        event, self.standard_event = self.standard_event, 0
        return event

    def byte(self, *, message_available: bool = False) -> int:
        """Return the status byte with its master summary; only some lines know MAV."""
        value = _QUEUE if len(self.errors) else 0
        value |= _QUESTIONABLE if self.questionable.top.summary else 0
        value |= MESSAGE_AVAILABLE if message_available else 0
        value |= _EVENTS if self.standard_event & self.standard_enable else 0
        value |= _OPERATION if self.operation.top.summary else 0
        return value | (MASTER if value & self.service_enable & ~MASTER else 0)
