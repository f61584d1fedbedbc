"""What a virtual model can do and how exact it is: one frozen row of data a model."""

from __future__ import annotations

from dataclasses import dataclass

from hil.virtual.electrical import Stage


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A data sheet's limit: ``relative`` of the value plus ``offset`` (volts or amps)."""

    relative: float
    offset: float


@dataclass(frozen=True, slots=True)
class Range:
    """What may be programmed: ``low``..``high`` by ``step``, and ``default`` after ``*RST``."""

    low: float
    high: float
    default: float
    step: float


@dataclass(frozen=True, slots=True)
class OutputRatings:
    """One output: ranges of its settings and the physics of its stage. ``label`` as APPLy? says."""

    label: str
    volts: Range
    amps: Range
    ovp_volts: Range
    ocp_amps: Range
    stage: Stage


@dataclass(frozen=True, slots=True)
class SupplyRatings:
    """One model. Accuracies are limits; a unit draws its own errors inside them from its seed.

    ``trip_s`` and ``slow_trip_s``: how long a voltage over the protection level must last at levels
    from ``slow_trip_below`` volts on and below it; ``ocp_trip_s`` the same for current.
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
