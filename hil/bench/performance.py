"""A stimulus as it was performed on a bench: what went out, and what the device made of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.equipment.power_supply.stimulus import LateEdgeError, Span, Watcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hil.bench.recorder import Recorder
    from hil.equipment.power_supply import PowerSupply
    from hil.equipment.power_supply.stimulus import Plan, Played, Stamp, Then, Track
    from hil.evidence.waveform import Waveform

TOLERANCE_S: Final = 0.020
"""How much later than due an edge may go out before nothing is judged by it."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What was played, and the waveform of it; 0 s is the start of the stimulus."""

    played: Played
    waveform: Waveform

    @property
    def was_accepted(self) -> bool:
        """Whether the device said at any time since the start that it accepts the pin."""
        return self.waveform.first(accepted=True, after_ns=self.played.start_ns) is not None

    @property
    def edges(self) -> tuple[Stamp, ...]:
        """The edges, as they went out."""
        return self.played.stamps

    def inside(self, rising: Stamp, falling: Stamp, volts: float) -> Span:
        """Return the least and the longest time (ns) that the output was beyond ``volts``.

        ``rising`` leads beyond the level and ``falling`` back; for a level below, the other way.
        """
        return falling.passes(volts).since(rising.passes(volts))


class Stage:
    """One supply whose channels play stimuli, each under the name of what hangs on it."""

    def __init__(
        self,
        supply: PowerSupply,
        names: Mapping[int, str],
        *,
        command_time_s: float | None = None,
    ) -> None:
        self._supply = supply
        self._names = names
        self._command_time_s = command_time_s

    def perform(
        self,
        tracks: Sequence[Track],
        recorder: Recorder,
        *,
        then: Then = "off",
        tolerance_s: float = TOLERANCE_S,
    ) -> Performance:
        """Play ``tracks`` while the device is watched; see :meth:`PowerSupply.play`.

        Raises:
            LateEdgeError: an edge went out later than ``tolerance_s`` after it was due; the outputs
                are off, and what was recorded is kept.

        """
        prepared_ns = time.monotonic_ns()

        def begun(plan: Plan, start_ns: int) -> None:
            for one in plan.start:
                span = Span(prepared_ns, start_ns)
                recorder.set_point(self._names[one.channel], span, one.volts, one.amps, on=one.on)

        watcher = Watcher(
            begun,
            lambda stamp: recorder.stamp(self._names[stamp.channel], stamp),
            lambda channel, reading: recorder.reading(self._names[channel], reading),
        )
        with recorder.watching():
            played = self._supply.play(
                tracks, command_time_s=self._command_time_s, then=then, watcher=watcher
            )
        if then == "off":
            span = Span(played.end_ns, time.monotonic_ns())
            for track in tracks:
                recorder.set_point(self._names[track.channel], span, 0.0, track.amps, on=False)
        late = played.late(tolerance_s)
        if late:
            for track in tracks:
                self._supply.channel(track.channel).off()
            worst = max(late, key=lambda stamp: stamp.late_ns)
            raise LateEdgeError(
                f"{len(late)} of {len(played.stamps)} edges went out late, the worst by "
                f"{worst.late_ns / 1e6:.1f} ms where {tolerance_s * 1e3:.0f} ms are allowed: this "
                f"computer is too busy; run the test again with less beside it"
            )
        return Performance(
            played, recorder.waveform(since_ns=prepared_ns, start_ns=played.start_ns)
        )
