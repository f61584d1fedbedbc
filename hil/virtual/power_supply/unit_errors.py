"""The errors of one individual supply: drawn once from its seed, inside the data sheet's limits.

Programming and reading back err apart from each other. Noise is keyed by seed, channel and number
of the reading, drift by seed, channel and minute, so that the same run reads the same values again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from hil.virtual.electrical import NS
from hil.virtual.power_supply.ratings import Accuracy, SupplyRatings

_SHARE_OF_LIMIT = 0.6
"""Makers ship well inside their limits; the worst unit drawn uses this much of them."""
_DRIFT_STEP_NS = 60 * NS
_DRIFT_STEPS = 480
"""The limit of drift is told for eight hours."""
_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class Error:
    """A gain error and an offset."""

    gain: float
    offset: float

    def apply(self, value: float) -> float:
        """Return what comes out for ``value``; a unipolar supply never says less than 0."""
        return max(0.0, value * (1 + self.gain) + self.offset)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a test adds to a meter: a step of gain, an offset, noise (volts or amps alike)."""

    gain: float = 0.0
    offset: float = 0.0
    noise: float = 0.0


class _Walk:
    """A random walk in steps of a minute that stays within ±1."""

    def __init__(self, key: str) -> None:
        self._draw = random.Random(key)  # noqa: S311 - physics, not secrets
        self._places = [0.0]

    def at(self, elapsed_ns: int) -> float:
        step, rest = divmod(max(0, elapsed_ns), _DRIFT_STEP_NS)
        while len(self._places) < step + 2:
            stride = self._draw.gauss(0.0, 1 / (_SIGMAS * _DRIFT_STEPS**0.5))
            self._places.append(min(1.0, max(-1.0, self._places[-1] + stride)))
        before, after = self._places[step], self._places[step + 1]
        return before + (after - before) * rest / _DRIFT_STEP_NS


class ChannelErrors:
    """The four errors of one channel, its noise and its drift since ``now_ns``."""

    def __init__(self, ratings: SupplyRatings, seed: int, channel: int, now_ns: int) -> None:
        draw = random.Random(f"{seed}:{channel}")  # noqa: S311 - physics, not secrets
        self.set_volts = _draw(draw, ratings.set_volts)
        self.set_amps = _draw(draw, ratings.set_amps)
        self.trouble = Trouble()
        self._read_volts = _draw(draw, ratings.read_volts)
        self._read_amps = _draw(draw, ratings.read_amps)
        self._ratings = ratings
        self._noise = random.Random(f"{seed}:{channel}:noise")  # noqa: S311
        self._walk = _Walk(f"{seed}:{channel}:drift")
        self._since_ns = now_ns

    def read(self, volts: float, amps: float, at_ns: int) -> tuple[float, float]:
        """Return what the meter shows for the true ``volts`` and ``amps``."""
        ratings, trouble = self._ratings, self.trouble
        walked = self._walk.at(at_ns - self._since_ns)
        drift_volts = walked * ratings.drift_volts.at(volts)
        drift_amps = walked * ratings.drift_amps.at(amps)
        noise_volts = self._noise.gauss(0.0, ratings.noise_volts)
        noise_amps = self._noise.gauss(0.0, ratings.noise_amps)
        if trouble != Trouble():
            noise_volts += self._noise.gauss(0.0, trouble.noise)
            noise_amps += self._noise.gauss(0.0, trouble.noise)
            volts = volts * (1 + trouble.gain) + trouble.offset
            amps = amps * (1 + trouble.gain) + trouble.offset
        return (
            _quantise(
                self._read_volts.apply(volts) + drift_volts + noise_volts, ratings.read_volts_step
            ),
            _quantise(
                self._read_amps.apply(amps) + drift_amps + noise_amps, ratings.read_amps_step
            ),
        )


def _draw(draw: random.Random, limit: Accuracy) -> Error:
    def share() -> float:
        return draw.uniform(-_SHARE_OF_LIMIT, _SHARE_OF_LIMIT)

    return Error(limit.relative * share(), limit.offset * share())


def _quantise(value: float, step: float) -> float:
    return max(0.0, round(value / step) * step)
