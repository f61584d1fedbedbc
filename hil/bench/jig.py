"""The jig and the rail: what a channel of the supply means for the device."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hil.bench.jig_file import JigFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.config import ChannelSection, RailSection
    from hil.equipment.power_supply import Channel, Reading, Regulation

SETTLE_S = 3.0


class Jig:
    """The channel that feeds the device's jig pin, and what the device must see there.

    Every set point goes through the limits of the cable in the driver; this class adds none.
    """

    def __init__(self, channel: Channel, section: ChannelSection, spec: JigFile | None) -> None:
        self.channel = channel
        self.section = section
        self._spec = spec

    @property
    def spec(self) -> JigFile:
        """What the device must see: nominal value, window, times. Needs the bench's ``jig``."""
        if self._spec is None:
            raise AttributeError("the bench has no jig file; mark the test @requires('jig')")
        return self._spec

    @property
    def nominal_volts(self) -> float:
        """Volts that the supply is set to for the genuine jig."""
        return self.spec.nominal_voltage or self.spec.compliance_voltage or 0.0

    @property
    def nominal_amps(self) -> float:
        """Amperes that the supply is limited to for the genuine jig."""
        return self.spec.nominal_current or self.spec.compliance_current

    def attach(
        self,
        volts: float | None = None,
        amps: float | None = None,
        *,
        regulation: Regulation | None = None,
    ) -> Reading:
        """Put volts, limited to amps, on the pin, nominal if not given; return when settled.

        ``regulation`` says what must settle: the voltage, or the current of a jig known by it.
        """
        if regulation is None:
            by_current = self._spec is not None and self._spec.nominal_current is not None
            regulation = "current" if by_current else "voltage"
        self.channel.protect()
        self.channel.apply(
            self.nominal_volts if volts is None else volts,
            self.nominal_amps if amps is None else amps,
        )
        return self.channel.on(settle_timeout_s=SETTLE_S, regulation=regulation)

    def remove(self) -> None:
        """Take the jig away: output off, proven by a query."""
        self.channel.off()

    def read(self) -> Reading:
        """Measure what the supply gives now."""
        return self.channel.measure()

    @contextmanager
    def attached(self, volts: float | None = None, amps: float | None = None) -> Iterator[Jig]:
        """Hold the jig at the pin for the context; it is off afterwards, whatever happened."""
        self.attach(volts, amps)
        try:
            yield self
        finally:
            self.remove()


class Rail:
    """The channel that powers the device."""

    def __init__(self, channel: Channel, section: RailSection) -> None:
        self.channel = channel
        self.section = section
        self._on = False

    @property
    def is_on(self) -> bool:
        """Whether this process switched the rail on."""
        return self._on

    def on(self) -> None:
        """Power the device at its nominal voltage; returns when settled."""
        self.channel.protect()
        self.channel.apply(self.section.nominal, self.section.current_limit)
        self.channel.on(settle_timeout_s=SETTLE_S)
        self._on = True

    def off(self) -> None:
        """Cut the device's power, proven by a query and by the voltage that has fallen."""
        self._on = False
        self.channel.off()

    def cycle(self) -> None:
        """Cut the power until the rail has fallen, and restore it."""
        self.off()
        self.on()

    def read(self) -> Reading:
        """Measure what the device draws now."""
        return self.channel.measure()
