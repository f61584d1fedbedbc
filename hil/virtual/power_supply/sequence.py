"""A sequence that an output plays by itself: steps of volts, amps and dwell, some times over."""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.virtual.electrical import NS


@dataclass(frozen=True, slots=True)
class Step:
    """Set values (None: as they are) and how long they stay, in seconds."""

    volts: float | None
    amps: float | None
    dwell_s: float


@dataclass(slots=True)
class Playing:
    """A sequence at work: ``times`` None repeats for ever; ``after`` is what it ends with."""

    steps: tuple[Step, ...]
    times: int | None
    after: Step
    next_ns: int = 0
    _index: int = field(default=0)

    def begin(self, now_ns: int) -> None:
        """Begin at ``now_ns``."""
        self.next_ns, self._index = now_ns, 0

    @property
    def end_ns(self) -> int | None:
        """When the last values are taken, or None if that never happens."""
        if self.times is None:
            return None
        left = len(self.steps) * self.times - self._index
        dwells = (self.steps[(self._index + i) % len(self.steps)].dwell_s for i in range(left))
        return self.next_ns + round(sum(dwells) * NS)

    @property
    def done(self) -> bool:
        """Whether the last values have been taken."""
        return self.times is not None and self._index > len(self.steps) * self.times

    def take(self) -> tuple[float | None, float | None]:
        """Take the values that begin at :attr:`next_ns`, and set when the next ones begin."""
        over = self.times is not None and self._index == len(self.steps) * self.times
        step = self.after if over else self.steps[self._index % len(self.steps)]
        self._index += 1
        self.next_ns += round(step.dwell_s * NS)
        return step.volts, step.amps


@dataclass(slots=True)
class Transient:
    """What an output does on its next trigger: modes, triggered levels, lists.

    ``times`` None repeats for ever; ``last`` keeps the last step's values at the end.
    """

    volts_mode: str = "FIX"
    amps_mode: str = "FIX"
    volts: float = 0.0
    amps: float = 0.0
    volts_list: tuple[float, ...] = (0.0,)
    amps_list: tuple[float, ...] = (0.0,)
    dwell_list: tuple[float, ...] = (0.01,)
    times: int | None = 1
    last: bool = False
    by_bus: bool = True

    @property
    def lists(self) -> bool:
        """Whether a list is to be played."""
        return "LIST" in {self.volts_mode, self.amps_mode}

    def length(self) -> int | None:
        """Return how many steps the lists have, or None if they do not fit together.

        A list of one value goes with lists of any length.
        """
        used = [self.dwell_list]
        used += [self.volts_list] if self.volts_mode == "LIST" else []
        used += [self.amps_list] if self.amps_mode == "LIST" else []
        lengths = {len(values) for values in used} - {1}
        return None if len(lengths) > 1 else max(lengths, default=1)

    def playing(self, before: Step) -> Playing:
        """Return the sequence that a trigger begins; ``before`` are the values of now."""
        if not self.lists:
            step = Step(
                self.volts if self.volts_mode == "STEP" else None,
                self.amps if self.amps_mode == "STEP" else None,
                0.0,
            )
            return Playing((step,), 1, Step(None, None, 0.0))
        steps = tuple(
            Step(
                _entry(self.volts_list, index) if self.volts_mode == "LIST" else None,
                _entry(self.amps_list, index) if self.amps_mode == "LIST" else None,
                _entry(self.dwell_list, index),
            )
            for index in range(self.length() or 1)
        )
        return Playing(steps, self.times, Step(None, None, 0.0) if self.last else before)


def _entry(values: tuple[float, ...], index: int) -> float:
    return values[0] if len(values) == 1 else values[index]
