"""The instrument's own list of set points: edges by its clock instead of this computer's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import Sequencing
from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.readings import ChannelStatus
from hil.errors import UsageError

Step = tuple[float, float, float]
"""Volts, amps, seconds."""


class Sequencer:
    """Plays steps on one output. Get it from :attr:`Channel.sequencer`.

    Steps last ``shortest_s`` to ``longest_s`` seconds in multiples of ``resolution_s``; there are
    at most ``most_steps``.
    """

    def __init__(
        self,
        console: Console,
        number: int,
        limits: CableLimits,
        require_ready: Callable[[], ChannelStatus],
    ) -> None:
        row = console.dialect.sequencing
        assert row is not None  # noqa: S101 - the channel looked
        self._row: Sequencing = row
        self._console = console
        self._number = number
        self._limits = limits
        self._require_ready = require_ready
        self.shortest_s = row.shortest_s
        self.longest_s = row.longest_s
        self.resolution_s = row.resolution_s
        self.most_steps = row.most_steps
        self._ends_at = 0.0
        self._lasts_s = 0.0

    def play(self, steps: Sequence[Step]) -> None:
        """Load ``steps`` (volts, amps, seconds each) and start them, once; returns at once.

        The output must be on and protected. Refused with :class:`UsageError` where the instrument
        cannot time a step, with :class:`SafetyError` beyond the cable's limits or while a trip is
        latched; :class:`InstrumentError` if the instrument refuses. What the output does after the
        last step depends on the model: apply a set point, or switch off.
        """
        self.load(steps)
        self.start()

    def load(self, steps: Sequence[Step]) -> None:
        """Load ``steps`` without starting them; errors as :meth:`play`."""
        self._check(steps)
        with self._console.link.exclusively():
            if not self._require_ready().on:
                raise UsageError(f"{self._where}: the output is off; switch it on, then play")
            self._load(steps)
            self._lasts_s = sum(seconds for _, _, seconds in steps)

    def start(self) -> None:
        """Start what is loaded; returns when the instrument has answered."""
        with self._console.link.exclusively():
            for command in self._row.start:
                self._console.tell(command, self._number)
            self._ends_at = time.monotonic() + self._lasts_s
            self._console.check_errors("start of a sequence")

    def stop(self) -> None:
        """Stop playing; may be called when nothing plays."""
        with self._console.link.exclusively():
            for command in self._row.stop:
                self._console.tell(command, self._number)
            self._ends_at = 0.0
            self._console.check_errors("stop of a sequence")

    def playing(self) -> bool:
        """Return whether a sequence is being played now.

        Where the instrument cannot tell, whether its steps would last until now.
        """
        if self._row.playing is None:
            return time.monotonic() < self._ends_at
        return self._console.yes(self._row.playing, self._number)

    @property
    def _where(self) -> str:
        return self._console.where(self._number)

    def _check(self, steps: Sequence[Step]) -> None:
        if not 1 <= len(steps) <= self.most_steps:
            raise UsageError(f"{self._where}: 1..{self.most_steps} steps, not {len(steps)}")
        for volts, amps, seconds in steps:
            self._limits.check(self._where, volts, amps)
            least = self._console.dialect.channels[self._number].min_amps
            if amps < least:
                raise UsageError(f"{self._where}: {amps:g} A is below its least limit, {least:g} A")
            if not self.shortest_s <= seconds <= self.longest_s:
                raise UsageError(
                    f"{self._where}: a step lasts {self.shortest_s:g}..{self.longest_s:g} s in "
                    f"this instrument, not {seconds:g} s; let the host time it"
                )
            ticks = seconds / self.resolution_s
            if abs(ticks - round(ticks)) > 1e-6:
                raise UsageError(
                    f"{self._where}: {seconds:g} s is no multiple of {self.resolution_s:g} s, the "
                    f"resolution of this instrument; let the host time it"
                )

    def _load(self, steps: Sequence[Step]) -> None:
        row, tell = self._row, self._console.tell
        number, seconds = row.number.format, row.seconds.format
        written = [(number(v), number(a), seconds(s)) for v, a, s in steps]
        if row.step is not None:
            for index, (volts, amps, held) in enumerate(written, row.first_index):
                tell(row.step, self._number, index=index, volts=volts, amps=amps, seconds=held)
        columns = [",".join(column) for column in zip(*written, strict=True)]
        for command in row.load:
            tell(
                command,
                self._number,
                volts=columns[0],
                amps=columns[1],
                seconds=columns[2],
                triples=",".join(",".join(step) for step in written),
                count=len(steps),
            )
        self._console.check_errors("loading of a sequence")
