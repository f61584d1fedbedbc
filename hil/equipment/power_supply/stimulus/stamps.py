"""When an edge really went out: between which instants, and when the output is where it leads.

Instants are :func:`time.monotonic_ns`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.equipment.power_supply.stimulus.timing import Timing
from hil.errors import UsageError

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """Between ``earliest_ns`` and ``latest_ns`` something happened; or so long it took."""

    earliest_ns: int
    latest_ns: int

    @property
    def middle_ns(self) -> int:
        """The middle."""
        return (self.earliest_ns + self.latest_ns) // 2

    @property
    def uncertainty_s(self) -> float:
        """Half its width, in seconds."""
        return (self.latest_ns - self.earliest_ns) / 2 / NS

    def since(self, earlier: Span) -> Span:
        """Return the least and the longest time from ``earlier`` to this."""
        return Span(self.earliest_ns - earlier.latest_ns, self.latest_ns - earlier.earliest_ns)

    def __contains__(self, at_ns: int) -> bool:
        return self.earliest_ns <= at_ns <= self.latest_ns


@dataclass(frozen=True, slots=True)
class Stamp:
    """One edge on one channel as it went out.

    ``due_ns``: when it should. ``before_ns`` and ``after_ns``: the clock before it was sent and
    after the instrument had answered. ``volts``, ``amps`` and ``on`` hold from then on,
    ``from_volts`` held before (0 while off). ``accuracy_volts``: how far the output may lie from a
    set point. ``resolution_ns``: of the instrument's own list, if that played the edge.
    """

    channel: int
    due_ns: int
    before_ns: int
    after_ns: int
    from_volts: float
    volts: float
    amps: float
    on: bool
    timing: Timing
    accuracy_volts: float = 0.0
    resolution_ns: int = 0

    @property
    def span(self) -> Span:
        """When the output began to move."""
        latest = self.after_ns + round(self.timing.processing_s * NS) + self.resolution_ns
        return Span(self.before_ns, latest)

    @property
    def late_ns(self) -> int:
        """How much later than due it was sent; negative never."""
        return max(0, self.before_ns - self.due_ns)

    @property
    def to_volts(self) -> float:
        """The voltage this edge leads to."""
        return self.volts if self.on else 0.0

    def passes(self, volts: float) -> Span:
        """Return when the output passes ``volts`` on its way; :class:`UsageError` off the way."""
        low, high = sorted((self.from_volts, self.to_volts))
        if not low <= volts <= high:
            raise UsageError(
                f"{volts:g} V is not on the way from {self.from_volts:g} to {self.to_volts:g} V"
            )
        direction = 1 if self.to_volts >= self.from_volts else -1
        further = volts + direction * self.accuracy_volts
        begun = self.from_volts - direction * self.accuracy_volts
        longest = self.timing.seconds_for(begun, further, self.amps)
        span = self.span
        return Span(span.earliest_ns, span.latest_ns + round(longest * NS))
