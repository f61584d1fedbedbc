"""The air as a model: when, how often and whether a short message arrives; not measured."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the air does to messages, alike in both directions.

    * ``latency_s``: each message takes this long, and up to ``jitter_s`` more;
    * ``loss``, ``duplication``, ``reordering``: probabilities from 0 to 1 for each message. A lost
      one is gone without a trace; a reordered one takes ``reorder_s`` longer and so lets others
      pass;
    * ``gaps``: (from, to) in seconds since the start, without coverage: messages wait at the
      centre, and a device cannot send.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    reorder_s: float = 0.2
    gaps: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for name in ("loss", "duplication", "reordering"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability from 0 to 1")
        if min(self.latency_s, self.jitter_s, self.reorder_s) < 0:
            raise ValueError("times of the air are not negative")


@dataclass(slots=True)
class Tally:
    """How many messages came, and what the model did to them."""

    offered: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    out_of_coverage: int = 0


@dataclass(slots=True)
class Air:
    """One run of the model; the same ``seed`` and messages give the same fate to each."""

    conditions: Conditions
    seed: int = 1
    down: Tally = field(default_factory=Tally)
    up: Tally = field(default_factory=Tally)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A model of the weather, not a secret.
        self._random = random.Random(self.seed)  # noqa: S311

    def fate(self, tally: Tally) -> tuple[float, ...]:
        """Return after how many seconds each copy of the next message arrives; empty when lost."""
        tally.offered += 1
        given = self.conditions
        # All numbers are drawn for every message, so that one message's fate does not move others'.
        lost, doubled, late, jitter, second = (self._random.random() for _ in range(5))
        if lost < given.loss:
            tally.lost += 1
            return ()
        delay = given.latency_s + jitter * given.jitter_s
        if late < given.reordering:
            tally.reordered += 1
            delay += given.reorder_s
        if doubled < given.duplication:
            tally.duplicated += 1
            return (delay, delay + given.latency_s + second * given.jitter_s)
        return (delay,)

    def covered(self, since_start_s: float) -> bool:
        """Whether there is coverage at this time since the start."""
        return not any(start <= since_start_s < end for start, end in self.conditions.gaps)

    def seconds_to_coverage(self, since_start_s: float) -> float:
        """Return how long it takes until there is coverage again, 0 when there is some."""
        now = since_start_s
        for start, end in sorted(self.conditions.gaps):
            if start <= now < end:
                now = end
        return now - since_start_s
