"""One output of a virtual supply: settings, protections and the voltage they make.

Nothing ticks: between events the voltage follows its chain of segments, and the next trip is a
known instant. Whoever asks first calls :meth:`Output.advance` with the time of asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hil.virtual.electrical import (
    NS,
    OFF,
    Drive,
    Law,
    Load,
    Segment,
    Stage,
    is_limiting,
    next_crossing,
    plan,
    volts_at,
)
from hil.virtual.power_supply.ratings import OutputRatings, SupplyRatings
from hil.virtual.power_supply.unit_errors import ChannelErrors

CC, CV, OVP, OCP = 1, 2, 4, 8
"""Bits of the questionable condition of an output (DP800 guide table 1-3)."""


@dataclass(slots=True)
class Protection:
    """One protection: level in volts or amps, whether it watches, whether it has tripped."""

    level: float
    enabled: bool = False
    tripped: bool = False
    over_since_ns: int | None = None


class Output:
    """One output. ``on_change`` is called after every change of its law."""

    def __init__(
        self, number: int, supply: SupplyRatings, seed: int, now_ns: int, *, speed: float = 1.0
    ) -> None:
        self.number = number
        self.ratings: OutputRatings = supply.outputs[number - 1]
        self.volts = self.ratings.volts.default
        self.amps = self.ratings.amps.default
        self.on = False
        self.ovp = Protection(self.ratings.ovp_volts.default)
        self.ocp = Protection(self.ratings.ocp_amps.default)
        self.load = Load()
        self.stuck = False
        self.on_change: Callable[[Output], None] | None = None
        self._supply = supply
        self._speed = speed
        self._errors = ChannelErrors(supply, seed, number)
        self._stuck_drive = OFF
        self.segments: tuple[Segment, ...] = (Segment(now_ns, Law.HOLD, 0.0),)

    @property
    def drive(self) -> Drive:
        """What the regulator really does; a stuck output goes on as it was when it stuck."""
        return self._stuck_drive if self.stuck else self._commanded()

    def _commanded(self) -> Drive:
        if not self.on:
            return OFF
        errors = self._errors
        return Drive(errors.set_volts.apply(self.volts), errors.set_amps.apply(self.amps))

    def program(
        self, now_ns: int, *, volts: float | None = None, amps: float | None = None
    ) -> None:
        """Take new settings."""
        self.volts = self.volts if volts is None else volts
        self.amps = self.amps if amps is None else amps
        self.replan(now_ns)

    def switch(self, now_ns: int, on: bool) -> None:
        """Switch the output; the caller has refused it while a trip is latched."""
        self.on = on
        self.replan(now_ns)

    def connect(self, now_ns: int, load: Load) -> None:
        """Hang another load on the terminals."""
        self.load = load
        self.replan(now_ns)

    def stick(self, now_ns: int, stuck: bool) -> None:
        """Let the output stage ignore (or heed again) what it is told."""
        self._stuck_drive = self._commanded()
        self.stuck = stuck
        self.replan(now_ns)

    def reset(self, now_ns: int) -> None:
        """Take the settings of ``*RST``: off, 0 V, rated current, protections idle."""
        self.volts, self.amps = self.ratings.volts.default, self.ratings.amps.default
        self.ovp = Protection(self.ratings.ovp_volts.default)
        self.ocp = Protection(self.ratings.ocp_amps.default)
        self.switch(now_ns, False)

    def true_volts(self, at_ns: int) -> float:
        """Return what the terminals carry."""
        return volts_at(self.segments, at_ns)

    def true_amps(self, at_ns: int) -> float:
        """Return what flows into the load; the supply cannot measure what flows back."""
        return max(0.0, self.load.amps(self.true_volts(at_ns)))

    def measure(self, at_ns: int) -> tuple[float, float]:
        """Return volts and amps as the meter reads them."""
        self.advance(at_ns)
        return self._errors.read(self.true_volts(at_ns), self.true_amps(at_ns))

    def mode(self, at_ns: int) -> str:
        """Return ``CV``, ``CC``, or ``UR`` while off."""
        self.advance(at_ns)
        if not self.on:
            return "UR"
        return "CC" if is_limiting(self.drive, self.load, self.true_volts(at_ns)) else "CV"

    def condition(self, at_ns: int) -> int:
        """Return the questionable condition bits of this instant."""
        bits = {"CV": CV, "CC": CC, "UR": 0}[self.mode(at_ns)]
        return bits | (OVP if self.ovp.tripped else 0) | (OCP if self.ocp.tripped else 0)

    @property
    def tripped(self) -> bool:
        """Whether a protection is latched."""
        return self.ovp.tripped or self.ocp.tripped

    def clear_trip(self, now_ns: int, protection: Protection) -> None:
        """Forget a trip; the output stays off."""
        protection.tripped = False
        protection.over_since_ns = None
        self.replan(now_ns)

    def replan(self, now_ns: int) -> None:
        """Close the chain at ``now_ns`` and begin another from the voltage reached there."""
        stage, drive = self._stage(), self.drive
        self.segments = plan(stage, drive, self.load, self.true_volts(now_ns), now_ns)
        for protection, level in self._watched():
            self._note_excess(protection, level, now_ns)
        if self.on_change is not None:
            self.on_change(self)

    def next_trip(self) -> tuple[int, Protection] | None:
        """Return when a protection trips if nothing changes before, and which."""
        trips = []
        for protection, level in self._watched():
            since = protection.over_since_ns
            if since is None:
                since = next_crossing(self.segments, level, self.segments[0].t0_ns)
            if since is None:
                continue
            at_ns = since + round(self._delay(protection) * NS)
            if self.true_volts(at_ns) > level:
                trips.append((at_ns, protection))
        return min(trips, key=lambda trip: trip[0], default=None)

    def advance(self, now_ns: int) -> None:
        """Let every trip happen that is due by ``now_ns``."""
        while (trip := self.next_trip()) is not None and trip[0] <= now_ns:
            at_ns, protection = trip
            protection.tripped = True
            self.switch(max(at_ns, self.segments[0].t0_ns), False)

    def _watched(self) -> list[tuple[Protection, float]]:
        """Return the protections that can trip now, each with the voltage that exceeds it."""
        watched = []
        if self.ovp.enabled and not self.ovp.tripped:
            watched.append((self.ovp, self.ovp.level))
        if self.ocp.enabled and not self.ocp.tripped and self.load.ohms is not None:
            watched.append((self.ocp, self.load.emf + self.ocp.level * self.load.ohms))
        return watched

    def _note_excess(self, protection: Protection, level: float, now_ns: int) -> None:
        if self.true_volts(now_ns) <= level:
            protection.over_since_ns = None
        elif protection.over_since_ns is None:
            protection.over_since_ns = now_ns

    def _delay(self, protection: Protection) -> float:
        if protection is self.ocp:
            return self._supply.ocp_trip_s
        slow = protection.level < self._supply.slow_trip_below
        return self._supply.slow_trip_s if slow else self._supply.trip_s

    def _stage(self) -> Stage:
        stage = self.ratings.stage
        return replace(
            stage, farads=stage.farads / self._speed, slew_v_s=stage.slew_v_s * self._speed
        )
