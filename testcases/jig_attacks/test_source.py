"""Attack 9: the right voltage from a source that carries nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.errors import Inconclusive
from testcases.authentication.watching import for_longer_than
from testcases.jig_attacks.playing import needed_s

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.meter import Meter

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage", "jig.test-load"),
    pytest.mark.requirement("R-24", "R-30", refusal=True),
    pytest.mark.severity("normal"),
]


def test_a_weak_source_is_refused(jig: Jig, meter: Meter) -> None:
    """A current limit below what the pin's test load draws stands for a high source impedance."""
    spec = jig.spec
    assert spec.test_load is not None
    uncertain = meter.set_point_uncertainty(0.0, "amps")
    limit = uncertain + jig.channel.accuracy.amps_step
    carried = (limit + uncertain) * spec.test_load
    if carried >= jig.nominal_volts * (1 - spec.window):
        raise Inconclusive(
            f"the supply's limit is known to {uncertain * 1e3:.1f} mA only, so the source may "
            f"carry {carried:.2f} V at {spec.test_load:g} ohm; use a series resistor, or a finer "
            f"supply"
        )
    jig.attach(amps=limit)
    for_longer_than(
        4 * needed_s(jig), lambda: not jig.sense().accepted, "a weak source was accepted"
    )
