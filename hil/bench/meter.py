"""What a channel of the supply gives at the far end of its leads, with its uncertainty.

The budget of a reading: the data sheet's accuracy, the resolution, the certificate's own
uncertainty, the scatter and the drift of repeated readings, and what is not known of the drop
along the leads and at a resistor in them (power-supply readings are taken at the instrument's
terminals).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

from hil.errors import UsageError
from hil.metrology import (
    Budget,
    Contribution,
    Instrument,
    Measured,
    from_certificate,
    from_repeats,
    rectangular,
    resolution,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hil.bench.config import ChannelSection
    from hil.equipment.power_supply import Channel, Reading

READINGS: Final = 4
Quantity = Literal["volts", "amps"]


class Meter:
    """Measures one channel. Get it from the fixtures ``meter`` (the jig) or make one."""

    def __init__(self, channel: Channel, section: ChannelSection, instrument: Instrument) -> None:
        self.channel = channel
        self.section = section
        sheet = channel.accuracy
        self.instrument = replace(instrument, accuracy=sheet.source, assumed=sheet.assumed)

    def volts(self, name: str, *, readings: int = READINGS) -> Measured:
        """Measure the volts at the far end of the leads: the mean of some readings in a row."""
        return self.volts_of(name, self._take(readings))

    def volts_of(self, name: str, taken: Sequence[Reading]) -> Measured:
        """Return what readings that were taken already, one or more, say of the volts there."""
        currents = [reading.amps for reading in taken]
        at_terminals = [reading.volts for reading in taken]
        budget = self._of_readings("volts", at_terminals).with_(*self._drop(currents))
        value = mean(at_terminals) - mean(currents) * self.section.ohms_to_pin
        return measured_from(name, value, "V", budget, instrument=self.instrument, taken=taken)

    def _drop(self, currents: Sequence[float]) -> Iterator[Contribution]:
        """Yield what is not known of the drop between terminals and pin."""
        leads, amps = self.section, mean(currents)
        yield rectangular("lead drop", amps * leads.lead_resistance * leads.lead_tolerance)
        if leads.series_resistance:
            unknown = amps * leads.series_resistance * leads.series_tolerance
            yield rectangular("drop at the series resistor", unknown)
        if leads.ohms_to_pin:
            of_amps = self._of_readings("amps", currents).standard
            yield Contribution("current of the drop", of_amps * leads.ohms_to_pin, "as it is read")

    def amps(self, name: str, *, readings: int = READINGS) -> Measured:
        """Measure the amperes that flow: the mean of some readings in a row."""
        return self.amps_of(name, self._take(readings))

    def amps_of(self, name: str, taken: Sequence[Reading]) -> Measured:
        """Return what readings that were taken already, one or more, say of the amperes."""
        values = [reading.amps for reading in taken]
        budget = self._of_readings("amps", values)
        return measured_from(
            name, mean(values), "A", budget, instrument=self.instrument, taken=taken
        )

    def resolution(self, unit: Literal["V", "A"]) -> float:
        """Return the step in which the instrument reads, in volts or amperes."""
        sheet = self.channel.accuracy
        return sheet.volts_step if unit == "V" else sheet.amps_step

    def set_point_uncertainty(self, value: float, quantity: Quantity = "volts") -> float:
        """Return U (k = 2) of an output that is set to ``value`` and not measured.

        Choose stimuli by it: an edge ± U apart from a limit is on one side of it for certain.
        """
        sheet = self.channel.accuracy
        volts = quantity == "volts"
        accuracy = sheet.set_volts if volts else sheet.set_amps
        budget = Budget(
            (
                rectangular("programming accuracy", accuracy.at(value)),
                resolution("programming step", sheet.volts_step if volts else sheet.amps_step),
                self._certificate(quantity),
            )
        )
        return budget.expanded

    def _of_readings(self, quantity: Quantity, values: Sequence[float]) -> Budget:
        sheet = self.channel.accuracy
        volts = quantity == "volts"
        accuracy = sheet.read_volts if volts else sheet.read_amps
        step = sheet.volts_step if volts else sheet.amps_step
        return reading_budget(values, accuracy.at(mean(values)), step, self._certificate(quantity))

    def _certificate(self, quantity: Quantity) -> Contribution:
        stated = self.instrument.calibration
        return from_certificate("calibration", stated.volts if quantity == "volts" else stated.amps)

    def _take(self, readings: int) -> list[Reading]:
        check_count(readings)
        return [self.channel.measure() for _ in range(readings)]


class Taken(Protocol):
    """A reading of any instrument: its words, and when it was taken."""

    @property
    def raw(self) -> str:
        """What the instrument answered."""

    @property
    def at_ns(self) -> int:
        """When it had answered."""

    @property
    def span_ns(self) -> int:
        """How long that took."""


def check_count(readings: int) -> None:
    """Refuse a measurement of no reading with :class:`UsageError`."""
    if readings < 1:
        raise UsageError(f"a measurement takes one reading or more, not {readings}")


def mean(values: Sequence[float]) -> float:
    """Return the mean of one value or more."""
    return math.fsum(values) / len(values)


def reading_budget(
    values: Sequence[float], limit: float, step: float, certificate: Contribution
) -> Budget:
    """Return the budget of readings in a row: ``limit`` of the data sheet, ``step`` of a digit."""
    budget = Budget(
        (
            rectangular("reading accuracy", limit),
            resolution("resolution", step),
            certificate,
            rectangular("settling", (values[-1] - values[0]) / 2),
        )
    )
    return budget.with_(from_repeats("scatter", values)) if len(values) > 1 else budget


def measured_from(
    name: str,
    value: float,
    unit: str,
    budget: Budget,
    *,
    instrument: Instrument,
    taken: Sequence[Taken],
) -> Measured:
    """Return a measured value with the words and the time of the readings behind it."""
    first, last = taken[0], taken[-1]
    return Measured(
        name,
        value,
        unit,
        budget,
        instrument,
        raw=tuple(reading.raw for reading in taken),
        at_ns=last.at_ns,
        span_ns=last.at_ns - first.at_ns + first.span_ns,
    )
