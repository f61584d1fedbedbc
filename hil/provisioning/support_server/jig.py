"""The jig as a means of authentication: a voltage and a current inside a window for a dwell.

The readings come from the line station, which reads them at the power supply (patent claim 3,
operations 550 and 640). A reading counts as inside only if it is so with its whole uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from hil.errors import ConfigError

MAX_SAMPLES: Final = 10_000
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class JigSample:
    """One reading of the jig's supply: monotonic ns, volts, amps, each ± its uncertainty."""

    at_ns: int
    volts: float
    amps: float | None = None
    volts_uncertainty: float = 0.0
    amps_uncertainty: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """From ``low`` to ``high``, both allowed."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (self.low < self.high and math.isfinite(self.high - self.low)):
            raise ConfigError(f"jig window from {self.low:g} to {self.high:g} is empty or endless")

    def objection(self, value: float, uncertainty: float, unit: str) -> str | None:
        """Return why ``value`` is not surely inside, or None when it is."""
        if not (math.isfinite(value) and math.isfinite(uncertainty) and uncertainty >= 0):
            return f"a reading is not a number of {unit}"
        span = f"{self.low:g} to {self.high:g} {unit}"
        shown = f"{value:g} {unit}"
        if value + uncertainty < self.low:
            return f"{shown} is below the window of {span}"
        if value - uncertainty > self.high:
            return f"{shown} is above the window of {span}"
        if value - uncertainty < self.low or value + uncertainty > self.high:
            return f"{shown} ± {uncertainty:g} is too near to an edge of {span} to decide"
        return None


@dataclass(frozen=True, slots=True)
class JigPolicy:
    """What a good jig shows: volts and, if asked for, amps, without a break for ``dwell_s``.

    Two readings more than ``max_gap_s`` apart count as a break: a dip could hide between them.
    """

    volts: Window
    amps: Window | None = None
    dwell_s: float = 0.2
    max_gap_s: float = 0.25

    def __post_init__(self) -> None:
        # What is no number would be met by any dwell, and by any gap.
        if not 0 <= self.dwell_s < math.inf:
            raise ConfigError(f"a jig's dwell_s is 0 or more, not {self.dwell_s:g}")
        if not 0 < self.max_gap_s < math.inf:
            raise ConfigError(f"a jig's max_gap_s is more than 0, not {self.max_gap_s:g}")

    def objection(self, samples: Sequence[JigSample]) -> str | None:
        """Return why the readings do not authenticate, or None when they do."""
        if not 2 <= len(samples) <= MAX_SAMPLES:
            return f"{len(samples)} jig readings cannot show a dwell; 2 to {MAX_SAMPLES} can"
        for sample in samples:
            reason = self._outside(sample)
            if reason is not None:
                return f"jig: {reason}"
        return self._broken(samples)

    def _outside(self, sample: JigSample) -> str | None:
        reason = self.volts.objection(sample.volts, sample.volts_uncertainty, "V")
        if reason is not None or self.amps is None:
            return reason
        if sample.amps is None:
            return "a reading has no current, but a current window is set"
        return self.amps.objection(sample.amps, sample.amps_uncertainty, "A")

    def _broken(self, samples: Sequence[JigSample]) -> str | None:
        for before, after in pairwise(samples):
            if after.at_ns <= before.at_ns:
                return "jig readings are not in the order of their times"
            if after.at_ns - before.at_ns > self.max_gap_s * _NS:
                gap = (after.at_ns - before.at_ns) / _NS
                return (
                    f"jig was not watched for {gap:.3g} s; at most {self.max_gap_s:g} s may lie "
                    "between two readings"
                )
        held = (samples[-1].at_ns - samples[0].at_ns) / _NS
        if held < self.dwell_s:
            return f"jig was held for {held:.3g} s; the dwell is {self.dwell_s:g} s"
        return None
