"""What a model can give, and how exact it is."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A data sheet's limit: ``relative`` of the value plus ``offset`` (volts or amps)."""

    relative: float
    offset: float

    def at(self, value: float) -> float:
        """Return the limit of error at ``value``."""
        return self.relative * abs(value) + self.offset


@dataclass(frozen=True, slots=True)
class StatedAccuracy:
    """Limits of error that a lab states for its instrument; ``source`` names the page."""

    set_volts: Accuracy
    set_amps: Accuracy
    read_volts: Accuracy
    read_amps: Accuracy
    source: str


@dataclass(frozen=True, slots=True)
class ChannelAccuracy:
    """The limits of error of one output, for setting and for reading back, one year.

    ``volts_step`` and ``amps_step`` are the resolution of readings. ``source`` names the page;
    a text that begins with ``assumed`` is no page, and no verdict should rest on it.
    """

    set_volts: Accuracy
    set_amps: Accuracy
    read_volts: Accuracy
    read_amps: Accuracy
    volts_step: float
    amps_step: float
    source: str

    @property
    def assumed(self) -> bool:
        """Whether no data sheet stands behind the numbers."""
        return self.source.startswith("assumed")

    def stated(self, by_lab: StatedAccuracy) -> ChannelAccuracy:
        """Return what a lab states, with the resolution that the model has."""
        return replace(
            self,
            set_volts=by_lab.set_volts,
            set_amps=by_lab.set_amps,
            read_volts=by_lab.read_volts,
            read_amps=by_lab.read_amps,
            source=by_lab.source,
        )


@dataclass(frozen=True, slots=True)
class ChannelRange:
    """What one channel can be set to, in volts and amps.

    ``max_ovp_volts`` and ``max_ocp_amps`` are None where no level can be set; ``min_ovp_volts`` is
    the lowest level. ``accuracy`` only where it differs from the model's. A ``negative`` output
    is switched off with the others, but no cable may hang on it.
    """

    max_volts: float
    max_amps: float
    max_ovp_volts: float | None = None
    max_ocp_amps: float | None = None
    min_amps: float = 0.0
    min_ovp_volts: float = 0.0
    accuracy: ChannelAccuracy | None = None
    negative: bool = False
