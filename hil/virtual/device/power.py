"""The wires into the device: supply rail and jig pin, sampled, with brown-out and power-good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from hil.virtual.copper import Copper
from hil.virtual.device.config import RailConfig
from hil.virtual.device.jig_config import JigConfig
from hil.virtual.device.jig_sensor import JigSensor, PinSample

_RAIL_STEP_NS: Final = 1_000_000
_RAIL_LOOK_S: Final = 0.01
"""How often the instants that have passed are looked at; it decides nothing but how late they are
known. Each look is the work of an idle device, of which a run has many."""
_LEAKAGE_OHMS: Final = 100_000.0
_LONGEST_LOOK_BACK_NS: Final = 2_000_000_000


class Wires(Protocol):
    """What reaches the device from outside, as functions of time (``time.monotonic_ns``)."""

    def rail_volts(self, at_ns: int) -> float:
        """Return the voltage of the supply rail."""

    def jig_volts(self, at_ns: int) -> float:
        """Return the voltage at the jig pin."""

    def jig_amps(self, at_ns: int) -> float:
        """Return the current into the jig pin."""

    def neighbour_volts(self, at_ns: int) -> float | None:
        """Return the voltage of the pin beside the jig pin; None where nothing is wired to it."""

    def load(self, *, on: bool) -> None:
        """Draw the load of a device that is on, or off, from the rail; load the jig pin."""

    def load_jig(self, *, on: bool) -> None:
        """Switch the test load of the jig pin."""


class OwnBattery:
    """No supply: always on, jig pin open."""

    def __init__(self, volts: float) -> None:
        self._volts = volts

    def rail_volts(self, at_ns: int) -> float:
        """Return the voltage of the battery."""
        return self._volts if at_ns >= 0 else 0.0

    def jig_volts(self, at_ns: int) -> float:
        """Return the voltage of an open pin."""
        return 0.0 * at_ns

    def jig_amps(self, at_ns: int) -> float:
        """Return the current of an open pin."""
        return 0.0 * at_ns

    def neighbour_volts(self, at_ns: int) -> float | None:  # noqa: ARG002 - no wire, at any time
        """Return None: nothing is wired to the pin beside the jig pin."""
        return None

    def load(self, *, on: bool) -> None:
        """Draw nothing from outside."""

    def load_jig(self, *, on: bool) -> None:
        """Load nothing: the pin is open."""


class CopperWires:
    """The wires of a virtual supply: channels feed the rail, the jig pin and the pin beside it.

    Channel 0 stands for no wire: the rail has its own battery then, a pin is open.
    """

    def __init__(
        self,
        copper: Copper,
        *,
        rail_channel: int,
        jig_channel: int,
        rail_ohms: float,
        jig_ohms: float,
        battery_volts: float,
        neighbour_channel: int = 0,
        test_load_ohms: float | None = None,
    ) -> None:
        self._copper = copper
        self._rail, self._jig, self._neighbour = rail_channel, jig_channel, neighbour_channel
        self._rail_ohms, self._jig_ohms = rail_ohms, jig_ohms
        self._test_load_ohms = test_load_ohms
        self._battery_volts = battery_volts
        if jig_channel:
            copper.set_load(jig_channel, jig_ohms)
        if neighbour_channel:
            copper.set_load(neighbour_channel, jig_ohms)

    def rail_volts(self, at_ns: int) -> float:
        """Return the voltage of the supply rail."""
        return self._copper.volts(self._rail, at_ns) if self._rail else self._battery_volts

    def jig_volts(self, at_ns: int) -> float:
        """Return the voltage at the jig pin."""
        return self._copper.volts(self._jig, at_ns)

    def jig_amps(self, at_ns: int) -> float:
        """Return the current into the jig pin."""
        return self._copper.amps(self._jig, at_ns)

    def neighbour_volts(self, at_ns: int) -> float | None:
        """Return the voltage of the pin beside the jig pin; None where nothing is wired to it."""
        return self._copper.volts(self._neighbour, at_ns) if self._neighbour else None

    def load_jig(self, *, on: bool) -> None:
        """Switch the test load of the jig pin, beside its own resistance."""
        if self._jig and self._test_load_ohms is not None:
            both = 1 / (1 / self._jig_ohms + 1 / self._test_load_ohms)
            self._copper.set_load(self._jig, both if on else self._jig_ohms)

    def load(self, *, on: bool) -> None:
        """Draw from the rail what a device draws that is on, or hardly anything when off."""
        if self._rail:
            self._copper.set_load(self._rail, self._rail_ohms if on else _LEAKAGE_OHMS)


class RailSense:
    """Tells on from off: power-good after a stable while, brown-out at once."""

    def __init__(self, config: RailConfig) -> None:
        self._config = config
        self._good_since_ns: int | None = None
        self.on = False

    def sample(self, at_ns: int, volts: float) -> None:
        """Take one sample of the rail."""
        if self.on:
            self.on = volts >= self._config.brown_out_v
            self._good_since_ns = None
        elif volts < self._config.power_good_v:
            self._good_since_ns = None
        else:
            if self._good_since_ns is None:
                self._good_since_ns = at_ns
            self.on = at_ns - self._good_since_ns >= self._config.power_good_s * 1e9


class Sampler:
    """Looks at the wires at fixed instants, also at those that passed while the process slept."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns
        self._next_ns = time.monotonic_ns()

    def due(self) -> range:
        """Return the instants since the last call, at most two seconds of them."""
        now = time.monotonic_ns()
        first = max(self._next_ns, now - _LONGEST_LOOK_BACK_NS)
        instants = range(first, now + 1, self._step_ns)
        if instants:
            self._next_ns = instants[-1] + self._step_ns
        return instants


async def watch_rail(wires: Wires, config: RailConfig, changed: Callable[[bool], None]) -> None:
    """Sample the rail for ever; tell each change between on and off."""
    sense, sampler = RailSense(config), Sampler(_RAIL_STEP_NS)
    while True:
        for at_ns in sampler.due():
            before = sense.on
            sense.sample(at_ns, wires.rail_volts(at_ns))
            if sense.on is not before:
                changed(sense.on)
        await asyncio.sleep(_RAIL_LOOK_S)


async def watch_jig(wires: Wires, config: JigConfig, sensor: JigSensor) -> None:
    """Sample the jig pin for ever at the rate of its converter; switch its test load."""
    sampler = Sampler(round(1e9 / config.sample_hz))
    pause_s = max(1 / config.sample_hz, 0.004)
    loaded = False

    def look() -> None:
        for at_ns in sampler.due():
            sensor.sample(
                PinSample(
                    at_ns,
                    wires.jig_volts(at_ns),
                    wires.jig_amps(at_ns),
                    wires.neighbour_volts(at_ns),
                    wires.rail_volts(at_ns),
                )
            )

    # A converter samples by interrupt: what is said of the pin is true when it is said, also where
    # this process slept too long.
    sensor.look = look
    try:
        while True:
            look()
            if sensor.loads_pin is not loaded:
                loaded = sensor.loads_pin
                wires.load_jig(on=loaded)
                if loaded:
                    # Samples of the past, taken without it, do not count.
                    sensor.pin_is_loaded(time.monotonic_ns())
            await asyncio.sleep(pause_s)
    finally:
        sensor.look = None
        wires.load_jig(on=False)
