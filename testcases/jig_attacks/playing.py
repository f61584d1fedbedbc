"""Playing a stimulus at the pin so that a busy computer spoils no verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hil.equipment.power_supply.stimulus import LateEdgeError
from hil.errors import Inconclusive
from hil.evidence import measured, step

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.performance import Performance
    from hil.equipment.device.device import Device
    from hil.equipment.power_supply.stimulus import Stamp, Stimulus, Then, Track
    from hil.wire.device_auth import JigReading

TRIES: Final = 3
NS: Final = 1e9
_POLL_S: Final = 0.01


def performed(
    jig: Jig, device: Device, stimulus: Stimulus | Track, *others: Track, then: Then = "off"
) -> Performance:
    """Play, and play again on a restarted device where an edge went out late.

    Nothing was judged by a stimulus that was not the one asked for; the recorder keeps it.
    """
    for number in range(1, TRIES + 1):
        try:
            return jig.play(stimulus, *others, then=then)
        except LateEdgeError as err:
            if number == TRIES:
                raise
            with step(f"Try {number} was late, so it is played again: {err}"):
                jig.remove()
                device.reboot()
    raise AssertionError  # pragma: no cover - the last try returns or raises


def watched(jig: Jig, seconds: float) -> JigReading:
    """Ask the device what it senses until ``seconds`` are over; return its last word."""
    end = time.monotonic() + seconds
    while True:
        reading = jig.sense()
        if time.monotonic() >= end:
            return reading
        time.sleep(_POLL_S)


def longest_inside(done: Performance, rising: Stamp, falling: Stamp, volts: float) -> float:
    """Return the longest time in seconds that the pin can have been beyond ``volts``."""
    return done.inside(rising, falling, volts).latest_ns / NS


def needs_less_than(name: str, longest_s: float, limit_s: float) -> None:
    """Go on only if a stimulus was short enough for certain to prove what it is for."""
    measured(name, longest_s, "s", limit=f"below {limit_s:g} s")
    if longest_s >= limit_s:
        raise Inconclusive(
            f"{name}: it may have lasted {longest_s:.3f} s where less than {limit_s:.3f} s is "
            f"needed; a supply with a list of its own, or a faster one, can tell"
        )


def outside_above(jig: Jig) -> float:
    """Return a voltage well beyond the window, but near it: the way back is short."""
    return jig.nominal_volts * (1 + 2 * (jig.spec.window + jig.spec.hysteresis))


def outside_below(jig: Jig) -> float:
    """Return a voltage well below the window, but near it."""
    return jig.nominal_volts * (1 - 2 * (jig.spec.window + jig.spec.hysteresis))


def needed_s(jig: Jig) -> float:
    """Return the least time inside the window before a device may accept."""
    return jig.spec.debounce + jig.spec.dwell
