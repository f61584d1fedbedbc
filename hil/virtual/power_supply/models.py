"""The virtual models: how each is built, by which lines it is reached, how it behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from hil.virtual.power_supply import dp832, e36312a, ka3005p
from hil.virtual.power_supply.manners import Manners
from hil.virtual.power_supply.supply import Supply


class Way(StrEnum):
    """A way to a supply."""

    SOCKET = "socket"
    HISLIP = "hislip"
    SERIAL = "serial"


class Build(Protocol):
    """Makes a supply as it is after power-up."""

    def __call__(self, serial: str, *, seed: int, speed: float, manners: Manners) -> Supply:
        """Return the supply."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model. ``ways`` has the one first that is its own; ``latency_s`` is a message's time."""

    build: Build
    serial: str
    manners: Manners
    ways: tuple[Way, ...]
    latency_s: float = 0.0
    terminator: bytes = b"\n"


MODELS: Final[Mapping[str, Model]] = {
    "DP832": Model(dp832.dp832, "DP8C000000001", dp832.MANNERS, (Way.SOCKET,)),
    "E36312A": Model(e36312a.e36312a, "MY00000001", e36312a.MANNERS, (Way.SOCKET, Way.HISLIP)),
    # Clients leave it about 50 ms a command; it is done well before.
    "KA3005P": Model(
        ka3005p.ka3005p, "", ka3005p.MANNERS, (Way.SERIAL,), latency_s=0.02, terminator=b""
    ),
}
