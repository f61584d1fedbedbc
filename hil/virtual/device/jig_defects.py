"""Defects of a jig pin, one at a time, for the tests of the tests.

A test case about the jig is worth something when it fails on a device that is wrong in its way.
Each defect here is one that products have had or that an attacker hopes for; the device is correct
in everything else. ``jig.defect`` in a device's configuration plants one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hil.virtual.device.jig_config import JigConfig, JigDefect
from hil.virtual.device.jig_sensor import JigSensor, PinSample


@dataclass(slots=True)
class Memory:
    """What outlives a restart of the firmware, where it should not."""

    accepted: bool = False


_SETTINGS: Final[Mapping[JigDefect, Callable[[JigConfig], JigConfig]]] = {
    JigDefect.NO_DEBOUNCE: lambda c: replace(c, debounce_s=0.0, dwell_s=0.0, test_load_ohms=None),
    JigDefect.SHORT_DWELL: lambda c: replace(c, dwell_s=c.dwell_s / 2),
    JigDefect.NO_LOCKOUT: lambda c: replace(c, max_misses=0),
    JigDefect.WIDE_WINDOW: lambda c: replace(c, window=2 * c.window),
    JigDefect.NO_HYSTERESIS: lambda c: replace(c, hysteresis=0.0),
    JigDefect.INVERTED_HYSTERESIS: lambda c: replace(c, hysteresis=-c.hysteresis),
    JigDefect.SLOW_REVOKE: lambda c: replace(c, revoke_s=10 * c.revoke_s),
    JigDefect.NEIGHBOUR_IGNORED: lambda c: replace(c, neighbour_max_v=1000.0),
    JigDefect.SOURCE_IGNORED: lambda c: replace(c, test_load_ohms=None),
}


class _CumulativeDwell(JigSensor):
    """Adds separate visits up."""

    _earlier_ns = 0
    _last_ns: int | None = None

    def _stay(self, at_ns: int) -> None:
        if self._last_ns is not None:
            self._earlier_ns += at_ns - self._last_ns
        self._last_ns = at_ns
        self._inside_since_ns = at_ns - self._earlier_ns
        super()._stay(at_ns)

    def _leave(self) -> None:
        self._last_ns = None
        super()._leave()


class _LatchOnRamp(JigSensor):
    """Takes a crossing of the nominal value for an arrival."""

    _before = 0.0

    def _stay(self, at_ns: int) -> None:
        if self._before < self._config.nominal_v <= self._volts and self._before > 0.1:
            self._accept()
        else:
            super()._stay(at_ns)

    def _convert(self, sample: PinSample) -> None:
        self._before = self._volts
        super()._convert(sample)


class _NoRevoke(JigSensor):
    """Once accepted, for ever."""

    def _hold(self, at_ns: int) -> None:
        pass


class _BlindToDrift(JigSensor):
    """Revokes at a jump only, and follows whatever moves slowly."""

    _at = 0.0

    def _hold(self, at_ns: int) -> None:
        moved = abs(self._volts - self._at)
        if moved > 0.02 * self._config.nominal_v:
            super()._hold(at_ns)
        else:
            self._lost_since_ns = None
            self._at += (self._volts - self._at) / 16

    def _accept(self) -> None:
        self._at = self._volts
        super()._accept()


class _TrustOverReset(JigSensor):
    """Was accepted before the restart, so it is now."""

    def __init__(self, config: JigConfig, *, current_wired: bool, memory: Memory) -> None:
        super().__init__(config, current_wired=current_wired)
        self._memory = memory
        if memory.accepted:
            self._accept()

    def _accept(self) -> None:
        self._memory.accepted = True
        super()._accept()

    def _revoke(self, where: str) -> None:
        self._memory.accepted = False
        super()._revoke(where)


class _BootSkipsDwell(JigSensor):
    """A jig that is there at power-on counts at once."""

    _samples = 0

    def _stay(self, at_ns: int) -> None:
        self._samples += 1
        if self._samples == 1 and self._state == "open" and not self._misses:
            self._accept()
        else:
            super()._stay(at_ns)

    def _miss(self, at_ns: int, where: str) -> None:
        self._samples += 1
        super()._miss(at_ns, where)


class _OpenIsValid(JigSensor):
    """An open pin floats to what the converter takes for nominal."""

    def _convert(self, sample: PinSample) -> None:
        floating = sample.volts < 0.05
        super()._convert(replace(sample, volts=self._config.nominal_v) if floating else sample)


class _OverrangeWraps(JigSensor):
    """The converter drops its highest bit: twice the nominal value reads as nominal."""

    def _convert(self, sample: PinSample) -> None:
        top = 1.5 * self._config.nominal_v
        volts = sample.volts - self._config.nominal_v if sample.volts > top else sample.volts
        super()._convert(replace(sample, volts=volts))


class _EitherPin(JigSensor):
    """Takes the voltage of the neighbouring pin for its own."""

    def _convert(self, sample: PinSample) -> None:
        neighbour = sample.neighbour_volts or 0.0
        if neighbour > sample.volts:
            sample = replace(sample, volts=neighbour, neighbour_volts=sample.volts)
        super()._convert(sample)


class _SourceBarelyChecked(JigSensor):
    """Under its test load it is content with a quarter of the volts."""

    def _outside(self, window_v: float, window_a: float) -> str | None:
        if self.loads_pin and self._volts > self._config.nominal_v / 4:
            return None
        return super()._outside(window_v, window_a)


class _ReferenceFollowsRail(JigSensor):
    """Measures against its own supply, and does not compensate for it."""

    def _convert(self, sample: PinSample) -> None:
        if sample.rail_volts:
            scale = self._config.rail_nominal_v / sample.rail_volts
            sample = replace(sample, volts=sample.volts * scale)
        super()._convert(sample)


_BEHAVIOUR: Final[Mapping[JigDefect, type[JigSensor]]] = {
    JigDefect.CUMULATIVE_DWELL: _CumulativeDwell,
    JigDefect.LATCH_ON_RAMP: _LatchOnRamp,
    JigDefect.NO_REVOKE: _NoRevoke,
    JigDefect.REVOKE_IS_BLIND_TO_DRIFT: _BlindToDrift,
    JigDefect.BOOT_SKIPS_DWELL: _BootSkipsDwell,
    JigDefect.OPEN_IS_VALID: _OpenIsValid,
    JigDefect.OVERRANGE_WRAPS: _OverrangeWraps,
    JigDefect.EITHER_PIN: _EitherPin,
    JigDefect.SOURCE_BARELY_CHECKED: _SourceBarelyChecked,
    JigDefect.REFERENCE_FOLLOWS_RAIL: _ReferenceFollowsRail,
}


def make_sensor(config: JigConfig, memory: Memory) -> JigSensor:
    """Return the sensor of one life of the firmware; ``memory`` belongs to the board."""
    current_wired = config.nominal_a is not None
    if config.defect is None:
        return JigSensor(config, current_wired=current_wired)
    defect = config.defect
    if defect is JigDefect.TRUST_OVER_RESET:
        return _TrustOverReset(config, current_wired=current_wired, memory=memory)
    changed = _SETTINGS[defect](config) if defect in _SETTINGS else config
    return _BEHAVIOUR.get(defect, JigSensor)(changed, current_wired=current_wired)
