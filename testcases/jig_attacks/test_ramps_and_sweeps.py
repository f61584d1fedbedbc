"""Attacks 2 and 4: passing through the window, again and again, but never staying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.power_supply.stimulus import Chatter, Hold, Pulse, Ramp
from hil.errors import Inconclusive
from hil.evidence import step
from testcases.authentication.watching import until
from testcases.jig_attacks.playing import (
    longest_inside,
    needed_s,
    needs_less_than,
    outside_above,
    outside_below,
    performed,
    refused,
)

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30", refusal=True),
    pytest.mark.severity("critical"),
]

CROSSING: float = 0.4
"""The part of debounce and dwell that a ramp takes from one edge of the window to the other."""


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_ramp_through_the_window_never_latches(device: Device, jig: Jig, way: str) -> None:
    """Crossing the window is no stay in it, however finely the ramp is stepped."""
    nominal, window = jig.nominal_volts, jig.spec.window
    low, high = 0.5 * nominal, 1.5 * nominal
    crossing_s = CROSSING * needed_s(jig)
    whole_s = crossing_s * (high - low) / (2 * window * nominal)
    start, end = (low, high) if way == "up" else (high, low)
    ramp = Hold(start, 0.2) + Ramp(start, end, whole_s) + Hold(end, 0.3)
    refused(jig, device, ramp)


def test_a_visit_shorter_than_debounce_and_dwell_is_refused(device: Device, jig: Jig) -> None:
    """Four fifths of the time needed are not enough."""
    width_s = 0.8 * needed_s(jig)
    done = performed(jig, device, Pulse(jig.nominal_volts, width_s, base=outside_below(jig)))
    rising, falling = done.edges
    edge = jig.nominal_volts * (1 - jig.spec.window)
    needs_less_than("time inside", longest_inside(done, rising, falling, edge), needed_s(jig))
    assert not done.was_accepted


@pytest.mark.units(gap="of the debounce")
@pytest.mark.parametrize("gap", [0.7, 3.0], ids=["gap below debounce", "gap above debounce"])
def test_visits_do_not_add_up(device: Device, jig: Jig, gap: float) -> None:
    """Chatter in and out: together longer than the dwell, each visit shorter; nothing adds up."""
    visits = max(2, min(4, jig.spec.attempts - 1))
    chatter = Chatter(
        inside=jig.nominal_volts,
        outside=outside_above(jig),
        inside_s=0.6 * needed_s(jig),
        outside_s=gap * jig.spec.debounce,
        times=visits,
    )
    assert not performed(jig, device, chatter).was_accepted


def test_repeated_sweeps_lock_the_pin(device: Device, jig: Jig) -> None:
    """After too many misses even the genuine voltage is refused, until the lockout is over."""
    spec = jig.spec
    sweeps = Chatter(
        inside=jig.nominal_volts,
        outside=outside_below(jig),
        inside_s=0.5 * needed_s(jig),
        outside_s=3 * spec.debounce,
        times=spec.attempts + 1,
        tail_s=3 * spec.debounce,
    )
    held_s = 0.9 * spec.lockout - 0.5 * needed_s(jig) - 9 * spec.debounce
    if held_s <= 2 * needed_s(jig):
        raise Inconclusive(
            f"a lockout of {spec.lockout:g} s is too short to be told from the dwell of "
            f"{needed_s(jig):g} s; watch the device's own lock, or try a product with a longer one"
        )
    done = performed(
        jig, device, sweeps + Hold(jig.nominal_volts, 1.5 * needed_s(jig)), then="hold"
    )
    assert not done.was_accepted, "the pin was not locked after its misses"
    with step("Once the lockout is over, the genuine voltage is taken"):
        until(
            lambda: jig.sense().accepted,
            timeout_s=spec.lockout + needed_s(jig) + 2.0,
            otherwise="the jig was not accepted after the lockout",
        )
