"""How fast a device reacts to its jig: debounce, acceptance and revocation, from one visit.

Each is an interval: the output passed the window's edge at some time within the edge's span, and
the device changed its mind between its last answer of the old kind and its first of the new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.equipment.power_supply.stimulus import Sequence, Span
from hil.errors import UsageError
from hil.metrology import elapsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.jig import Jig
    from hil.bench.performance import Performance
    from hil.evidence.waveform import Mark
    from hil.metrology import Measured

LINK_S: Final = 0.3
PARK_S: Final = 0.1
LATE_S: Final = 5.0
"""All is judged from the edges as they went out, so a late one spoils nothing."""
SETTLING: Final = "settling"
DWELLING: Final = "dwelling"


class NoReactionError(AssertionError):
    """The product failed: it did not accept its jig, or did not let it go, in good time."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A time between ``least_s`` and ``longest_s``; the jig file states ``stated_s``."""

    name: str
    least_s: float
    longest_s: float
    stated_s: float

    @property
    def measured(self) -> Measured:
        """The time as a measured value, by the clock of the computer."""
        return elapsed(self.name, self.least_s, self.longest_s)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.least_s * 1e3:.0f} … {self.longest_s * 1e3:.0f} ms, "
            f"stated {self.stated_s * 1e3:.0f} ms"
        )


@dataclass(frozen=True, slots=True)
class Reactions:
    """What one visit shows; ``debounce`` is None for a device that does not tell its end."""

    debounce: Reaction | None
    acceptance: Reaction
    revocation: Reaction


def reactions(jig: Jig) -> Reactions:
    """Visit the window once from below, and return how fast the device reacted.

    The device must be neither locked nor accept the pin before. Raises :class:`NoReactionError` if
    it never accepts, or never lets go.
    """
    spec = jig.spec
    if spec.nominal_voltage is None:
        raise UsageError("reactions are timed on a jig that is known by its voltage")
    nominal = spec.nominal_voltage
    park = nominal * (1 - 2 * (spec.window + spec.hysteresis))
    stay_s, leave_s = spec.debounce + spec.dwell + LINK_S, spec.revoke + LINK_S
    done = jig.play(
        Sequence(((park, PARK_S), (nominal, stay_s), (park, leave_s))), tolerance_s=LATE_S
    )
    rising, falling = done.edges
    entered = rising.passes(nominal * (1 - spec.window))
    left = falling.passes(nominal * (1 - spec.window - spec.hysteresis))
    accepted = _change(done, lambda mark: mark.accepted is True, rising.before_ns)
    revoked = _change(done, lambda mark: mark.accepted is False, falling.before_ns)
    if accepted is None or revoked is None:
        what = "accepts its nominal voltage" if accepted is None else "lets go"
        raise NoReactionError(f"the device never {what} within the visit; look at its picture")
    told = any(mark.state == SETTLING for mark in done.waveform.of_kind("device"))
    counted = _change(done, lambda mark: mark.state == DWELLING, rising.before_ns)
    return Reactions(
        _reaction("debounce", counted, entered, spec.debounce) if told and counted else None,
        _reaction("acceptance", accepted, entered, spec.debounce + spec.dwell),
        _reaction("revocation", revoked, left, spec.revoke),
    )


def _change(done: Performance, new: Callable[[Mark], bool], after_ns: int) -> Span | None:
    """Return between which instants the device's answers became of the ``new`` kind."""
    before_ns = after_ns
    for mark in done.waveform.of_kind("device"):
        if mark.latest_ns < after_ns:
            continue
        if new(mark) and mark.earliest_ns >= after_ns:
            return Span(before_ns, mark.latest_ns)
        before_ns = max(before_ns, mark.earliest_ns)
    return None


def _reaction(name: str, changed: Span, cause: Span, stated_s: float) -> Reaction:
    span = changed.since(cause)
    return Reaction(name, max(0, span.earliest_ns) / 1e9, span.latest_ns / 1e9, stated_s)
