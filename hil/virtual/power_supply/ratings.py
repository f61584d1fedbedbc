"""What a virtual model can do and how exact it is: one frozen row of data a model."""

from __future__ import annotations

from dataclasses import dataclass

from hil.virtual.electrical import Stage


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A data sheet's limit: ``relative`` of the value plus ``offset`` (volts or amps)."""

    relative: float
    offset: float

    def at(self, value: float) -> float:
        """Return the limit at ``value``."""
        return self.relative * abs(value) + self.offset


@dataclass(frozen=True, slots=True)
class Range:
    """What may be programmed: ``low``..``high`` by ``step``, and ``default`` after ``*RST``."""

    low: float
    high: float
    default: float
    step: float


@dataclass(frozen=True, slots=True)
class OutputRatings:
    """One output: ranges of its settings and the physics of its stage. ``label`` as APPLy? says.

    ``ocp_amps`` None: OCP has no level of its own and trips in constant current. ``sense_volts`` is
    the most drop along the leads that remote sense makes up for; None: no sense terminals.
    """

    label: str
    volts: Range
    amps: Range
    ovp_volts: Range
    ocp_amps: Range | None
    stage: Stage
    sense_volts: float | None = None


@dataclass(frozen=True, slots=True)
class SupplyRatings:
    """One model. Accuracies are limits; a unit draws its own errors inside them from its seed.

    ``trip_s`` and ``slow_trip_s``: how long a voltage over the protection level must last at levels
    from ``slow_trip_below`` volts on and below it; ``ocp_trip_s`` the same for current, where it is
    not programmable. ``cc``, ``cv``, ``ovp`` and ``ocp`` are bits of the questionable condition of
    an output, and ``drift_*`` what a meter may wander within eight hours.
    """

    maker: str
    model: str
    firmware: str
    options: str
    outputs: tuple[OutputRatings, ...]
    set_volts: Accuracy
    set_amps: Accuracy
    read_volts: Accuracy
    read_amps: Accuracy
    read_volts_step: float
    read_amps_step: float
    noise_volts: float
    noise_amps: float
    queue_depth: int
    trip_s: float
    slow_trip_s: float
    slow_trip_below: float
    ocp_trip_s: float
    drift_volts: Accuracy = Accuracy(0.0, 0.0)
    drift_amps: Accuracy = Accuracy(0.0, 0.0)
    cc: int = 1
    cv: int = 2
    ovp: int = 4
    ocp: int = 8
