"""The jig pin as the device sees it: converter, window, hysteresis, debounce, dwell, revoke.

Pure: samples go in with their time, the state comes out. Field facts behind the rules: the dwell
is one continuous stay (separate visits never add up), a passing ramp never latches, loss revokes,
too many misses lock the pin for a while, and nothing is remembered over a restart.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from hil.virtual.device.config import JigConfig
from hil.wire.device_auth import JigReading

_OPEN_V: Final = 0.1


class Adc:
    """A converter: clamps to 0 … full scale, adds seeded noise, quantises."""

    def __init__(self, *, bits: int, full_scale: float, noise_lsb: float, seed: int) -> None:
        self._top = (1 << bits) - 1
        self._lsb = full_scale / self._top
        self._noise_lsb = noise_lsb
        self._random = random.Random(seed)  # noqa: S311 - noise of a converter, not a secret

    def convert(self, value: float) -> float:
        """Return ``value`` as the firmware reads it."""
        code = value / self._lsb + self._random.gauss(0.0, self._noise_lsb)
        return min(max(round(code), 0), self._top) * self._lsb


@dataclass(slots=True)
class _Visit:
    """One continuous stay inside the window."""

    since_ns: int


class JigSensor:
    """Decides from samples whether the device sits in its jig."""

    def __init__(self, config: JigConfig, *, current_wired: bool) -> None:
        self._config = config
        self._current = config.nominal_a is not None and current_wired
        self._volts_adc = Adc(
            bits=config.adc_bits,
            full_scale=config.adc_full_scale_v,
            noise_lsb=config.adc_noise_lsb,
            seed=config.seed,
        )
        self._amps_adc = Adc(
            bits=config.adc_bits,
            full_scale=config.adc_full_scale_a,
            noise_lsb=config.adc_noise_lsb,
            seed=config.seed + 1,
        )
        self._volts = 0.0
        self._amps: float | None = None
        self._state = "open"
        self._visit: _Visit | None = None
        self._accepted = False
        self._lost_since_ns: int | None = None
        self._misses = 0
        self._locked_until_ns = 0

    @property
    def accepted(self) -> bool:
        """Whether the pin dwelt inside its window and is still there."""
        return self._accepted

    @property
    def reading(self) -> JigReading:
        """Return state and last sample."""
        return JigReading(self._state, self._accepted, self._volts, self._amps)

    def sample(self, at_ns: int, volts: float, amps: float) -> None:
        """Take one sample: true pin voltage and current at a time in nanoseconds."""
        self._volts = self._volts_adc.convert(volts)
        self._amps = self._amps_adc.convert(amps) if self._current else None
        if self._accepted:
            self._hold(at_ns)
        elif at_ns < self._locked_until_ns:
            self._visit = None
            self._state = "locked"
        elif (where := self._outside(self._config.window, self._config.window_a)) is not None:
            self._miss(at_ns)
            self._state = "locked" if at_ns < self._locked_until_ns else where
        else:
            self._stay(at_ns)

    def _stay(self, at_ns: int) -> None:
        if self._visit is None:
            self._visit = _Visit(at_ns)
        stayed_s = (at_ns - self._visit.since_ns) / 1e9
        if stayed_s >= self._config.debounce_s + self._config.dwell_s:
            self._accepted = True
            self._misses = 0
            self._lost_since_ns = None
            self._state = "accepted"
        else:
            self._state = "settling" if stayed_s < self._config.debounce_s else "dwelling"

    def _hold(self, at_ns: int) -> None:
        extra = self._config.hysteresis
        where = self._outside(self._config.window + extra, self._config.window_a + extra)
        if where is None:
            self._lost_since_ns = None
            return
        if self._lost_since_ns is None:
            self._lost_since_ns = at_ns
        if (at_ns - self._lost_since_ns) / 1e9 >= self._config.revoke_s:
            self._accepted = False
            self._visit = None
            self._state = where

    def _miss(self, at_ns: int) -> None:
        if self._visit is None:
            return
        self._visit = None
        self._misses += 1
        if self._config.max_misses and self._misses >= self._config.max_misses:
            self._misses = 0
            self._locked_until_ns = at_ns + round(self._config.lockout_s * 1e9)

    def _outside(self, window_v: float, window_a: float) -> str | None:
        """Name where the sample lies outside its window, or return None."""
        deviation = self._volts - self._config.nominal_v
        if abs(deviation) > window_v * self._config.nominal_v:
            if self._volts < _OPEN_V:
                return "open"
            return "below" if deviation < 0 else "above"
        nominal_a = self._config.nominal_a
        if nominal_a is not None and (
            self._amps is None or abs(self._amps - nominal_a) > window_a * nominal_a
        ):
            return "wrong-current"
        return None
