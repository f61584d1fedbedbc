"""A model of supply as data: every string it wants and gives, never computed, stored as printed.

A row may leave a feature out (None) as well as word it otherwise. Templates hold ``{n}`` for the
channel and ``{value}`` for what is set. Adding a model is one module under ``models`` with one row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hil.equipment.power_supply.readings import Identity


@dataclass(frozen=True, slots=True)
class Framing:
    """How messages end on the line; ``pacing_s`` is the rest the model needs before the next."""

    write_termination: bytes = b"\n"
    read_termination: bytes = b"\n"
    pacing_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A data sheet's limit: ``relative`` of the value plus ``offset`` (volts or amps)."""

    relative: float
    offset: float

    def at(self, value: float) -> float:
        """Return the limit of error at ``value``."""
        return self.relative * abs(value) + self.offset


@dataclass(frozen=True, slots=True)
class ChannelAccuracy:
    """What a data sheet says of one channel: accuracy of settings and readings, their steps."""

    set_volts: Accuracy
    set_amps: Accuracy
    read_volts: Accuracy
    read_amps: Accuracy
    volts_step: float
    amps_step: float


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How a reply writes a number: fixed decimals (a cut-off reply has fewer), or NR3 if None."""

    decimals: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A programmable value: what sets it, what reads it back, its unit and resolution."""

    set: str
    get: str
    unit: str
    step: float
    form: NumberForm


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that is on or off; ``answers`` are all replies it may give."""

    set: str
    get: str
    on: str
    off: str
    answers: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Protection:
    """OVP or OCP: its level, whether it watches, whether it has tripped, how to clear that."""

    level: Setting
    state: Switch
    tripped: str
    tripped_answers: Mapping[str, bool]
    clear: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A query that measures: its fields in order and the number form of each."""

    query: str
    fields: tuple[tuple[Literal["volts", "amps", "watts"], NumberForm], ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition register: its query, and its bits for constant current and voltage."""

    query: str
    current: int
    voltage: int


@dataclass(frozen=True, slots=True)
class ChannelRange:
    """What one channel can be set to, in volts and amps."""

    max_volts: float
    max_amps: float
    max_ovp_volts: float
    max_ocp_amps: float


@dataclass(frozen=True, slots=True)
class Dialect:
    """One model of supply. Sources of its strings stand in the module that holds the row."""

    model: str
    identity: re.Pattern[str]
    channels: Mapping[int, ChannelRange]
    volts: Setting
    amps: Setting
    output: Switch
    measure: Measurement
    ovp: Protection
    ocp: Protection
    condition: Condition
    error: str
    set_volts: Accuracy
    set_amps: Accuracy
    read_volts: Accuracy
    read_amps: Accuracy
    framing: Framing = field(default_factory=Framing)
    identify: str = "*IDN?"
    clear_status: str | None = "*CLS"
    remote: str | None = None
    local: str | None = None

    def read_identity(self, reply: str) -> Identity | None:
        """Return who answered, or None if it is no instrument of this model."""
        match = self.identity.fullmatch(reply.strip())
        if match is None:
            return None
        return Identity(
            match["maker"].strip(),
            match["model"].strip(),
            match["serial"].strip(),
            match["firmware"].strip(),
            reply.strip(),
        )
