"""The errors of one individual supply: drawn once from its seed, inside the data sheet's limits.

Programming and reading back err apart from each other. Noise is keyed by seed, channel and number
of the reading, so that the same run reads the same values again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from hil.virtual.power_supply.ratings import Accuracy, SupplyRatings

_SHARE_OF_LIMIT = 0.6
"""Makers ship well inside their limits; the worst unit drawn uses this much of them."""


@dataclass(frozen=True, slots=True)
class Error:
    """A gain error and an offset."""

    gain: float
    offset: float

    def apply(self, value: float) -> float:
        """Return what comes out for ``value``; a unipolar supply never says less than 0."""
        return max(0.0, value * (1 + self.gain) + self.offset)


class ChannelErrors:
    """The four errors of one channel, and its noise."""

    def __init__(self, ratings: SupplyRatings, seed: int, channel: int) -> None:
        draw = random.Random(f"{seed}:{channel}")  # noqa: S311 - physics, not secrets
        self.set_volts = _draw(draw, ratings.set_volts)
        self.set_amps = _draw(draw, ratings.set_amps)
        self._read_volts = _draw(draw, ratings.read_volts)
        self._read_amps = _draw(draw, ratings.read_amps)
        self._ratings = ratings
        self._noise = random.Random(f"{seed}:{channel}:noise")  # noqa: S311

    def read(self, volts: float, amps: float) -> tuple[float, float]:
        """Return what the meter shows for the true ``volts`` and ``amps``."""
        noise_volts = self._noise.gauss(0.0, self._ratings.noise_volts)
        noise_amps = self._noise.gauss(0.0, self._ratings.noise_amps)
        return (
            _quantise(self._read_volts.apply(volts) + noise_volts, self._ratings.read_volts_step),
            _quantise(self._read_amps.apply(amps) + noise_amps, self._ratings.read_amps_step),
        )


def _draw(draw: random.Random, limit: Accuracy) -> Error:
    def share() -> float:
        return draw.uniform(-_SHARE_OF_LIMIT, _SHARE_OF_LIMIT)

    return Error(limit.relative * share(), limit.offset * share())


def _quantise(value: float, step: float) -> float:
    return max(0.0, round(value / step) * step)
