"""Plays a plan, by the instrument's own list where that is fine enough, else by the host's clock.

By the clock: absolute deadlines from one start, so that errors never add up; every edge stamped
before and after. Between edges the supply is read as often as the line permits without making the
next one late. Whatever goes wrong: outputs off.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from hil.equipment.power_supply.channel import Channel
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.readings import Reading, Regulation
from hil.equipment.power_supply.sequencer import Sequencer
from hil.equipment.power_supply.stimulus.by_instrument import (
    list_for,
    stamps_of,
    start,
    steps_of,
)
from hil.equipment.power_supply.stimulus.planning import Edge, Plan, Setting
from hil.equipment.power_supply.stimulus.stamps import NS, Stamp
from hil.equipment.power_supply.stimulus.timing import Timing
from hil.equipment.power_supply.stimulus.wording import Message, deliver, message_for
from hil.errors import BenchError

SPIN_NS: Final = 1_500_000
"""The end of a wait is spun, not slept: a sleep comes back some 0.1 ms late, or later."""
READ_MARGIN_NS: Final = 3_000_000
READ_EVERY_NS: Final = 5_000_000
"""More readings than that would only crowd out whoever listens to the device."""
FIRST_READ_NS: Final = 20_000_000
SETTLE_S: Final = 3.0
PROBES: Final = 5
SHORTEST_S: Final = 0.002
Then = Literal["off", "hold"]


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told while a plan is played, at once and from the playing thread: return quickly.

    ``begun``: the plan, made ready, and the instant of its start. ``edge``: each edge as it went
    out. ``reading``: a channel and what was read on it.
    """

    begun: Callable[[Plan, int], None] = lambda _, __: None
    edge: Callable[[Stamp], None] = lambda _: None
    reading: Callable[[int, Reading], None] = lambda _, __: None


NOBODY: Final = Watcher()


@dataclass(frozen=True, slots=True)
class Played:
    """What went out: the start (monotonic nanoseconds), a stamp for each edge, readings.

    ``by``: ``host``, or ``instrument`` where its own list played the edges.
    """

    start_ns: int
    end_ns: int
    stamps: tuple[Stamp, ...]
    readings: tuple[tuple[int, Reading], ...]
    by: Literal["host", "instrument"] = "host"

    def late(self, tolerance_s: float) -> tuple[Stamp, ...]:
        """Return the edges that went out later than ``tolerance_s`` after they were due."""
        return tuple(stamp for stamp in self.stamps if stamp.late_ns > tolerance_s * NS)


def play(
    plan: Plan,
    channels: Mapping[int, Channel],
    console: Console,
    *,
    timing: Timing,
    then: Then = "off",
    watcher: Watcher = NOBODY,
) -> Played:
    """Play ``plan`` on ``channels`` of the supply at ``console``; ``watcher`` is told meanwhile.

    Afterwards the outputs are off, or with ``then="hold"`` left at the last set points. After an
    error they are off whatever ``then`` says.
    """
    try:
        for setting, regulation in zip(plan.start, plan.regulation, strict=True):
            _make_ready(channels[setting.channel], setting, regulation)
        player = _Player(plan, channels, console, timing, watcher)
        own_list = list_for(plan, channels[plan.channels[0]])
        if own_list is not None:
            played = player.run_list(own_list)
            if then == "hold":
                _hold_last(plan, channels)
        else:
            played = player.run([message_for(console, edge.changes) for edge in plan.edges])
        if then == "off":
            for number in plan.channels:
                channels[number].off()
    except BaseException as err:
        _all_off(channels, plan.channels, err)
        raise
    return played


def host_grain_s(console: Console, channel: int) -> float:
    """Return the least time between two set points: twice what the quickest query takes."""
    dialect = console.dialect
    took: list[int] = []
    for _ in range(PROBES):
        begun_ns = time.monotonic_ns()
        console.value(dialect.volts, channel)
        took.append(time.monotonic_ns() - begun_ns)
    return max(SHORTEST_S, 2 * dialect.framing.pacing_s, 2 * min(took) / NS)


class _Player:
    """One run through a plan."""

    def __init__(
        self,
        plan: Plan,
        channels: Mapping[int, Channel],
        console: Console,
        timing: Timing,
        watcher: Watcher,
    ) -> None:
        self._plan = plan
        self._channels = channels
        self._console = console
        self._timing = timing
        self._watcher = watcher
        self._readings: list[tuple[int, Reading]] = []
        self._turn = 0
        self._read_ns = FIRST_READ_NS
        self._next_read_ns = 0

    def run(self, messages: Sequence[Message]) -> Played:
        stamps: list[Stamp] = []
        with _without_collector():
            for number in self._plan.channels:
                self._read(number)
            start_ns = time.monotonic_ns() + SPIN_NS
            self._watcher.begun(self._plan, start_ns)
            for edge, message in zip(self._plan.edges, messages, strict=True):
                due_ns = start_ns + edge.at_ns
                self._wait(due_ns)
                for stamp in self._send(edge, message, due_ns):
                    stamps.append(stamp)
                    self._watcher.edge(stamp)
            self._wait(start_ns + self._plan.length_ns)
        return Played(start_ns, time.monotonic_ns(), tuple(stamps), tuple(self._readings))

    def run_list(self, sequencer: Sequencer) -> Played:
        """Let the instrument play its list, and read meanwhile."""
        (number,) = self._plan.channels
        sequencer.load(steps_of(self._plan))
        with _without_collector():
            self._read(number)
            self._watcher.begun(self._plan, time.monotonic_ns())
            started = start(sequencer)
            stamps = stamps_of(self._plan, self._channels[number], sequencer, started, self._timing)
            for stamp in stamps:
                self._watcher.edge(stamp)
            self._wait(started[1] + self._plan.length_ns)
        sequencer.stop()
        end_ns = time.monotonic_ns()
        return Played(started[0], end_ns, tuple(stamps), tuple(self._readings), by="instrument")

    def _send(self, edge: Edge, message: Message, due_ns: int) -> list[Stamp]:
        before_ns = time.monotonic_ns()
        deliver(self._console, message)
        after_ns = time.monotonic_ns()
        return [
            Stamp(
                channel=after.channel,
                due_ns=due_ns,
                before_ns=before_ns,
                after_ns=after_ns,
                from_volts=before.volts if before.on else 0.0,
                volts=after.volts,
                amps=after.amps,
                on=after.on,
                timing=self._timing,
                accuracy_volts=self._channels[after.channel].accuracy.set_volts.at(after.volts),
            )
            for before, after in edge.changes
        ]

    def _wait(self, until_ns: int) -> None:
        """Read while there is time, sleep while there is some, spin the rest."""
        numbers = self._plan.channels
        while True:
            next_ns = max(time.monotonic_ns(), self._next_read_ns)
            if until_ns - next_ns < self._read_ns + READ_MARGIN_NS:
                break
            _sleep_until(next_ns)
            self._read(numbers[self._turn % len(numbers)])
            self._turn += 1
        _sleep_until(until_ns - SPIN_NS)
        while time.monotonic_ns() < until_ns:
            pass

    def _read(self, number: int) -> None:
        begun_ns = time.monotonic_ns()
        self._next_read_ns = begun_ns + READ_EVERY_NS
        reading = self._channels[number].measure()
        self._readings.append((number, reading))
        self._watcher.reading(number, reading)
        took_ns = time.monotonic_ns() - begun_ns
        # The worst of the last ones, forgotten slowly.
        self._read_ns = max(2 * took_ns, self._read_ns * 9 // 10)


def _sleep_until(at_ns: int) -> None:
    left_ns = at_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / NS)


def _make_ready(channel: Channel, setting: Setting, regulation: Regulation) -> None:
    """Bring a channel to what holds before the start: protected, proven, settled."""
    channel.protect()
    if not setting.on:
        channel.off()
    channel.apply(setting.volts, setting.amps)
    if setting.on:
        channel.on(settle_timeout_s=SETTLE_S, regulation=regulation)
    else:
        channel.arm()


def _hold_last(plan: Plan, channels: Mapping[int, Channel]) -> None:
    """Set what holds at the end: what an output does after a list depends on the model."""
    _, last = plan.edges[-1].changes[0]
    channels[last.channel].apply(last.volts, last.amps)
    channels[last.channel].on(settle_timeout_s=SETTLE_S)


def _all_off(channels: Mapping[int, Channel], numbers: Sequence[int], error: BaseException) -> None:
    for number in numbers:
        try:
            channels[number].off()
        except BenchError as err:
            error.add_note(f"and while switching off: {err}")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's garbage collector still: a full run of it takes tens of milliseconds."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
