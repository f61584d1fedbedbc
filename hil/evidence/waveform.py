"""A waveform: what went out, what the supply read and what the device said, on one clock.

Plain immutable data. Every mark carries the span of time in which it happened: a set point between
the clock before it was sent and after it was done, a reading and a device's answer between question
and answer. Times are nanoseconds of :func:`time.monotonic_ns`; CSV counts from the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["set", "read", "device"]
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened on ``source`` (``jig``, ``rail``, ``device``).

    ``set``: from now on volts and current limit in amps, ``state`` ``on`` or ``off``, due at
    ``due_ns``. ``read``: volts and amps as the supply read them. ``device``: the device's state and
    its own volts and amps at the pin; ``accepted`` by it or not. None is unknown or left as it was.
    """

    kind: Kind
    source: str
    earliest_ns: int
    latest_ns: int
    volts: float | None = None
    amps: float | None = None
    state: str = ""
    accepted: bool | None = None
    due_ns: int | None = None
    note: str = ""

    @property
    def middle_ns(self) -> int:
        """The middle of the span in which it happened."""
        return (self.earliest_ns + self.latest_ns) // 2

    @property
    def uncertainty_s(self) -> float:
        """Half that span, in seconds."""
        return (self.latest_ns - self.earliest_ns) / 2 / NS


@dataclass(frozen=True, slots=True)
class Window:
    """What a pin must see: ``low`` to ``high`` in volts or amps, for ``debounce_s`` + ``dwell_s``.

    ``release_low`` and ``release_high`` lie outside by the hysteresis; beyond them an acceptance is
    revoked within ``revoke_s``.
    """

    low: float
    high: float
    release_low: float
    release_high: float
    debounce_s: float
    dwell_s: float
    revoke_s: float
    unit: Literal["V", "A"] = "V"


@dataclass(frozen=True, slots=True)
class Waveform:
    """Marks in the order of time, and what they are compared with. ``start_ns`` is 0 s."""

    start_ns: int
    marks: tuple[Mark, ...]
    window: Window | None = None

    @classmethod
    def of(cls, marks: Iterable[Mark], *, start_ns: int, window: Window | None = None) -> Waveform:
        """Return a waveform of marks in any order."""
        ordered = sorted(marks, key=lambda mark: (mark.middle_ns, mark.earliest_ns))
        return cls(start_ns, tuple(ordered), window)

    def of_kind(self, kind: Kind, source: str | None = None) -> tuple[Mark, ...]:
        """Return the marks of one kind, of one source if given."""
        return tuple(
            mark for mark in self.marks if mark.kind == kind and source in (None, mark.source)
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """The channels in it, in the order of their first mark."""
        return tuple(dict.fromkeys(mark.source for mark in self.marks if mark.kind != "device"))

    @property
    def end_ns(self) -> int:
        """The end of the last mark."""
        return max((mark.latest_ns for mark in self.marks), default=self.start_ns)

    def seconds(self, at_ns: int) -> float:
        """Return an instant as seconds after the start."""
        return (at_ns - self.start_ns) / NS

    def within(self, begin_ns: int, end_ns: int) -> Waveform:
        """Return the part between two instants, marks that reach into it included."""
        marks = tuple(m for m in self.marks if m.latest_ns >= begin_ns and m.earliest_ns <= end_ns)
        return replace(self, marks=marks)

    def ever(self, *, accepted: bool) -> bool:
        """Whether the device ever said that the pin was accepted (or that it was not)."""
        return any(mark.accepted is accepted for mark in self.of_kind("device"))

    def first(self, *, accepted: bool, after_ns: int = 0) -> Mark | None:
        """Return the device's first answer of this kind from ``after_ns`` on, or None."""
        return next(
            (
                mark
                for mark in self.of_kind("device")
                if mark.accepted is accepted and mark.earliest_ns >= after_ns
            ),
            None,
        )
