"""A measured value with everything that makes it one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hil.metrology.calibration import Calibration
from hil.metrology.uncertainty import Budget


@dataclass(frozen=True, slots=True)
class Instrument:
    """What took a reading: maker and model, serial number, firmware, calibration.

    ``accuracy`` says where its limits of error stand; ``assumed``: in no data sheet.
    """

    model: str
    serial: str = ""
    firmware: str = ""
    calibration: Calibration = field(default_factory=Calibration)
    accuracy: str = ""
    assumed: bool = False

    def __str__(self) -> str:
        return f"{self.model} {self.serial}".strip()


@dataclass(frozen=True, slots=True)
class Measured:
    """``value`` in ``unit``, with the budget of its uncertainty and the instrument that read it.

    ``raw``: what the instrument answered, a reading each. It was taken until ``at_ns``
    (:func:`time.monotonic_ns`), within ``span_ns``.
    """

    name: str
    value: float
    unit: str
    budget: Budget
    instrument: Instrument = field(default_factory=lambda: Instrument("unknown instrument"))
    raw: tuple[str, ...] = ()
    at_ns: int = 0
    span_ns: int = 0

    @property
    def expanded(self) -> float:
        """The expanded uncertainty U of the value, in its unit."""
        return self.budget.expanded

    @property
    def low(self) -> float:
        """The lower end of value ± U."""
        return self.value - self.expanded

    @property
    def high(self) -> float:
        """The upper end of value ± U."""
        return self.value + self.expanded

    def __str__(self) -> str:
        digits = _decimals(self.expanded)
        return (
            f"{self.name} {self.value:.{digits}f} {self.unit} ± {self.expanded:.{digits}f} "
            f"{self.unit} (k = {self.budget.k:g})"
        )


def _decimals(expanded: float) -> int:
    """Return the decimals that show U with two significant digits (GUM 7.2.6)."""
    if not (math.isfinite(expanded) and expanded > 0):
        return 6
    return max(0, 1 - math.floor(math.log10(expanded)))
