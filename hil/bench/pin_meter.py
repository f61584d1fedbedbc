"""The jig pin read by a multimeter of its own; amperes and settings stay with the supply."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hil.bench.meter import READINGS, Meter
from hil.errors import UsageError
from hil.metrology import (
    Budget,
    Calibration,
    Instrument,
    Measured,
    from_certificate,
    from_repeats,
    rectangular,
    resolution,
)

if TYPE_CHECKING:
    from hil.bench.config import MultimeterSection
    from hil.equipment.multimeter import Multimeter


class PinMeter(Meter):
    """As :class:`Meter`, with volts by a multimeter at the pin: no lead lies between."""

    def __init__(
        self,
        supply: Meter,
        multimeter: Multimeter,
        section: MultimeterSection,
        calibration: Calibration,
    ) -> None:
        super().__init__(supply.channel, supply.section, supply.instrument)
        self._multimeter = multimeter
        self._accuracy = section.accuracy
        self._resolution = section.resolution
        maker, model, serial, firmware, *_ = (*multimeter.identity.split(","), "", "", "", "")
        self.multimeter = Instrument(
            f"{maker} {model}".strip(), serial.strip(), firmware.strip(), calibration
        )

    def volts(self, name: str, *, readings: int = READINGS) -> Measured:
        """Measure the volts at the pin: the mean of some readings in a row."""
        if readings < 1:
            raise UsageError(f"a measurement takes one reading or more, not {readings}")
        taken = [self._multimeter.volts() for _ in range(readings)]
        values = [reading.volts for reading in taken]
        value = math.fsum(values) / len(values)
        limit = self._accuracy.relative * abs(value) + self._accuracy.offset
        budget = Budget(
            (
                rectangular("reading accuracy", limit),
                resolution("resolution", self._resolution),
                from_certificate("calibration", self.multimeter.calibration.volts),
                rectangular("settling", (values[-1] - values[0]) / 2),
            )
        )
        if len(values) > 1:
            budget = budget.with_(from_repeats("scatter", values))
        first, last = taken[0], taken[-1]
        return Measured(
            name,
            value,
            "V",
            budget,
            self.multimeter,
            raw=tuple(reading.raw for reading in taken),
            at_ns=last.at_ns,
            span_ns=last.at_ns - first.at_ns + first.span_ns,
        )
