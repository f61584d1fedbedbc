"""Attack 11: slowly out of the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.metrology import rectangular
from testcases.authentication.watching import until_accepted
from testcases.jig_attacks.playing import watched

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.judge import Judge
    from hil.bench.meter import Meter
    from hil.equipment.device.device import Device
    from hil.metrology import Measured

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.severity("critical"),
]

STEPS: int = 24
"""Steps of the drift from the edge of the window to three hysteresis beyond it."""


@pytest.mark.requirement("R-24", "R-30", refusal=True)
@pytest.mark.parametrize("side", [-1, 1], ids=["down", "up"])
def test_a_slow_drift_is_revoked_at_the_revoke_limit(
    device: Device, jig: Jig, meter: Meter, judge: Judge, side: int
) -> None:
    """Drifting out, acceptance ends beyond window plus hysteresis: not before, and not never."""
    spec, nominal = jig.spec, jig.nominal_volts
    jig.attach()
    until_accepted(device, jig)
    stride = 3 * spec.hysteresis / STEPS
    held: Measured | None = None
    lost: Measured | None = None
    # From well inside, so that a device that revokes too early shows where it does.
    for number in range(-STEPS // 2, STEPS + 1):
        deviation = spec.window + number * stride
        jig.channel.apply(nominal * (1 + side * deviation), jig.nominal_amps)
        jig.channel.settle()
        # Longer than the revocation takes: what is still accepted then, is accepted here.
        last = watched(jig, 1.5 * spec.revoke)
        now = meter.volts(f"pin at {100 * side * deviation:+.2f} %")
        if not last.accepted:
            lost = now
            break
        held = now
    assert lost is not None, f"still accepted {100 * 3 * spec.hysteresis:g} % beyond the window"
    assert held is not None, "revoked inside the window, at the first step"
    gap = lost.value - held.value
    edge = replace(
        lost,
        name="revoke edge",
        value=held.value + gap / 2,
        budget=lost.budget.with_(rectangular("step of the drift", gap / 2)),
    )
    inner, outer = (
        nominal * (1 + side * (spec.window + share * spec.hysteresis)) for share in (0.5, 1.5)
    )
    with step("The revoke edge lies beyond the window, near window plus hysteresis"):
        judge(edge, low=min(inner, outer), high=max(inner, outer))
