"""One output of a virtual supply: settings, protections and the voltage they make.

Nothing ticks: between events the voltage follows its chain of segments, and the next event (a trip,
a step of a sequence) is a known instant. Whoever asks first calls :meth:`Output.advance` with the
time of asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hil.virtual.electrical import (
    OFF,
    Drive,
    Law,
    Load,
    Segment,
    is_limiting,
    parallel,
    plan,
    segment_at,
    volts_at,
)
from hil.virtual.power_supply.cable import Cable
from hil.virtual.power_supply.protection import Protection, Trip, trips
from hil.virtual.power_supply.ratings import OutputRatings, SupplyRatings
from hil.virtual.power_supply.sense import Leads, Sense, sensed
from hil.virtual.power_supply.sequence import Playing
from hil.virtual.power_supply.unit_errors import ChannelErrors

SWEEPING, WAITING = 1 << 3, 1 << 5
"""Bits of the operation condition of an output: a sequence runs, or waits for its trigger."""


class Output:
    """One output. ``on_change`` is called after every change of its law."""

    def __init__(
        self, number: int, supply: SupplyRatings, seed: int, now_ns: int, *, speed: float = 1.0
    ) -> None:
        self.number = number
        self.ratings: OutputRatings = supply.outputs[number - 1]
        self.errors = ChannelErrors(supply, seed, number, now_ns)
        self.cable = Cable()
        self.leads = Leads.GOOD
        self.far = Load()
        self.hung = Load()
        self.stuck = False
        self.dead = False
        self.armed = False
        self.on_change: Callable[[Output], None] | None = None
        self._supply = supply
        stage = self.ratings.stage
        self._stage = replace(stage, farads=stage.farads / speed, slew_v_s=stage.slew_v_s * speed)
        self._stuck_drive = OFF
        self._planned = (OFF, Load())
        self.segments: tuple[Segment, ...] = (Segment(now_ns, Law.HOLD, 0.0),)
        self._next_ns: int | None = None
        self._take_defaults(now_ns)

    def _take_defaults(self, now_ns: int) -> None:
        ratings = self.ratings
        self.volts, self.amps = ratings.volts.default, ratings.amps.default
        self.on = False
        self.was_on = False
        self.steps: dict[str, float] = {}
        self.remote_sense = False
        self.playing: Playing | None = None
        self.armed = False
        self.ovp = Protection(ratings.ovp_volts.default)
        # Without a level of its own OCP watches for constant current, a while after it begins.
        level = None if ratings.ocp_amps is None else ratings.ocp_amps.default
        self.ocp = Protection(level, delay_s=self._supply.ocp_trip_s)
        self.changed_ns = now_ns

    @property
    def load(self) -> Load:
        """What the terminals see: the far load through its cable, and what hangs beside it."""
        return parallel(self.cable.seen_from_terminals(self.far), self.hung)

    @property
    def drive(self) -> Drive:
        """What the regulator really does; a stuck output goes on as it was when it stuck."""
        if self.dead:
            return OFF
        return self._stuck_drive if self.stuck else self._commanded()

    def _commanded(self) -> Drive:
        if not self.on:
            return OFF
        volts = self.errors.set_volts.apply(self.volts)
        sense = sensed(self.remote_sense, self.leads)
        if sense is Sense.FAR:
            volts += min(self.cable.drop(volts, self.far), self.ratings.sense_volts or 0.0)
        elif sense is Sense.WRONG_SIGN and volts > 0:
            # The regulator sees the wrong sign and drives as high as it can.
            volts = self.ratings.ovp_volts.high
        return Drive(volts, self.errors.set_amps.apply(self.amps))

    def program(
        self, now_ns: int, *, volts: float | None = None, amps: float | None = None
    ) -> None:
        """Take new settings."""
        self.volts = self.volts if volts is None else volts
        self.amps = self.amps if amps is None else amps
        self.changed_ns = now_ns
        self.replan(now_ns)

    def switch(self, now_ns: int, on: bool) -> None:
        """Switch the output; the caller has refused it while a trip is latched."""
        self.on = on
        self.changed_ns = now_ns
        if not on:
            self.playing, self.armed = None, False
        self.replan(now_ns)

    def play(self, now_ns: int, playing: Playing) -> None:
        """Begin a sequence; its first step is taken at once."""
        self.playing, self.armed = playing, False
        playing.begin(now_ns)
        self._step(now_ns)

    def halt(self, now_ns: int) -> None:
        """Break a sequence off; the values of now stay."""
        self.playing = None
        self.replan(now_ns)

    def connect(self, now_ns: int, far: Load, hung: Load | None = None) -> None:
        """Hang another load at the far end of the cable (and on the terminals beside it)."""
        self.far = far
        self.hung = self.hung if hung is None else hung
        self.replan(now_ns)

    def wire(self, now_ns: int, cable: Cable, leads: Leads = Leads.GOOD) -> None:
        """Lay another cable to the far end, with its sense leads."""
        self.cable, self.leads = cable, leads
        self.replan(now_ns)

    def sense_remotely(self, now_ns: int, remote: bool) -> None:
        """Regulate and read at the far end of the cable, or at the terminals."""
        self.remote_sense = remote
        self.replan(now_ns)

    def stick(self, now_ns: int, stuck: bool) -> None:
        """Let the output stage ignore (or heed again) what it is told."""
        self._stuck_drive = self._commanded()
        self.stuck = stuck
        self.replan(now_ns)

    def die(self, now_ns: int, dead: bool) -> None:
        """Let the output stage give nothing, whatever it is told, or come back to life."""
        self.dead = dead
        self.replan(now_ns)

    def reset(self, now_ns: int) -> None:
        """Take the settings of ``*RST``: off, default values, protections idle."""
        self._take_defaults(now_ns)
        self.replan(now_ns)

    def true_volts(self, at_ns: int) -> float:
        """Return what the terminals carry."""
        return volts_at(self.segments, at_ns)

    def far_volts(self, at_ns: int) -> float:
        """Return what the far end of the cable carries: what the device sees."""
        return self.cable.at_device(self.true_volts(at_ns), self.far)

    def far_segments(self) -> tuple[Segment, ...]:
        """Return the chain at the far end of the cable."""
        return self.cable.law_at_device(self.segments, self.far)

    def true_amps(self, at_ns: int) -> float:
        """Return what flows into the load; the supply cannot measure what flows back."""
        return max(0.0, self.load.amps(self.true_volts(at_ns)))

    def measure(self, at_ns: int) -> tuple[float, float]:
        """Return volts and amps as the meter reads them, the volts where they are sensed."""
        self.advance(at_ns)
        sense = sensed(self.remote_sense, self.leads)
        volts = self.true_volts(at_ns) if sense is Sense.TERMINALS else self.far_volts(at_ns)
        if sense is Sense.WRONG_SIGN:
            volts = -volts
        return self.errors.read(volts, self.true_amps(at_ns), at_ns)

    def mode(self, at_ns: int) -> str:
        """Return ``CV``, ``CC``, or ``UR`` while off."""
        self.advance(at_ns)
        if not self.on:
            return "UR"
        segment = segment_at(self.segments, at_ns)
        limiting = segment is not None and is_limiting(self._stage, self._planned[0], segment)
        return "CC" if limiting else "CV"

    def condition(self, at_ns: int) -> int:
        """Return the questionable condition bits of this instant."""
        supply, mode = self._supply, self.mode(at_ns)
        bits = supply.cv if mode == "CV" else supply.cc if mode == "CC" else 0
        bits |= supply.ovp if self.ovp.tripped else 0
        return bits | (supply.ocp if self.ocp.tripped else 0)

    def operation(self, at_ns: int) -> int:
        """Return the operation condition bits of this instant."""
        self.advance(at_ns)
        return (SWEEPING if self.playing is not None else 0) | (WAITING if self.armed else 0)

    @property
    def tripped(self) -> bool:
        """Whether a protection is latched."""
        return self.ovp.tripped or self.ocp.tripped

    def trip(self, now_ns: int, protection: Protection) -> None:
        """Latch a protection and switch off."""
        protection.tripped = True
        self.was_on = self.on
        self.switch(now_ns, False)

    def clear_trip(self, now_ns: int, *protections: Protection, restore: bool = False) -> None:
        """Forget trips; the output stays off, or with ``restore`` is again as it was before."""
        tripped = [protection for protection in protections if protection.tripped]
        for protection in tripped:
            protection.tripped = False
            protection.over_since_ns = None
        if tripped and restore and self.was_on and not self.tripped:
            self.switch(now_ns, True)
        else:
            self.replan(now_ns)

    def protect(
        self,
        now_ns: int,
        protection: Protection,
        *,
        level: float | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Set a protection; what is too much by its new setting is so from now on."""
        protection.over_since_ns = None
        self.replan(now_ns)
        protection.level = protection.level if level is None else level
        protection.enabled = protection.enabled if enabled is None else enabled
        protection.over_since_ns = None
        self._look_ahead()

    def replan(self, now_ns: int) -> None:
        """Close the chain at ``now_ns`` and begin another from the voltage reached there."""
        for trip in self._trips():
            trip.remember(now_ns)
        drive, load = self.drive, self.load
        self.segments = plan(self._stage, drive, load, self.true_volts(now_ns), now_ns)
        self._planned = (drive, load)
        for trip in self._trips():
            trip.keep_or_forget(now_ns)
        self._look_ahead()

    def next_event(self) -> int | None:
        """Return when something happens by itself if nothing changes before, or None."""
        return self._next_ns

    def _look_ahead(self) -> None:
        due = [at_ns for at_ns, _ in self._due()]
        if self.playing is not None:
            due.append(self.playing.next_ns)
        self._next_ns = min(due, default=None)
        if self.on_change is not None:
            self.on_change(self)

    def advance(self, now_ns: int) -> None:
        """Let every trip and step happen that is due by ``now_ns``."""
        while (at_ns := self._next_ns) is not None and at_ns <= now_ns:
            due = [protection for when, protection in self._due() if when <= at_ns]
            if due:
                self.trip(max(at_ns, self.segments[0].t0_ns), due[0])
            else:
                self._step(at_ns)

    def _step(self, at_ns: int) -> None:
        if self.playing is None:
            return
        volts, amps = self.playing.take()
        if self.playing.done:
            self.playing = None
        # The last thing: whoever is told of the change may ask for the next event.
        self.program(at_ns, volts=volts, amps=amps)

    def _due(self) -> list[tuple[int, Protection]]:
        return [
            (at_ns, trip.protection)
            for trip in self._trips()
            if (at_ns := trip.due(self.changed_ns)) is not None
        ]

    def _trips(self) -> list[Trip]:
        return trips(self._stage, *self._planned, self.segments, self._delays())

    def _delays(self) -> tuple[tuple[Protection, float], tuple[Protection, float]]:
        slow = (self.ovp.level or 0.0) < self._supply.slow_trip_below
        reaction_s = self._supply.slow_trip_s if slow else self._supply.trip_s
        return (self.ovp, reaction_s), (self.ocp, self.ocp.delay_s)
