"""How fast a model takes a set point and its output follows: what an edge's uncertainty rests on.

``processing_s`` is how long after its answer the output may begin to move at the latest; makers
call it command processing time. The bench file replaces it (``power_supply.command_time``) by what
the lab has measured on its own unit with an oscilloscope.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Timing:
    """How slow a model is at its worst: ``processing_s`` as above, and its output on its way.

    ``rise_v_s`` with enough current, ``fall_v_s`` without load, ``farads`` what the current limit
    has to charge.
    """

    processing_s: float
    rise_v_s: float
    fall_v_s: float
    farads: float

    def seconds_for(self, volts: float, to_volts: float, amps: float) -> float:
        """Return the longest that an output takes from one voltage to another, limited to amps."""
        way = to_volts - volts
        if way <= 0:
            return -way / self.fall_v_s
        charging = amps / self.farads if self.farads else self.rise_v_s
        rate = min(self.rise_v_s, charging)
        return way / rate if rate > 0 else float("inf")


UNKNOWN: Final = Timing(0.120, 400.0, 50.0, 0.0015)
"""For models nobody has published figures of: slower than any figure known."""

_KNOWN: Final[Mapping[str, Timing]] = MappingProxyType(
    {
        # Processing < 118 ms: unverified. Rise 25 V in 50 ms, fall in 400 ms without load: DP1308A
        # (performance verification p. 43), a sibling. Farads: so that 70 mA make that fall.
        "DP832": Timing(0.118, 490.0, 60.0, 0.0012),
        # Command processing 50 ms of the family (manual p. 192); output stage as the E4356A's.
        "E36312A": Timing(0.050, 400.0, 50.0, 0.0015),
    }
)


def timing_of(model: str, *, command_time_s: float | None = None) -> Timing:
    """Return a model's timing; ``command_time_s`` is the lab's own figure for its unit."""
    known = _KNOWN.get(model.upper(), UNKNOWN)
    if command_time_s is None:
        return known
    return Timing(command_time_s, known.rise_v_s, known.fall_v_s, known.farads)
