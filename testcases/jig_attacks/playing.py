"""Playing a stimulus at the pin so that a busy computer spoils no verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hil.bench.judge import noted
from hil.equipment.power_supply.stimulus import LateEdgeError
from hil.errors import Inconclusive
from hil.evidence import step
from hil.metrology import by_clock

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.performance import Performance
    from hil.equipment.device.device import Device
    from hil.equipment.power_supply.stimulus import Stamp, Stimulus, Then, Track
    from hil.wire.device_auth import JigReading

TRIES: Final = 3
LATE_S: Final = 5.0
"""So late an edge may be where all is judged by the edges as they went out."""
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


def refused(jig: Jig, device: Device, stimulus: Stimulus) -> None:
    """Play what stays in the window for less than a device needs; it must not be accepted.

    Late edges spoil nothing here: what was refused was refused, and an acceptance counts where
    the edges as they went out say that no stay was long enough. Else it is played again.
    """
    window, nominal = jig.spec.window, jig.nominal_volts
    low, high = nominal * (1 - window), nominal * (1 + window)
    for number in range(1, TRIES + 1):
        done = jig.play(stimulus, tolerance_s=LATE_S)
        stay_s, accepted = longest_stay(done, low, high), done.was_accepted
        assert not accepted or stay_s >= needed_s(jig), (
            f"accepted after {stay_s:.3f} s in the window at most, where debounce and dwell "
            f"are {needed_s(jig):g} s"
        )
        if not accepted:
            return
        with step(f"Try {number} counts for nothing: a stay of up to {stay_s:.3f} s"):
            jig.remove()
            device.reboot()
    raise Inconclusive(
        f"in each of {TRIES} tries a stay may have been as long as debounce and dwell, "
        f"{needed_s(jig):g} s: edges went out late, or the supply is too slow to tell; run the "
        f"test again with less beside it"
    )


def longest_stay(done: Performance, low: float, high: float) -> float:
    """Return the longest time in seconds that the output can have been between two levels."""
    first = done.edges[0]
    inside = low - first.accuracy_volts <= first.from_volts <= high + first.accuracy_volts
    since = done.played.start_ns if inside else None
    longest_ns = 0
    for edge in done.edges:
        lowest, highest = low - edge.accuracy_volts, high + edge.accuracy_volts
        least, most = sorted((edge.from_volts, edge.to_volts))
        if since is None and least <= highest and most >= lowest:
            since = edge.span.earliest_ns
        if since is None or lowest <= edge.to_volts <= highest:
            continue
        way_out = high if edge.to_volts > high else low
        left_ns = edge.passes(min(max(way_out, least), most)).latest_ns
        longest_ns = max(longest_ns, left_ns - since)
        since = None
    if since is not None:
        longest_ns = max(longest_ns, done.played.end_ns - since)
    return longest_ns / NS


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
    noted(by_clock(f"{name}, at most", longest_s, "s"), limit=f"below {limit_s:g} s")
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
