"""What a model can do, as data: each feature with the strings that work it.

Templates hold ``{n}`` for the channel and ``{value}`` for what is set, in the format it wants. A
feature that a model lacks is None in its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hil.equipment.power_supply.forms import Bits, NumberForm, Word, YesNo
from hil.equipment.power_supply.readings import Regulation


@dataclass(frozen=True, slots=True)
class Selection:
    """A command that says which channel the following ones are for.

    ``joined``: it stands in one message with them, so that nobody can come in between.
    """

    command: str
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """A programmable value: what sets it, what reads it back, its unit and resolution.

    ``scale`` is what one second, volt or ampere is in the instrument's own unit (1000 for ms).
    """

    set: str
    get: str
    unit: str
    step: float
    form: NumberForm
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that is on or off: what switches it, and what tells."""

    set: str
    on: str
    off: str
    state: YesNo


@dataclass(frozen=True, slots=True)
class Output:
    """How outputs go on and off.

    ``master``: a channel gives power only while this one is on too. ``together``: all channels go
    on and off with one switch. ``also_off``: outputs that can be switched, but neither set nor
    asked; they are told to go off with the others.
    """

    switch: Switch
    master: Switch | None = None
    together: bool = False
    also_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Protection:
    """OVP or OCP.

    Without ``level`` it acts at the set point itself: an OCP then trips when the current limit is
    entered (as a fuse does). Without ``switch`` it always watches. ``delay`` is in seconds.
    ``not_below_setting``: a level below the present set point is refused or trips at once.
    """

    level: Setting | None
    switch: Switch | None
    delay: Setting | None = None
    not_below_setting: bool = False


@dataclass(frozen=True, slots=True)
class Trip:
    """A protection that switches the output off by itself, and what tells that it did."""

    name: str
    told_by: YesNo


@dataclass(frozen=True, slots=True)
class Measurement:
    """A query that measures: its fields in order and the number form of each."""

    query: str
    fields: tuple[tuple[Literal["volts", "amps", "watts", "other"], NumberForm], ...]

    @property
    def length(self) -> int | None:
        """Bytes of the reply where nothing ends it: such replies have one field."""
        return self.fields[0][1].length


@dataclass(frozen=True, slots=True)
class Condition:
    """Bits of constant current and constant voltage; where one is None, the other's absence."""

    current: Bits | None
    voltage: Bits | None


@dataclass(frozen=True, slots=True)
class ModeWord:
    """A query answered by the name of what rules the output."""

    query: str
    answers: Mapping[str, Regulation]


@dataclass(frozen=True, slots=True)
class ErrorQuery:
    """What asks for errors: a queue of ``pair`` s (code and name), or a ``number`` that clears."""

    query: str
    form: Literal["pair", "number"] = "pair"
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Panel:
    """Remote control and the front panel.

    ``only_on_serial``: the commands exist on a serial line only, and must come before all others
    there. ``lock`` takes the panel's own way back; ``locked_by_other`` tells that another interface
    holds the instrument.
    """

    remote: str | None = None
    local: str | None = None
    lock: str | None = None
    only_on_serial: bool = False
    locked_by_other: Word | None = None


@dataclass(frozen=True, slots=True)
class Sequencing:
    """A list of set points that the instrument steps through by itself.

    ``step`` is sent for each step, with ``{index}`` (from ``first_index`` on), ``{volts}``,
    ``{amps}`` and ``{seconds}``; then ``load``, with ``{volts}``, ``{amps}`` and ``{seconds}`` as
    comma-separated lists, ``{triples}`` (volts, amps, seconds of each step) and ``{count}``.
    Where nothing tells whether it is ``playing``, that is reckoned from the times of the steps.
    """

    shortest_s: float
    longest_s: float
    resolution_s: float
    most_steps: int
    load: tuple[str, ...]
    start: tuple[str, ...]
    stop: tuple[str, ...]
    source: str
    playing: YesNo | None = None
    step: str | None = None
    first_index: int = 0
    number: str = "{:.3f}"
    seconds: str = "{:.3f}"
