"""The jig as a source with an impedance: what its pin carries once the device loads it.

A device may load its pin at the end of the dwell, to see whether its source carries that
(``test_load`` of the jig file). Two things a bench has stand for an impedance: what lies between
terminals and pin (leads, and a resistor put into them), and the current limit. Into one known load
a source limited to I is the same as one of U behind U/I - R: the same volts without the load, and
the same with it, once the charge in the supply's output has gone into it. What is expected at the
pin when the device ends its test load is told with its uncertainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.equipment.power_supply.stimulus.timing import timing_of
from hil.errors import Inconclusive, UsageError
from hil.metrology import Budget, Contribution, Instrument, Measured, rectangular

if TYPE_CHECKING:
    from hil.bench.config import ChannelSection
    from hil.bench.jig_file import JigFile
    from hil.bench.meter import Meter

_IMPEDANCE: Final = "source impedance"
_BENCH_FILE: Final = Instrument("bench file", accuracy="stated there, not measured", assumed=True)
_ROUNDS: Final = 20
"""The uncertainty of a current limit hardly depends on it: far fewer would do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source of some ``impedance``, limited to ``amps``, and what the loaded pin carries then."""

    impedance: Measured
    amps: float
    loaded: Measured

    @property
    def ohms(self) -> float:
        """Impedance, in ohms."""
        return self.impedance.value


class SourceAtPin:
    """The jig's channel as the source that a device with a test load sees."""

    def __init__(self, spec: JigFile, meter: Meter) -> None:
        if spec.test_load is None or spec.nominal_voltage is None:
            raise UsageError(
                "the jig file has no test_load; mark the test @requires('jig.test-load')"
            )
        self._volts = spec.nominal_voltage
        self._compliance = spec.compliance_current
        self._load = spec.test_load
        self._load_tolerance = spec.test_load_tolerance
        self._load_s = spec.test_load_time
        self._farads = timing_of(meter.instrument.model).farads
        self._meter = meter
        self._section: ChannelSection = meter.section

    @property
    def weakest_amps(self) -> float:
        """The lowest limit that lets anything through for certain."""
        uncertain = self._meter.set_point_uncertainty(0.0, "amps")
        return uncertain + self._meter.channel.accuracy.amps_step

    def by_leads(self) -> Source:
        """Return the source that leads and resistor make of the genuine jig.

        :class:`Inconclusive` where its current limit may act as well.
        """
        section, load, volts = self._section, self._load, self._volts
        ohms = section.ohms_to_pin
        share = load / (load + ohms)
        by_ohm = volts * share / (load + ohms)
        budget = Budget(
            (
                Contribution("set voltage", share * self._meter.set_point_uncertainty(volts) / 2),
                rectangular("leads", by_ohm * section.lead_resistance * section.lead_tolerance),
                rectangular(
                    "series resistor", by_ohm * section.series_resistance * section.series_tolerance
                ),
                rectangular("test load", volts * share * (1 - share) * self._load_tolerance),
            )
        )
        amps, flows = self._compliance, volts / (load + ohms)
        if amps - self._meter.set_point_uncertainty(amps, "amps") < flows:
            raise Inconclusive(
                f"the test load draws {flows * 1e3:.1f} mA, and the current limit of "
                f"{amps * 1e3:.1f} mA may keep it from that; state a higher compliance_current in "
                f"the jig file"
            )
        stated = Budget(
            (
                rectangular("leads", section.lead_resistance * section.lead_tolerance),
                rectangular(
                    "series resistor", section.series_resistance * section.series_tolerance
                ),
            )
        )
        impedance = Measured(_IMPEDANCE, ohms, "ohm", stated, _BENCH_FILE)
        return Source(impedance, amps, self._expected(volts * share, budget))

    def by_limit(self, amps: float) -> Source:
        """Return the source that a limit of ``amps`` makes of the nominal voltage."""
        load = self._load
        carried = min(amps * load, self._volts)  # more than the voltage it cannot be
        # Nobody publishes the output's capacitance: the greatest that is known stands for it.
        constants = self._load_s / (load * self._farads)
        charged = math.exp(-constants)
        volts = carried + (self._volts - carried) * charged
        by_load = carried * (1 - charged) + (self._volts - carried) * charged * constants
        of_limit = self._meter.set_point_uncertainty(amps, "amps") / 2
        budget = Budget(
            (
                Contribution("current limit", of_limit * load * (1 - charged)),
                rectangular("test load", by_load * self._load_tolerance),
                Contribution(
                    "set voltage", charged * self._meter.set_point_uncertainty(self._volts) / 2
                ),
            )
        )
        whole = self._volts / amps
        of_volts = self._meter.set_point_uncertainty(self._volts) / 2
        impedance = Budget(
            (
                Contribution("set voltage", of_volts / amps),
                Contribution("current limit", whole / amps * of_limit),
                rectangular("test load", load * self._load_tolerance),
            )
        )
        return Source(
            Measured(_IMPEDANCE, whole - load, "ohm", impedance, self._meter.instrument),
            amps,
            self._expected(volts, budget),
        )

    def just_below(self, volts: float) -> Source:
        """Return the strongest source by limit whose loaded pin is below ``volts`` for certain."""
        step = self._meter.channel.accuracy.amps_step
        amps = max(volts / self._load, step)
        for _ in range(_ROUNDS):
            over = self.by_limit(amps).loaded.high - volts
            if over <= 0:
                break
            amps = max(step, math.floor((amps - over / self._load) / step) * step)
        return self.by_limit(amps)

    def _expected(self, volts: float, budget: Budget) -> Measured:
        return Measured("loaded pin, expected", volts, "V", budget, self._meter.instrument)
