"""A model of supply as data: every string it wants and gives, never computed, stored as printed.

A row may leave a feature out (None) as well as word it otherwise. Adding a model is one module
under ``models`` with one row or several; see docs/power-supply-models.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from hil.equipment.power_supply.features import (
    Condition,
    ErrorQuery,
    Measurement,
    ModeWord,
    Output,
    Panel,
    Protection,
    Selection,
    Sequencing,
    Setting,
    Switch,
    Trip,
)
from hil.equipment.power_supply.forms import (
    ANY_BOOLEAN,
    ON_OFF,
    ONE_ZERO,
    Bits,
    NumberForm,
    RegisterForm,
    Word,
    YesNo,
)
from hil.equipment.power_supply.ratings import (
    Accuracy,
    ChannelAccuracy,
    ChannelRange,
    StatedAccuracy,
)
from hil.equipment.power_supply.readings import Identity

__all__ = [
    "ANY_BOOLEAN",
    "ONE_ZERO",
    "ON_OFF",
    "Accuracy",
    "Bits",
    "ChannelAccuracy",
    "ChannelRange",
    "Condition",
    "Dialect",
    "ErrorQuery",
    "Framing",
    "Measurement",
    "ModeWord",
    "NumberForm",
    "Output",
    "Panel",
    "Protection",
    "RegisterForm",
    "Selection",
    "Sequencing",
    "SerialLine",
    "Setting",
    "Switch",
    "Trip",
    "Word",
    "YesNo",
]

Parity = Literal["none", "even", "odd"]
FlowControl = Literal["none", "rts-cts", "dtr-dsr", "xon-xoff"]


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial line: bits a second, bits, parity and stop bits of a character, flow control."""

    baudrate: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Parity = "none"
    stop_bits: Literal[1, 2] = 1
    flow_control: FlowControl = "none"


@dataclass(frozen=True, slots=True)
class Framing:
    """How messages end on the line; ``pacing_s`` is the rest the model needs before the next.

    Without ``read_termination`` a reply ends after the bytes that its number form says, or, where
    it says none, after ``silence_s`` without a byte; ``stray_bytes`` more are thrown away.
    """

    write_termination: bytes = b"\n"
    read_termination: bytes = b"\n"
    pacing_s: float = 0.0
    silence_s: float = 0.1
    stray_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Dialect:
    """One model of supply. Sources of its strings stand in the module that holds the row.

    ``identity`` is None for a model that cannot say who it is; ``identify`` is then not sent.
    ``clear_trip`` are the commands that clear latched trips; with ``clear_restores_output`` they
    also switch on what was on before. ``prepare`` is sent once after opening.
    """

    model: str
    maker: str
    identity: re.Pattern[str] | None
    channels: Mapping[int, ChannelRange]
    volts: Setting
    amps: Setting
    output: Output
    measure: tuple[Measurement, ...]
    accuracy: ChannelAccuracy
    ovp: Protection | None = None
    ocp: Protection | None = None
    trips: tuple[Trip, ...] = ()
    clear_trip: tuple[str, ...] = ()
    clear_restores_output: bool = False
    regulation: Condition | ModeWord | None = None
    errors: tuple[ErrorQuery, ...] = ()
    selection: Selection | None = None
    sequencing: Sequencing | None = None
    sense: Switch | None = None
    panel: Panel = field(default_factory=Panel)
    framing: Framing = field(default_factory=Framing)
    serial_line: SerialLine = field(default_factory=SerialLine)
    identify: str = "*IDN?"
    clear_status: str | None = "*CLS"
    prepare: tuple[str, ...] = ()

    def read_identity(self, reply: str) -> Identity | None:
        """Return who answered, or None if it is no instrument of this model."""
        if self.identity is None:
            return Identity(self.maker, self.model, "", "", "")
        match = self.identity.fullmatch(reply.strip())
        if match is None:
            return None
        fields = {name: (text or "").strip() for name, text in match.groupdict().items()}
        return Identity(
            fields.get("maker") or self.maker,
            fields.get("model") or self.model,
            fields.get("serial", ""),
            fields.get("firmware", ""),
            reply.strip(),
        )

    def accuracy_of(self, channel: int) -> ChannelAccuracy:
        """Return the limits of error of one channel."""
        return self.channels[channel].accuracy or self.accuracy

    def with_accuracy(self, stated: StatedAccuracy) -> Dialect:
        """Return the model with the limits of error that a lab states, on all its channels."""
        channels = {
            number: replace(one, accuracy=self.accuracy_of(number).stated(stated))
            for number, one in self.channels.items()
        }
        return replace(self, channels=channels, accuracy=self.accuracy.stated(stated))
