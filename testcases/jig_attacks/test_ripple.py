"""Attack 14: ripple on the level, as slow as a supply can make it.

50 Hz to 10 kHz needs a waveform generator at the pin, which no bench here describes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.power_supply.stimulus import Chatter
from testcases.jig_attacks.playing import LATE_S, needed_s, refused

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.meter import Meter
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.severity("normal"),
]

HALF_PERIOD_S: float = 0.05


@pytest.mark.requirement("R-24", "R-30", refusal=True)
def test_ripple_across_the_edge_is_refused(device: Device, jig: Jig, meter: Meter) -> None:
    """In and out of the window by more than the supply is uncertain of, it never counts as in."""
    edge = jig.nominal_volts * (1 + jig.spec.window)
    uncertain = meter.set_point_uncertainty(edge)
    half = min(HALF_PERIOD_S, 0.25 * needed_s(jig))
    ripple = Chatter(
        inside=edge - uncertain,
        outside=edge + uncertain,
        inside_s=half,
        outside_s=half,
        times=max(2, jig.spec.attempts - 1),
    )
    refused(jig, device, ripple)


@pytest.mark.requirement("R-24", "R-30")
def test_ripple_inside_the_window_is_tolerated(jig: Jig, meter: Meter) -> None:
    """A level that moves, but never out of the window, is a jig all the same."""
    edge = jig.nominal_volts * (1 + jig.spec.window)
    inner = edge - 1.5 * meter.set_point_uncertainty(edge)
    times = int((needed_s(jig) + 1.0) / (2 * HALF_PERIOD_S)) + 1
    ripple = Chatter(
        inside=jig.nominal_volts,
        outside=inner,
        inside_s=HALF_PERIOD_S,
        outside_s=HALF_PERIOD_S,
        times=times,
    )
    # However late an edge is, the level lies within the window.
    done = jig.play(ripple, tolerance_s=LATE_S)
    assert done.was_accepted, "ripple inside the window was refused"
