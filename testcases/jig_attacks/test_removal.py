"""Attacks 7 and 8: take the jig away once it was accepted, and swap it for another source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.bench.judge import noted
from hil.equipment.power_supply.stimulus import Hold
from hil.evidence import step
from hil.metrology import by_clock
from testcases.jig_attacks.playing import NS, needed_s, outside_above, performed

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30", refusal=True),
    pytest.mark.severity("blocker"),
]

ACCEPT_S: float = 0.5
"""What a device may need beyond debounce and dwell, its link included."""


def test_a_loss_is_revoked_in_time(device: Device, jig: Jig) -> None:
    """Measured on one clock: from the edge that leads out of the window to the device's word."""
    spec = jig.spec
    inside_s = needed_s(jig) + ACCEPT_S
    leave = Hold(jig.nominal_volts, inside_s) + Hold(outside_above(jig), 12 * spec.revoke)
    done = performed(jig, device, leave)
    (edge,) = done.edges
    wave = done.waveform
    accepted = wave.first(accepted=True)
    assert accepted is not None, "the jig was not accepted to begin with"
    left = edge.passes(jig.nominal_volts * (1 + spec.window + spec.hysteresis))
    still = [
        mark
        for mark in wave.of_kind("device")
        if mark.accepted and mark.earliest_ns > left.latest_ns
    ]
    at_least_s = (still[-1].earliest_ns - left.latest_ns) / NS if still else 0.0
    gone = wave.first(accepted=False, after_ns=left.earliest_ns)
    assert gone is not None, f"still accepted {12 * spec.revoke:g} s after the loss"
    at_most_s = (gone.latest_ns - left.earliest_ns) / NS
    noted(by_clock("revocation took at least", at_least_s, "s"), at_most=f"{at_most_s:.3f} s")
    assert at_least_s <= spec.revoke, "the acceptance outlived the time of revocation"


def test_what_comes_after_a_gap_has_to_dwell_again(device: Device, jig: Jig) -> None:
    """A source that takes the jig's place after a gap inherits no trust."""
    spec = jig.spec
    inside_s = needed_s(jig) + ACCEPT_S
    gap_s = 4 * spec.revoke
    swap = (
        Hold(jig.nominal_volts, inside_s)
        + Hold(outside_above(jig), gap_s)
        + Hold(jig.nominal_volts, inside_s)
    )
    done = performed(jig, device, swap)
    _, back = done.edges
    wave = done.waveform
    with step("The gap was noticed"):
        gone = wave.first(accepted=False, after_ns=done.edges[0].span.earliest_ns)
        assert gone is not None, "the gap was not noticed"
    with step("The other source has to dwell as long as the first"):
        again = wave.first(accepted=True, after_ns=back.span.earliest_ns)
        assert again is not None, "the jig was not accepted again"
        longest_s = (again.latest_ns - back.span.earliest_ns) / NS
        noted(
            by_clock("dwell after the gap, at most", longest_s, "s"),
            at_least=f"{needed_s(jig):g} s",
        )
        assert longest_s >= needed_s(jig), "it was accepted before it had dwelt"
