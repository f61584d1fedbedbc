"""The shapes of a stimulus: immutable, and the same for every supply.

Levels are volts unless ``unit`` is ``"A"``: then the shape moves the current limit, and the volts
stay. Times are seconds, voltages and currents are the supply's set points, not what the pin sees.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from hil.errors import UsageError

Unit = Literal["V", "A"]
LEAD_S = 0.2
"""Rest before and after a pulse, where none is given."""

RAMP_REST = 4
"""A step of a ramp lasts at least so many times what one set point takes."""


@dataclass(frozen=True, slots=True)
class SetPoint:
    """From ``at_s`` on: volts, current limit in amps, output on or off; None leaves it as it is."""

    at_s: float
    volts: float | None = None
    amps: float | None = None
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine a supply is: least time between two set points, and its steps of volts and amps."""

    shortest_s: float
    volts: float
    amps: float


class Stimulus(ABC):
    """Set points over time. ``first + second`` plays one after the other."""

    __slots__ = ()

    @property
    @abstractmethod
    def seconds(self) -> float:
        """How long it takes; the last set point lasts until then."""

    @abstractmethod
    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return its set points in the order of time, the first at 0 s."""

    def __add__(self, other: Stimulus) -> Series:
        """Play ``other`` right behind this one."""
        return Series((*_parts(self), *_parts(other)))


@dataclass(frozen=True, slots=True)
class Series(Stimulus):
    """One stimulus behind the other."""

    parts: tuple[Stimulus, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise UsageError("a series needs at least one stimulus")

    @property
    def seconds(self) -> float:
        """The sum of its parts."""
        return math.fsum(part.seconds for part in self.parts)

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return the set points of all parts, each moved behind the one before."""
        found: list[SetPoint] = []
        for index, part in enumerate(self.parts):
            # Summed anew for each part: errors of adding floats must not pile up.
            begin = math.fsum(before.seconds for before in self.parts[:index])
            found += [
                SetPoint(begin + point.at_s, point.volts, point.amps, point.on)
                for point in part.set_points(grain)
            ]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Hold(Stimulus):
    """Stay at ``level`` for ``for_s`` seconds; the output is on."""

    level: float
    for_s: float
    unit: Unit = "V"

    def __post_init__(self) -> None:
        _check_level(self.level, self.unit)
        _check_time("for_s", self.for_s)

    @property
    def seconds(self) -> float:
        """How long it holds."""
        return self.for_s

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:  # noqa: ARG002 - as fine as any
        """Return its one set point."""
        return (_point(0.0, self.level, self.unit),)


@dataclass(frozen=True, slots=True)
class Open(Stimulus):
    """Switch the output off for ``for_s`` seconds, as near to an open pin as a supply comes."""

    for_s: float

    def __post_init__(self) -> None:
        _check_time("for_s", self.for_s)

    @property
    def seconds(self) -> float:
        """How long it stays off."""
        return self.for_s

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:  # noqa: ARG002 - as fine as any
        """Return its one set point."""
        return (SetPoint(0.0, on=False),)


@dataclass(frozen=True, slots=True)
class Step(Stimulus):
    """From one level to another, once."""

    before: float
    after: float
    before_s: float = LEAD_S
    after_s: float = LEAD_S
    unit: Unit = "V"

    def __post_init__(self) -> None:
        _holds(self)

    @property
    def seconds(self) -> float:
        """Both stays together."""
        return _holds(self).seconds

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return its two set points."""
        return _holds(self).set_points(grain)


@dataclass(frozen=True, slots=True)
class Pulse(Stimulus):
    """From ``base`` to ``level`` for ``width_s`` seconds and back, resting before and after."""

    level: float
    width_s: float
    base: float = 0.0
    lead_s: float = LEAD_S
    tail_s: float = LEAD_S
    unit: Unit = "V"

    def __post_init__(self) -> None:
        _pulse(self)

    @property
    def seconds(self) -> float:
        """The pulse with its rests."""
        return _pulse(self).seconds

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return its three set points."""
        return _pulse(self).set_points(grain)


@dataclass(frozen=True, slots=True)
class Dropout(Stimulus):
    """Hold ``level``, lose it for ``width_s`` seconds (down to ``to``), and hold it again."""

    level: float
    width_s: float
    to: float = 0.0
    lead_s: float = LEAD_S
    tail_s: float = LEAD_S
    unit: Unit = "V"

    def __post_init__(self) -> None:
        _dropout(self)

    @property
    def seconds(self) -> float:
        """The dropout with what is held before and after."""
        return _dropout(self).seconds

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return its three set points."""
        return _dropout(self).set_points(grain)


@dataclass(frozen=True, slots=True)
class Chatter(Stimulus):
    """In and out, ``times`` times: ``outside`` for ``outside_s``, then ``inside`` for ``inside_s``.

    It ends outside, for ``tail_s`` seconds.
    """

    inside: float
    outside: float
    inside_s: float
    outside_s: float
    times: int
    tail_s: float = LEAD_S
    unit: Unit = "V"

    def __post_init__(self) -> None:
        if not 1 <= self.times <= 10_000:
            raise UsageError(f"chatter goes in and out 1 to 10,000 times, not {self.times}")
        _chatter(self)

    @property
    def seconds(self) -> float:
        """All stays together."""
        return _chatter(self).seconds

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return two set points a turn, and the one it begins with."""
        return _chatter(self).set_points(grain)


@dataclass(frozen=True, slots=True)
class Ramp(Stimulus):
    """From ``start`` to ``end`` in ``for_s`` seconds, in equal steps.

    ``steps`` None: as many as the supply resolves and can be told in time.
    """

    start: float
    end: float
    for_s: float
    steps: int | None = None
    unit: Unit = "V"

    def __post_init__(self) -> None:
        _check_level(self.start, self.unit)
        _check_level(self.end, self.unit)
        _check_time("for_s", self.for_s)
        if self.steps is not None and not 1 <= self.steps <= 100_000:
            raise UsageError(f"a ramp has 1 to 100,000 steps, not {self.steps}")

    @property
    def seconds(self) -> float:
        """How long it climbs or falls."""
        return self.for_s

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:
        """Return its start and its steps; it stands at ``end`` for the last of them."""
        steps = self.steps or self._finest(grain)
        return tuple(
            _point(
                self.for_s * index / (steps + 1),
                self.start + (self.end - self.start) * index / steps,
                self.unit,
            )
            for index in range(steps + 1)
        )

    def _finest(self, grain: Grain) -> int:
        step = grain.volts if self.unit == "V" else grain.amps
        resolved = math.floor(abs(self.end - self.start) / step + 1e-6)
        told = math.floor(self.for_s / (RAMP_REST * grain.shortest_s) + 1e-6) - 1
        return max(1, min(resolved, told))


@dataclass(frozen=True, slots=True)
class Sequence(Stimulus):
    """Any levels, each with its seconds: ``Sequence(((1.8, 0.1), (0.0, 0.05)))``."""

    levels: tuple[tuple[float, float], ...]
    unit: Unit = "V"

    def __post_init__(self) -> None:
        if not self.levels:
            raise UsageError("a sequence needs at least one level")
        for level, seconds in self.levels:
            Hold(level, seconds, self.unit)

    @property
    def seconds(self) -> float:
        """All stays together."""
        return math.fsum(seconds for _, seconds in self.levels)

    def set_points(self, grain: Grain) -> tuple[SetPoint, ...]:  # noqa: ARG002 - as fine as any
        """Return a set point for each level."""
        return tuple(
            _point(math.fsum(s for _, s in self.levels[:index]), level, self.unit)
            for index, (level, _) in enumerate(self.levels)
        )


def _holds(step: Step) -> Sequence:
    return Sequence(((step.before, step.before_s), (step.after, step.after_s)), step.unit)


def _pulse(pulse: Pulse) -> Sequence:
    rests = ((pulse.base, pulse.lead_s), (pulse.level, pulse.width_s), (pulse.base, pulse.tail_s))
    return Sequence(rests, pulse.unit)


def _dropout(dropout: Dropout) -> Sequence:
    held, lost = (dropout.level, dropout.lead_s), (dropout.to, dropout.width_s)
    return Sequence((held, lost, (dropout.level, dropout.tail_s)), dropout.unit)


def _chatter(chatter: Chatter) -> Sequence:
    turn = ((chatter.outside, chatter.outside_s), (chatter.inside, chatter.inside_s))
    return Sequence((*turn * chatter.times, (chatter.outside, chatter.tail_s)), chatter.unit)


def _parts(stimulus: Stimulus) -> tuple[Stimulus, ...]:
    return stimulus.parts if isinstance(stimulus, Series) else (stimulus,)


def _point(at_s: float, level: float, unit: Unit) -> SetPoint:
    return SetPoint(at_s, level, on=True) if unit == "V" else SetPoint(at_s, amps=level, on=True)


def _check_level(level: float, unit: str) -> None:
    if unit not in ("V", "A"):
        raise UsageError(f"the unit of a stimulus is 'V' or 'A', not {unit!r}")
    if not (math.isfinite(level) and level >= 0):
        raise UsageError(f"a level of a stimulus is 0 {unit} or more, not {level}")


def _check_time(name: str, seconds: float) -> None:
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"{name} of a stimulus is above 0 s, not {seconds}")
