"""Where a device accepts its jig and where it lets go: thresholds, found by bisection.

Up and down are searched separately, because of hysteresis. Each trial starts from a known state:
the pin is parked outside the window, on the side of the edge, so that no trial crosses the window
on its way, and the device does not accept it. Each level is held for longer than the dwell. A
device that may lock itself after misses is restarted before it does, and when it says that it has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from hil.bench.performance import Performance
from hil.equipment.power_supply.stimulus import Sequence
from hil.errors import BenchError, UsageError
from hil.metrology import CLOCK, Budget, Contribution, Measured, rectangular

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.jig import Jig
    from hil.bench.meter import Meter
    from hil.equipment.power_supply import Reading
    from hil.metrology import Instrument

LINK_S: Final = 0.3
"""Time for the output to get there, for what a device does besides, and for its word."""
PARK_S: Final = 0.08
LATE_S: Final = 5.0
"""A trial is judged by what went out, so a late edge spoils none: stays may last longer."""
LOCKED: Final = "locked"
MOST_TRIALS: Final = 40
TRIES: Final = 3
"""How often a level is tried at which a busy computer, or a slow supply, left no time to read."""
PARKED: Final = 3.0
OUTSIDE: Final = 1.6
INSIDE: Final = 0.4
"""Where the pin is parked, and where a search begins: so many windows from the nominal value."""
Side = Literal[-1, 1]


class NoThresholdError(AssertionError):
    """The product failed: it says the same well outside its window and well inside."""


class UnreadError(BenchError):
    """The supply was not read while a level was held."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One value that was tried, with U (k = 2), and what the device said: yes or no."""

    value: float
    expanded: float
    yes: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """Between ``no`` and ``yes`` the device changes its mind; each is known to ± ``expanded``.

    ``no`` is the nearest value to which it said no, ``yes`` the nearest to which it said yes, in
    ``unit``, as ``instrument`` read them. ``expected`` is what the jig file states. ``repeats``:
    how often each of the two last values was tried, with the same answer; where answers differ,
    both ends moved out.
    """

    name: str
    unit: Literal["V", "A", "s"]
    no: float
    yes: float
    expanded: float
    expected: float
    repeats: int
    trials: tuple[Trial, ...]
    instrument: Instrument

    @property
    def low(self) -> float:
        """The lowest that the threshold can be."""
        return min(self.no, self.yes) - self.expanded

    @property
    def high(self) -> float:
        """The highest that the threshold can be."""
        return max(self.no, self.yes) + self.expanded

    @property
    def middle(self) -> float:
        """The middle of both."""
        return (self.no + self.yes) / 2

    @property
    def measured(self) -> Measured:
        """The threshold as a measured value: it lies anywhere between both ends."""
        budget = Budget(
            (
                Contribution("values tried", self.expanded / 2, f"U = {self.expanded:.3g}, k = 2"),
                rectangular("between the ends", (self.yes - self.no) / 2),
            )
        )
        return Measured(self.name, self.middle, self.unit, budget, self.instrument)

    def __str__(self) -> str:
        low, high = sorted((self.no, self.yes))
        return (
            f"{self.name}: {low:.4g} … {high:.4g} {self.unit} ± {self.expanded:.2g} {self.unit} "
            f"(k = 2, each end {self.repeats} time(s)), stated {self.expected:.4g} {self.unit}"
        )


class ThresholdSearch:
    """Searches the edges of a jig's window on one device. Get it from ``threshold_search``.

    ``restart`` restarts the device and waits until it is ready; ``progress`` is told each trial in
    one line; ``found`` each threshold.
    """

    def __init__(
        self,
        jig: Jig,
        meter: Meter,
        restart: Callable[[], None],
        *,
        progress: Callable[[str], None] = lambda _: None,
        found: Callable[[Threshold], None] = lambda _: None,
    ) -> None:
        self._jig = jig
        self._meter = meter
        self._restart = restart
        self._progress = progress
        self._found = found
        self._misses = 0
        spec = jig.spec
        self._amps = spec.nominal_current is not None
        self._nominal = spec.nominal_current if spec.nominal_current else jig.nominal_volts
        self._stay_s = spec.debounce + spec.dwell + LINK_S
        self._leave_s = spec.revoke + LINK_S

    @property
    def unit(self) -> Literal["V", "A"]:
        """Volts or amperes: what this jig is known by."""
        return "A" if self._amps else "V"

    def acceptance(
        self, side: Side, *, resolution: float | None = None, repeats: int = 1
    ) -> Threshold:
        """Find where the pin is accepted when it comes from outside: ``side`` -1 lower, 1 upper."""
        park = self._parking(side)

        def tried(level: float) -> tuple[Measured, bool]:
            done = self._perform(
                ((park, PARK_S), (level, self._stay_s), (park, self._leave_s)), level
            )
            return self._value(done, 0), self._said_yes(done, 0)

        window = self._jig.spec.window
        return self._search(
            f"accepted from {_SIDES[side]}",
            tried,
            no=self._level(side * OUTSIDE),
            yes=self._level(side * INSIDE),
            expected=self._nominal * (1 + side * window),
            resolution=resolution,
            repeats=repeats,
        )

    def release(
        self, side: Side, *, resolution: float | None = None, repeats: int = 1
    ) -> Threshold:
        """Find where an accepted pin is let go when it drifts out; "yes" is still accepted."""
        park = self._parking(side)

        def tried(level: float) -> tuple[Measured, bool]:
            held = ((park, PARK_S), (self._nominal, self._stay_s))
            done = self._perform((*held, (level, self._leave_s), (park, self._leave_s)), level)
            if not self._said_yes(done, 0):
                raise NoThresholdError(
                    f"the device did not accept its nominal {self._nominal:g} {self.unit}, so "
                    f"nothing can be released; look at its window and its lockout"
                )
            return self._value(done, 1), self._last_word(done, 1)

        outer = self._jig.spec.window + self._jig.spec.hysteresis
        return self._search(
            f"let go at {_SIDES[side]}",
            tried,
            no=self._level(side * OUTSIDE),
            yes=self._level(side * INSIDE),
            expected=self._nominal * (1 + side * outer),
            resolution=resolution,
            repeats=repeats,
        )

    def shortest_pulse(self, *, resolution: float = 0.010, repeats: int = 1) -> Threshold:
        """Find the shortest stay at the nominal value that is accepted, in seconds.

        It may well be longer than debounce and dwell: a device that loads the pin, to see whether
        the source bears it, takes its time for that.
        """
        if self._amps:
            raise UsageError("pulses of current are not timed: the output does not pass in volts")
        park = self._parking(-1)
        wanted = self._jig.spec.debounce + self._jig.spec.dwell
        edge = self._nominal * (1 - self._jig.spec.window)

        def tried(width_s: float) -> tuple[float, float, bool]:
            done = self._perform(
                ((park, PARK_S), (self._nominal, width_s), (park, self._leave_s)), width_s
            )
            rising, falling = done.edges
            span = done.inside(rising, falling, edge)
            return span.middle_ns / 1e9, span.uncertainty_s, self._said_yes(done, 0)

        return self._bisect(
            "shortest stay accepted",
            "s",
            tried,
            no=0.3 * wanted,
            yes=wanted + LINK_S,
            expected=wanted,
            resolution=resolution,
            repeats=repeats,
        )

    def _search(
        self,
        name: str,
        tried: Callable[[float], tuple[Measured, bool]],
        *,
        no: float,
        yes: float,
        expected: float,
        resolution: float | None,
        repeats: int,
    ) -> Threshold:
        def one(level: float) -> tuple[float, float, bool]:
            measured, said = self._until_read(tried, level)
            return measured.value, measured.expanded, said

        finest = self._meter.resolution(self.unit)
        if resolution is None:
            quantity: Literal["volts", "amps"] = "amps" if self._amps else "volts"
            resolution = self._meter.set_point_uncertainty(self._nominal, quantity) / 2
        return self._bisect(
            name,
            self.unit,
            one,
            no=no,
            yes=yes,
            expected=expected,
            resolution=max(resolution, finest),
            repeats=repeats,
        )

    def _until_read(
        self, tried: Callable[[float], tuple[Measured, bool]], level: float
    ) -> tuple[Measured, bool]:
        """Try a level, and again where the supply was not read at it: nothing is known then."""
        for _ in range(TRIES - 1):
            try:
                return tried(level)
            except UnreadError:
                self._progress("the supply was not read at the level, so it is tried again")
        return tried(level)

    def _bisect(
        self,
        name: str,
        unit: Literal["V", "A", "s"],
        tried: Callable[[float], tuple[float, float, bool]],
        *,
        no: float,
        yes: float,
        expected: float,
        resolution: float,
        repeats: int,
    ) -> Threshold:
        if repeats < 1 or not resolution > 0:
            raise UsageError("a search repeats once or more, and resolves more than nothing")
        trials: list[Trial] = []

        def ask(level: float) -> Trial:
            value, expanded, said = tried(level)
            trials.append(Trial(value, expanded, said))
            self._progress(
                f"{name}, trial {len(trials)}: {value:.4g} {unit} ± {expanded:.2g} {unit} "
                f"{'yes' if said else 'no'}"
            )
            return trials[-1]

        nearest = {False: ask(no), True: ask(yes)}
        for said, trial in nearest.items():
            if trial.yes is not said:
                raise NoThresholdError(
                    f"{name}: at {trial.value:.4g} {unit} the device says "
                    f"{'yes' if trial.yes else 'no'} already; there is no threshold between "
                    f"{no:.4g} and {yes:.4g} {unit}"
                )
        ends = {False: no, True: yes}
        while abs(ends[True] - ends[False]) > resolution and len(trials) < MOST_TRIALS:
            middle = (ends[True] + ends[False]) / 2
            trial = ask(middle)
            ends[trial.yes], nearest[trial.yes] = middle, trial
        for _ in range(repeats - 1):
            for said in (False, True):
                trial = ask(ends[said])
                if trial.yes is not said:
                    # At this very value it says both: the threshold lies about it.
                    ends[said] += math.copysign(resolution, ends[said] - ends[not said])
                    nearest[said] = ask(ends[said])
        threshold = Threshold(
            name,
            unit,
            nearest[False].value,
            nearest[True].value,
            max(nearest[False].expanded, nearest[True].expanded),
            expected,
            repeats,
            tuple(trials),
            CLOCK if unit == "s" else self._meter.instrument,
        )
        self._found(threshold)
        return threshold

    def _perform(self, levels: tuple[tuple[float, float], ...], value: float) -> Performance:
        """Play one trial, from a state in which the device neither accepts nor is locked."""
        if self._misses >= self._jig.spec.attempts - 1:
            self._begin_anew()
        stimulus = Sequence(levels, self.unit)
        for _ in range(2):
            done = self._jig.play(stimulus, then="hold", tolerance_s=LATE_S)
            states = {mark.state for mark in done.waveform.of_kind("device")}
            began_locked = self._first_state(done) == LOCKED
            if not began_locked:
                break
            self._begin_anew()
        else:
            raise BenchError(
                f"the device is locked after each restart: {value:g} could not be tried; look at "
                f"what it remembers over a restart"
            )
        accepted = done.was_accepted
        self._misses = 0 if accepted else self._misses + 1
        if LOCKED in states:
            self._misses = self._jig.spec.attempts
        return done

    def _begin_anew(self) -> None:
        self._progress("the device is restarted, so that misses do not lock it")
        self._restart()
        self._misses = 0

    def _parking(self, side: Side) -> float:
        level = self._level(side * PARKED)
        limits = self._jig.channel.limits
        most = limits.max_amps if self._amps else limits.max_volts
        if not 0 <= level <= most:
            raise UsageError(
                f"the search needs {level:.4g} {self.unit} outside the window, the cable bears "
                f"{most:g} {self.unit}"
            )
        return level

    def _level(self, windows: float) -> float:
        """Return the level so many windows (with hysteresis) above the nominal value."""
        spec = self._jig.spec
        return self._nominal * (1 + windows * (spec.window + spec.hysteresis))

    def _value(self, done: Performance, edge: int) -> Measured:
        """Return what the supply read in the second half of the stay behind an edge."""
        stamps = done.edges
        begin, end = stamps[edge].after_ns, stamps[edge + 1].before_ns
        readings: list[Reading] = [
            reading
            for channel, reading in done.played.readings
            if channel == self._jig.channel.number
            and begin + (end - begin) // 2 <= reading.at_ns - reading.span_ns
            and reading.at_ns <= end
        ]
        if not readings:
            raise UnreadError(
                "the supply answered too slowly to be read at the level; let the dwell be longer"
            )
        of = self._meter.amps_of if self._amps else self._meter.volts_of
        return of("tried level", readings)

    def _first_state(self, done: Performance) -> str:
        first = next(
            (
                mark
                for mark in done.waveform.of_kind("device")
                if mark.earliest_ns >= done.played.start_ns
            ),
            None,
        )
        return "" if first is None else first.state

    def _said_yes(self, done: Performance, edge: int) -> bool:
        """Whether the device accepted the pin at any time after an edge."""
        after = done.edges[edge].before_ns
        return done.waveform.first(accepted=True, after_ns=after) is not None

    def _last_word(self, done: Performance, edge: int) -> bool:
        """Whether the device accepted the pin at the end of the stay behind an edge."""
        end = done.edges[edge + 1].before_ns
        words = [
            mark.accepted
            for mark in done.waveform.of_kind("device")
            if mark.latest_ns <= end and mark.accepted is not None
        ]
        return bool(words and words[-1])


_SIDES: Final = {-1: "below", 1: "above"}
