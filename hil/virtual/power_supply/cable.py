"""The cable between an output and the device: both leads' resistance, and what can go wrong.

All closed forms of the output stay closed: at the terminals the cable is part of the load, and at
the device the voltage is a fixed share of the terminals' plus a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hil.virtual.electrical import Law, Load, Segment


@dataclass(frozen=True, slots=True)
class Cable:
    """``ohms`` of both leads together; ``crossed`` swaps them, ``cut`` opens one."""

    ohms: float = 0.0
    crossed: bool = False
    cut: bool = False

    def seen_from_terminals(self, far: Load) -> Load:
        """Return what a load at the far end amounts to at the terminals."""
        if self.cut or far.ohms is None:
            return Load()
        return Load(far.ohms + self.ohms, -far.emf if self.crossed else far.emf)

    def at_device(self, volts: float, far: Load) -> float:
        """Return the voltage at the far end for ``volts`` at the terminals."""
        share, constant = self._map(far)
        return share * volts + constant

    def law_at_device(self, segments: tuple[Segment, ...], far: Load) -> tuple[Segment, ...]:
        """Return the chain at the far end for a chain at the terminals."""
        share, constant = self._map(far)
        if (share, constant) == (1.0, 0.0):
            return segments
        return tuple(
            replace(
                segment,
                v0=share * segment.v0 + constant,
                target=share * segment.target + constant if segment.law is not Law.HOLD else 0.0,
                rate_v_s=share * segment.rate_v_s,
            )
            for segment in segments
        )

    def drop(self, volts: float, far: Load) -> float:
        """Return the drop along the leads when ``volts`` stand at the far end (at least 0)."""
        if self.cut:
            return 0.0
        return max(0.0, self.ohms * far.amps(volts))

    def _map(self, far: Load) -> tuple[float, float]:
        """Return share and constant: the far end has share·terminals + constant."""
        sign = -1.0 if self.crossed else 1.0
        if self.cut:
            return 0.0, 0.0 if far.ohms is None else far.emf
        if far.ohms is None or self.ohms == 0:
            return sign, 0.0
        share = far.ohms / (far.ohms + self.ohms)
        return sign * share, far.emf * (1 - share)
