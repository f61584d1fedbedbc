"""The jig pin read by a multimeter of its own; amperes and settings stay with the supply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.bench.meter import (
    READINGS,
    Meter,
    check_count,
    mean,
    measured_from,
    reading_budget,
)
from hil.metrology import Calibration, Instrument, Measured, from_certificate

if TYPE_CHECKING:
    from hil.bench.config import MultimeterSection
    from hil.equipment.multimeter import Multimeter


class PinMeter(Meter):
    """As :class:`Meter`, with volts by a multimeter at the pin: no lead lies between.

    Readings that the supply took already (:meth:`Meter.volts_of`) stay the supply's.
    """

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
            f"{maker} {model}".strip(),
            serial.strip(),
            firmware.strip(),
            calibration,
            accuracy="multimeter.accuracy of the bench file",
        )

    def volts(self, name: str, *, readings: int = READINGS) -> Measured:
        """Measure the volts at the pin: the mean of some readings in a row."""
        check_count(readings)
        taken = [self._multimeter.volts() for _ in range(readings)]
        values = [reading.volts for reading in taken]
        limit = self._accuracy.relative * abs(mean(values)) + self._accuracy.offset
        certificate = from_certificate("calibration", self.multimeter.calibration.volts)
        budget = reading_budget(values, limit, self._resolution, certificate)
        return measured_from(
            name, mean(values), "V", budget, instrument=self.multimeter, taken=taken
        )
