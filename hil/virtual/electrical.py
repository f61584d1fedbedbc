"""The output of a supply in closed form: what its terminals carry at any instant, without ticks.

One output is a regulator behind a capacitor: below the set voltage it can give up to its current
limit (and rise no faster than its slew rate), above it only a small internal sink pulls down, so
that an unloaded output falls slowly. The load is a resistance, with an electromotive force (EMF)
behind it when something feeds back. Between two events (command, load change, trip) the voltage
follows a short chain of :class:`Segment`, each of them one formula.

Times are :func:`time.monotonic_ns`; volts, amps, ohms, farads, seconds everywhere else. The laws
are those of a series-pass supply: E3633A guide p. 195 and E364xA manual p. 159 on down-programming.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

NS = 1_000_000_000
_NEVER_S = 1e9
_ROUNDING = 1e-12


class Law(StrEnum):
    """The formula of one segment."""

    HOLD = "hold"
    RAMP = "ramp"
    EXP = "exp"


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of voltage from ``t0_ns`` until the next segment begins.

    ``hold``: v0. ``ramp``: v0 + rate·t, stopping at target.
    ``exp``: target + (v0 - target)·e^(-t/tau).
    """

    t0_ns: int
    law: Law
    v0: float
    target: float = 0.0
    rate_v_s: float = 0.0
    tau_s: float = 0.0

    def volts(self, at_ns: int) -> float:
        """Return the voltage at ``at_ns``; before its beginning a segment says ``v0``."""
        seconds = max(0, at_ns - self.t0_ns) / NS
        if self.law is Law.RAMP:
            risen = self.v0 + self.rate_v_s * seconds
            return min(risen, self.target) if self.rate_v_s > 0 else max(risen, self.target)
        if self.law is Law.EXP:
            return self.target + (self.v0 - self.target) * math.exp(-seconds / self.tau_s)
        return self.v0

    def reaches(self, volts: float) -> int | None:
        """Return when this segment alone is at ``volts`` (at its beginning or later), or None."""
        if volts == self.v0:
            return self.t0_ns
        if self.law is Law.RAMP:
            within = min(self.v0, self.target) <= volts <= max(self.v0, self.target)
            if not within or self.rate_v_s == 0:
                return None
            return _later(self.t0_ns, (volts - self.v0) / self.rate_v_s)
        if self.law is Law.EXP:
            # Never at the target itself, only between the beginning and the target.
            if (
                self.v0 == self.target
                or not 0 < (volts - self.target) / (self.v0 - self.target) <= 1
            ):
                return None
            ratio = (self.v0 - self.target) / (volts - self.target)
            return _later(self.t0_ns, self.tau_s * math.log(ratio))
        return None


def _later(t0_ns: int, seconds: float) -> int | None:
    """Return the first nanosecond ``seconds`` after ``t0_ns``, or None if nobody will see it."""
    return t0_ns + math.ceil(seconds * NS) if seconds < _NEVER_S else None


def volts_at(segments: tuple[Segment, ...], at_ns: int) -> float:
    """Return the voltage of a chain at ``at_ns``; an empty chain carries nothing."""
    current = segment_at(segments, at_ns)
    return current.volts(at_ns) if current is not None else 0.0


def next_crossing(segments: tuple[Segment, ...], volts: float, after_ns: int) -> int | None:
    """Return the first instant from ``after_ns`` on at which the chain passes ``volts``, or None.

    Leaving the level counts as well as reaching it: the instant is where the voltage is at the
    level. A chain that stands still at the level from the start has no crossing.
    """
    for index, segment in enumerate(segments):
        end_ns = segments[index + 1].t0_ns if index + 1 < len(segments) else None
        if segment.law is Law.HOLD or (end_ns is not None and end_ns <= after_ns):
            continue
        at_ns = segment.reaches(volts)
        if at_ns is not None and at_ns >= after_ns and (end_ns is None or at_ns <= end_ns):
            return at_ns
    return None


@dataclass(frozen=True, slots=True)
class Load:
    """What hangs on the terminals: ``ohms`` (None: nothing) in series with ``emf`` volts."""

    ohms: float | None = None
    emf: float = 0.0

    def amps(self, volts: float) -> float:
        """Return the current into the load at ``volts``; negative when the load feeds back."""
        return 0.0 if self.ohms is None else (volts - self.emf) / self.ohms


def parallel(*loads: Load) -> Load:
    """Return the one load that several on the same terminals amount to (Thévenin)."""
    present = [load for load in loads if load.ohms is not None]
    conductance = sum(1 / load.ohms for load in present if load.ohms)
    if not conductance:
        return Load()
    source = sum(load.emf / load.ohms for load in present if load.ohms)
    return Load(1 / conductance, source / conductance)


@dataclass(frozen=True, slots=True)
class Stage:
    """The output stage: ``farads`` at the terminals, ``sink_amps`` down, ``slew_v_s`` up.

    A diode across the terminals clamps what a negative EMF can do at ``clamp_volts`` (below 0).
    """

    farads: float
    sink_amps: float
    slew_v_s: float
    clamp_volts: float = -0.6


@dataclass(frozen=True, slots=True)
class Drive:
    """What the regulator is told: set voltage and current limit. Off is 0 V and 0 A."""

    volts: float
    amps: float


OFF = Drive(0.0, 0.0)


def plan(stage: Stage, drive: Drive, load: Load, v0: float, t0_ns: int) -> tuple[Segment, ...]:
    """Return the chain that begins with ``v0`` at ``t0_ns``: up, down or standing.

    C·dV/dt is what the stage gives (its limit below the set voltage, minus its sink above, whatever
    is needed in between at it) less the load current.
    """
    if v0 < drive.volts:
        return _rise(stage, drive, load, v0, t0_ns)
    pulled_to = _pulled_to(stage, drive, load)
    if v0 == drive.volts and pulled_to is not None:
        return (_exponential(t0_ns, v0, pulled_to, _tau(stage, load)),)
    if v0 > drive.volts:
        return _fall(stage, drive, load, v0, t0_ns)
    return (Segment(t0_ns, Law.HOLD, v0),)


def is_limiting(stage: Stage, drive: Drive, segment: Segment) -> bool:
    """Tell whether the current limit rules a segment of the chain planned for ``drive`` (CC).

    Else the set voltage does, or the slew rate on the way to it, or the sink on the way down.
    Each segment is one or the other as a whole.
    """
    if segment.v0 > drive.volts or (segment.v0 == drive.volts and segment.law is Law.HOLD):
        return False
    if segment.law is Law.EXP:
        return segment.v0 < drive.volts or segment.target < drive.volts
    return segment.law is Law.HOLD or drive.amps < stage.slew_v_s * stage.farads - _ROUNDING


Spans = list[tuple[int, int | None]]
"""Stretches of time in nanoseconds, each from its first instant until before its second."""


def spans_above(segments: tuple[Segment, ...], volts: float) -> Spans:
    """Return when a chain is above ``volts``. Each segment is monotone, so it crosses once."""
    spans: Spans = []
    for segment, end_ns in _with_ends(segments):
        last = segment.target if segment.law is not Law.HOLD else segment.v0
        if end_ns is not None:
            last = segment.volts(end_ns)
        begins, ends = segment.v0 > volts, last > volts
        if not (begins or ends):
            continue
        crossing = None if begins and ends else segment.reaches(volts)
        if begins and not ends:
            _join(spans, segment.t0_ns, end_ns if crossing is None else crossing)
        elif begins or crossing is not None:
            _join(spans, segment.t0_ns if begins else crossing, end_ns)
    return spans


def spans_limiting(stage: Stage, drive: Drive, segments: tuple[Segment, ...]) -> Spans:
    """Return when the current limit rules a chain (CC)."""
    spans: Spans = []
    for segment, end_ns in _with_ends(segments):
        if is_limiting(stage, drive, segment):
            _join(spans, segment.t0_ns, end_ns)
    return spans


def _with_ends(segments: tuple[Segment, ...]) -> list[tuple[Segment, int | None]]:
    ends = [*(segment.t0_ns for segment in segments[1:]), None]
    return list(zip(segments, ends, strict=True))


def _join(spans: Spans, begin_ns: int | None, end_ns: int | None) -> None:
    if begin_ns is None or begin_ns == end_ns:
        return
    if spans and spans[-1][1] is not None and begin_ns <= spans[-1][1] + 1:
        spans[-1] = (spans[-1][0], end_ns)
    else:
        spans.append((begin_ns, end_ns))


def segment_at(segments: tuple[Segment, ...], at_ns: int) -> Segment | None:
    """Return the segment of a chain that holds at ``at_ns``; before its beginning the first."""
    current: Segment | None = None
    for segment in segments:
        if current is not None and segment.t0_ns > at_ns:
            break
        current = segment
    return current


def _tau(stage: Stage, load: Load) -> float:
    return (load.ohms or math.inf) * stage.farads


def _exponential(t0_ns: int, v0: float, target: float, tau_s: float) -> Segment:
    return Segment(t0_ns, Law.EXP, v0, target=target, tau_s=tau_s)


def _pulled_to(stage: Stage, drive: Drive, load: Load) -> float | None:
    """Return where a load drags an output that stands at its set voltage, or None if it holds."""
    if load.ohms is None:
        return None
    over = load.emf - stage.sink_amps * load.ohms
    if over > drive.volts:
        return over
    under = load.emf + drive.amps * load.ohms
    if under < drive.volts:
        return max(under, stage.clamp_volts)
    return None


def _rise(stage: Stage, drive: Drive, load: Load, v0: float, t0_ns: int) -> tuple[Segment, ...]:
    if load.ohms is None:
        # What a negative EMF has left behind bleeds away by itself.
        amps = max(drive.amps, stage.sink_amps) if v0 < 0 else drive.amps
        rate = min(stage.slew_v_s, amps / stage.farads)
        if rate <= 0:
            return (Segment(t0_ns, Law.HOLD, v0),)
        climb = Segment(t0_ns, Law.RAMP, v0, target=drive.volts, rate_v_s=rate)
        return _until_set(stage, drive, load, climb)
    tau_s = _tau(stage, load)
    limit = max(load.emf + drive.amps * load.ohms, stage.clamp_volts)
    # The current limit can charge faster than the regulator slews until this voltage.
    slew_end = min(limit - stage.slew_v_s * tau_s, drive.volts)
    if slew_end <= v0:
        return _until_set(stage, drive, load, _exponential(t0_ns, v0, limit, tau_s))
    climb = Segment(t0_ns, Law.RAMP, v0, target=slew_end, rate_v_s=stage.slew_v_s)
    if slew_end == drive.volts:
        return _until_set(stage, drive, load, climb)
    reached_ns = climb.reaches(slew_end)
    if reached_ns is None:
        return (climb,)
    rest = _exponential(reached_ns, slew_end, limit, tau_s)
    return climb, *_until_set(stage, drive, load, rest)


def _fall(stage: Stage, drive: Drive, load: Load, v0: float, t0_ns: int) -> tuple[Segment, ...]:
    if load.ohms is None:
        rate = -stage.sink_amps / stage.farads
        fall = Segment(t0_ns, Law.RAMP, v0, target=drive.volts, rate_v_s=rate)
    else:
        down_to = load.emf - stage.sink_amps * load.ohms
        fall = _exponential(t0_ns, v0, down_to, _tau(stage, load))
    return _until_set(stage, drive, load, fall)


def _until_set(stage: Stage, drive: Drive, load: Load, way: Segment) -> tuple[Segment, ...]:
    """Let ``way`` end at the set voltage, if it gets there; a load may drag it further."""
    end_ns = way.reaches(drive.volts)
    if end_ns is None:
        return (way,)
    return way, *plan(stage, drive, load, drive.volts, end_ns)
