"""OVP and OCP: what they watch, how long it must last, when they trip.

OVP watches the terminals. OCP watches the load's current where it has a level of its own; where it
has none it trips in constant current, its delay counted from the entry into it (``CCTR``) or, as a
hold-off after switching and setting, from the last change of a setting (``SCH``).
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.virtual.electrical import (
    NS,
    Drive,
    Load,
    Segment,
    Spans,
    Stage,
    spans_above,
    spans_limiting,
)


@dataclass(slots=True)
class Protection:
    """One protection: level in volts or amps, whether it watches, whether it has tripped.

    ``level`` None: it watches for constant current. ``delay_s`` is how long that must last, or with
    ``from_change`` how long after a change of settings it is overlooked.
    """

    level: float | None
    enabled: bool = False
    tripped: bool = False
    delay_s: float = 0.0
    from_change: bool = False
    over_since_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """One protection that can trip on the chain of now: when it sees too much, and its delay."""

    protection: Protection
    spans: Spans
    begins_ns: int
    delay_s: float

    def due(self, changed_ns: int) -> int | None:
        """Return when it trips if nothing changes, or None."""
        for begin_ns, end_ns in self.spans:
            since_ns = self._since(begin_ns)
            if self.protection.from_change:
                at_ns = max(since_ns, changed_ns + round(self.delay_s * NS))
            else:
                at_ns = since_ns + round(self.delay_s * NS)
            at_ns = max(at_ns, self.begins_ns)
            if end_ns is None or at_ns < end_ns:
                return at_ns
        return None

    def remember(self, now_ns: int) -> None:
        """Note since when it has been too much, before the chain is closed at ``now_ns``."""
        span = self._span_at(now_ns)
        self.protection.over_since_ns = None if span is None else self._since(span)

    def keep_or_forget(self, now_ns: int) -> None:
        """Keep what was noted if it is too much on the new chain as well."""
        if self._span_at(now_ns) is None:
            self.protection.over_since_ns = None

    def _since(self, begin_ns: int) -> int:
        noted = self.protection.over_since_ns
        return noted if noted is not None and begin_ns <= self.begins_ns else begin_ns

    def _span_at(self, now_ns: int) -> int | None:
        for begin_ns, end_ns in self.spans:
            if begin_ns <= now_ns and (end_ns is None or now_ns < end_ns):
                return begin_ns
        return None


def trips(
    stage: Stage,
    drive: Drive,
    load: Load,
    segments: tuple[Segment, ...],
    delays: tuple[tuple[Protection, float], tuple[Protection, float]],
) -> list[Trip]:
    """Return what can trip on a chain; ``delays`` are OVP and OCP with their reaction times."""
    (ovp, ovp_delay_s), (ocp, ocp_delay_s) = delays
    begins_ns = segments[0].t0_ns
    found = []
    if ovp.enabled and not ovp.tripped and ovp.level is not None:
        found.append(Trip(ovp, spans_above(segments, ovp.level), begins_ns, ovp_delay_s))
    if ocp.enabled and not ocp.tripped:
        if ocp.level is None:
            spans = spans_limiting(stage, drive, segments)
            found.append(Trip(ocp, spans, begins_ns, ocp_delay_s))
        elif load.ohms is not None:
            spans = spans_above(segments, load.emf + ocp.level * load.ohms)
            found.append(Trip(ocp, spans, begins_ns, ocp_delay_s))
    return found
