"""The jig pin as the device sees it: converter, window, hysteresis, debounce, dwell, revoke.

Pure: samples go in with their time, the state comes out. Field facts behind the rules: the dwell
is one continuous stay (separate visits never add up), a passing ramp never latches, a voltage on
the neighbouring pin too is no jig, a source that cannot carry the pin's own test load is none
either, loss revokes, too many misses lock the pin for a while, and nothing is remembered over a
restart.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.virtual.device.jig_config import JigConfig
from hil.wire.device_auth import JigReading

_OPEN_V: Final = 0.1


@dataclass(frozen=True, slots=True)
class PinSample:
    """What the pin carries at ``at_ns``: volts, and amps into it.

    Beside it: volts of the neighbouring pin and of the device's rail, None where no wire is.
    """

    at_ns: int
    volts: float
    amps: float = 0.0
    neighbour_volts: float | None = None
    rail_volts: float | None = None


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
        self.look: Callable[[], None] | None = None
        """Takes the samples that are due; called before anything is said of the pin."""
        self._volts = 0.0
        self._amps: float | None = None
        self._neighbour = 0.0
        self._state = "open"
        self._inside_since_ns: int | None = None
        self._loads_pin = False
        self._loaded_since_ns: int | None = None
        self._accepted = False
        self._lost_since_ns: int | None = None
        self._misses = 0
        self._locked_until_ns = 0

    @property
    def accepted(self) -> bool:
        """Whether the pin dwelt inside its window and is still there."""
        self._take_what_is_due()
        return self._accepted

    @property
    def loads_pin(self) -> bool:
        """Whether the pin's test load is wanted, to see if its source carries it."""
        return self._loads_pin

    def pin_is_loaded(self, at_ns: int) -> None:
        """Hear from the board that the test load has come on at ``at_ns``."""
        self._loaded_since_ns = at_ns

    @property
    def reading(self) -> JigReading:
        """Return state and last sample."""
        self._take_what_is_due()
        return JigReading(self._state, self._accepted, self._volts, self._amps)

    def _take_what_is_due(self) -> None:
        if self.look is not None:
            self.look()

    def sample(self, sample: PinSample) -> None:
        """Take one sample."""
        at_ns = sample.at_ns
        self._convert(sample)
        if self._accepted:
            self._hold(at_ns)
        elif at_ns < self._locked_until_ns:
            self._leave()
            self._state = "locked"
        elif self._is_settling_under_load(at_ns):
            self._state = "dwelling"
        elif (where := self._outside(self._config.window, self._config.window_a)) is not None:
            self._miss(at_ns, where)
        else:
            self._stay(at_ns)

    def _convert(self, sample: PinSample) -> None:
        self._volts = self._volts_adc.convert(sample.volts)
        self._amps = self._amps_adc.convert(sample.amps) if self._current else None
        self._neighbour = sample.neighbour_volts or 0.0

    def _stay(self, at_ns: int) -> None:
        if self._inside_since_ns is None:
            self._inside_since_ns = at_ns
        stayed_s = (at_ns - self._inside_since_ns) / 1e9
        if stayed_s < self._config.debounce_s + self._config.dwell_s:
            self._state = "settling" if stayed_s < self._config.debounce_s else "dwelling"
        elif self._source_carries(at_ns):
            self._accept()
        else:
            self._state = "dwelling"

    def _accept(self) -> None:
        self._accepted = True
        self._misses = 0
        self._lost_since_ns = None
        self._loads_pin, self._loaded_since_ns = False, None
        self._state = "accepted"

    def _source_carries(self, at_ns: int) -> bool:
        """Whether the volts have held under the test load; asks for it at the first call."""
        if self._config.test_load_ohms is None:
            return True
        self._loads_pin = True
        since_ns = self._loaded_since_ns
        return since_ns is not None and at_ns - since_ns >= self._config.test_load_s * 1e9

    def _is_settling_under_load(self, at_ns: int) -> bool:
        """Whether the test load has just come on: a genuine jig dips for a moment too."""
        if self._loaded_since_ns is None:
            return False
        return at_ns - self._loaded_since_ns < self._config.test_load_s * 1e9 / 2

    def _hold(self, at_ns: int) -> None:
        extra = self._config.hysteresis
        where = self._outside(self._config.window + extra, self._config.window_a + extra)
        if where is None:
            self._lost_since_ns = None
            return
        if self._lost_since_ns is None:
            self._lost_since_ns = at_ns
        if (at_ns - self._lost_since_ns) / 1e9 >= self._config.revoke_s:
            self._revoke(where)

    def _revoke(self, where: str) -> None:
        self._accepted = False
        self._leave()
        self._state = where

    def _leave(self) -> None:
        self._inside_since_ns = None
        self._loads_pin, self._loaded_since_ns = False, None

    def _miss(self, at_ns: int, where: str) -> None:
        """End a visit before its dwell was over; too many of them lock the pin."""
        self._state = "weak-source" if self.loads_pin else where
        if self._inside_since_ns is None:
            return
        self._leave()
        self._misses += 1
        if self._config.max_misses and self._misses >= self._config.max_misses:
            self._misses = 0
            self._locked_until_ns = at_ns + round(self._config.lockout_s * 1e9)
            self._state = "locked"

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
        if self._neighbour > self._config.neighbour_max_v:
            return "wrong-pin"
        return None
