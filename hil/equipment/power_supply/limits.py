"""The limits of one cable of the bench: no test can raise them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hil.errors import SafetyError, UsageError


@dataclass(frozen=True, slots=True)
class CableLimits:
    """What one channel's cable and what hangs on it may see, in volts and amps.

    ``max_volts`` and ``max_amps`` bound every set point; ``ovp_volts`` and ``ocp_amps`` are the
    levels of the instrument's own protections and must not lie below them. :class:`UsageError`
    if they do, or if a value is not a positive number.
    """

    max_volts: float
    max_amps: float
    ovp_volts: float
    ocp_amps: float

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"cable limit {name} must be above 0, not {value}")
        if self.ovp_volts < self.max_volts or self.ocp_amps < self.max_amps:
            raise UsageError(
                f"cable limits: protection levels ({self.ovp_volts} V, {self.ocp_amps} A) must not "
                f"lie below the largest set points ({self.max_volts} V, {self.max_amps} A)"
            )

    def check(self, where: str, volts: float, amps: float) -> None:
        """Refuse set points beyond the cable with :class:`SafetyError`, before anything is sent."""
        for value, highest, unit in ((volts, self.max_volts, "V"), (amps, self.max_amps, "A")):
            if not (math.isfinite(value) and 0 <= value <= highest):
                raise SafetyError(
                    f"{where}: {value:g} {unit} is not within 0..{highest:g} {unit} of its cable; "
                    f"ask for less, or mend the bench file if the cable stands more"
                )
