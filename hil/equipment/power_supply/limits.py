"""The limits of one cable of the bench: no test can raise them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hil.errors import SafetyError, UsageError


@dataclass(frozen=True, slots=True)
class CableLimits:
    """What one channel's cable and what hangs on it may see, in volts and amps.

    ``max_volts`` and ``max_amps`` bound every set point; ``ovp_volts`` and ``ocp_amps`` are the
    levels of the instrument's own protections and must not lie below them. A protection that the
    model lacks is waived by a reason in its level's place (``without_ovp``, ``without_ocp``).
    ``ocp_delay_s``: how long the OCP lets a current pass, for models that can wait.
    :class:`UsageError` if a value is not a positive number or a level and a waiver are not one.
    """

    max_volts: float
    max_amps: float
    ovp_volts: float | None
    ocp_amps: float | None
    without_ovp: str = ""
    without_ocp: str = ""
    ocp_delay_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_volts", "max_amps", "ovp_volts", "ocp_amps"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"cable limit {name} must be above 0, not {value}")
        for name, level, waiver, most in (
            ("ovp", self.ovp_volts, self.without_ovp, self.max_volts),
            ("ocp", self.ocp_amps, self.without_ocp, self.max_amps),
        ):
            if (level is None) is not bool(waiver.strip()):
                raise UsageError(
                    f"cable limits: state the level of {name}, or why it has none (without_{name})"
                )
            if level is not None and level < most:
                raise UsageError(
                    f"cable limits: the {name} level ({level:g}) must not lie below the largest "
                    f"set point ({most:g})"
                )
        if self.ocp_delay_s is not None and not 0 <= self.ocp_delay_s <= 60:
            raise UsageError(f"cable limit ocp_delay_s must be 0..60 s, not {self.ocp_delay_s}")

    def check(self, where: str, volts: float, amps: float) -> None:
        """Refuse set points beyond the cable with :class:`SafetyError`, before anything is sent."""
        for value, highest, unit in ((volts, self.max_volts, "V"), (amps, self.max_amps, "A")):
            if not (math.isfinite(value) and 0 <= value <= highest):
                raise SafetyError(
                    f"{where}: {value:g} {unit} is not within 0..{highest:g} {unit} of its cable; "
                    f"ask for less, or mend the bench file if the cable stands more"
                )
