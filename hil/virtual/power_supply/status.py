"""Status: standard event register, questionable tree, status byte (IEEE 488.2 11, SCPI-99 20)."""

from __future__ import annotations

from dataclasses import dataclass

from hil.virtual.power_supply.scpi_errors import ErrorQueue, event_bit

OPERATION_COMPLETE, POWER_ON = 0x01, 0x80
_QUEUE, _QUESTIONABLE, _EVENTS, _MASTER, _OPERATION = 0x04, 0x08, 0x20, 0x40, 0x80
_INSTRUMENT_SUMMARY = 1 << 13
ALL_BITS = 0x7FFF


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


class Status:
    """The whole status model of a supply with ``channels`` outputs.

    QUEStionable bit 13 sums up INSTrument, whose bit n sums up ISUMmary n (DP800 guide table 1-2).
    """

    def __init__(self, channels: int, queue_depth: int) -> None:
        self.errors = ErrorQueue(queue_depth)
        self.standard_event = POWER_ON
        self.standard_enable = 0
        self.service_enable = 0
        self.operation = Register()
        self.questionable = Register()
        self.instrument = Register()
        self.channels = {number: Register() for number in range(1, channels + 1)}
        self.preset()

    def error(self, code: int) -> None:
        """Queue an error and set its bit."""
        self.errors.push(code)
        self.standard_event |= event_bit(code)

    def refresh(self, conditions: dict[int, int]) -> None:
        """Take the live condition of every channel and carry the summaries up."""
        summary = 0
        for number, condition in conditions.items():
            self.channels[number].update(condition)
            summary |= self.channels[number].summary << number
        self.instrument.update(summary)
        self.questionable.update(_INSTRUMENT_SUMMARY if self.instrument.summary else 0)

    def clear(self) -> None:
        """Do ``*CLS``: events and the queue, never the enables."""
        self.errors.clear()
        self.standard_event = 0
        for register in self._registers():
            register.event = 0

    def preset(self) -> None:
        """Do ``STATus:PRESet``: top enables to 0, lower ones to all, filters to rising edges."""
        for register in self._registers():
            register.enable = ALL_BITS
            register.positive, register.negative = ALL_BITS, 0
        self.operation.enable = self.questionable.enable = 0

    def take_standard_event(self) -> int:
        """Return the standard event register; reading clears it."""
        event, self.standard_event = self.standard_event, 0
        return event

    @property
    def byte(self) -> int:
        """The status byte as ``*STB?`` tells it. A raw socket has no reply waiting (MAV)."""
        value = _QUEUE if len(self.errors) else 0
        value |= _QUESTIONABLE if self.questionable.summary else 0
        value |= _EVENTS if self.standard_event & self.standard_enable else 0
        value |= _OPERATION if self.operation.summary else 0
        return value | (_MASTER if value & self.service_enable & ~_MASTER else 0)

    def _registers(self) -> tuple[Register, ...]:
        return (self.operation, self.questionable, self.instrument, *self.channels.values())
