"""What a power supply says, as rows of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Regulation = Literal["voltage", "current", "off", "unregulated"]
"""What rules an output: its set voltage (CV), its current limit (CC), nothing while off."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers: the fields of ``*IDN?``, and the whole reply in ``raw``."""

    maker: str
    model: str
    serial: str
    firmware: str
    raw: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement: volts and amps as the instrument read them, and its reply in ``raw``.

    It was taken between ``at_ns - span_ns`` and ``at_ns`` (:func:`time.monotonic_ns`).
    """

    volts: float
    amps: float
    at_ns: int
    raw: str
    span_ns: int = 0


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One channel at one instant: settings in volts and amps, what rules it, latched trips.

    ``ovp_volts`` and ``ocp_amps`` are None, ``ovp_on`` and ``ocp_on`` False, where the model has no
    such level or protection. ``other_trips`` names further latched trips (``OTP``).
    """

    channel: int
    on: bool
    regulation: Regulation
    set_volts: float
    set_amps: float
    ovp_volts: float | None
    ocp_amps: float | None
    ovp_on: bool
    ocp_on: bool
    ovp_tripped: bool
    ocp_tripped: bool
    other_trips: tuple[str, ...] = ()

    @property
    def trips(self) -> tuple[str, ...]:
        """The names of the latched trips."""
        own = (("OVP", self.ovp_tripped), ("OCP", self.ocp_tripped))
        return (*(name for name, tripped in own if tripped), *self.other_trips)

    @property
    def tripped(self) -> bool:
        """Whether a protection is latched."""
        return bool(self.trips)


@dataclass(frozen=True, slots=True)
class Glance:
    """One channel as it is found: what can be seen without setting, clearing or switching."""

    channel: int
    on: bool
    regulation: Regulation
    reading: Reading
    trips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelOff:
    """How switching one channel off ended.

    ``confirmed``: the instrument says that the output is off. ``volts``: what it measured last.
    ``decayed``: that was below 0.1 V. ``problem``: what went wrong, "" if nothing.
    """

    channel: int
    confirmed: bool
    decayed: bool
    volts: float | None
    seconds: float
    problem: str = ""

    @property
    def proven(self) -> bool:
        """Whether the output is off beyond doubt: by its own word and by its voltage."""
        return self.confirmed and self.decayed

    def __str__(self) -> str:
        if self.proven:
            return f"CH{self.channel} off, {self.volts:.3f} V after {self.seconds:.2f} s"
        measured = "unknown voltage" if self.volts is None else f"{self.volts:.3f} V"
        return f"CH{self.channel} NOT PROVEN OFF, {measured}: {self.problem}"


@dataclass(frozen=True, slots=True)
class OffReport:
    """How switching a whole supply off ended; ``problem`` is why no channel could be tried."""

    resource: str
    channels: tuple[ChannelOff, ...] = field(default_factory=tuple)
    problem: str = ""

    @property
    def proven(self) -> bool:
        """Whether every channel is off beyond doubt."""
        return not self.problem and bool(self.channels) and all(c.proven for c in self.channels)

    def __str__(self) -> str:
        what = self.problem or "; ".join(str(channel) for channel in self.channels)
        return f"{self.resource}: {what}"
