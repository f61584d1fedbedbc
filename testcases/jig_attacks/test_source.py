"""Attack 9: the right voltage from a source of another impedance.

The current limit stands for an impedance; one that is wired in (``series_resistance`` of the
channel) is finer, and is judged for what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.bench.judge import noted
from hil.bench.source import Source, SourceAtPin
from hil.errors import Inconclusive
from hil.evidence import step
from testcases.authentication.watching import for_longer_than, until_accepted
from testcases.jig_attacks.playing import needed_s

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.judge import Judge
    from hil.bench.meter import Meter
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage", "jig.test-load"),
    pytest.mark.applies("O_TEST_LOAD"),
    pytest.mark.severity("normal"),
]


def is_refused(jig: Jig, judge: Judge, source: Source, edge: float) -> None:
    """Be a source that cannot hold ``edge`` under the device's test load, and be refused."""
    noted(source.impedance, current_limit=f"{source.amps * 1e3:.1f} mA")
    judge.note(source.loaded)
    if source.loaded.high >= edge:
        raise Inconclusive(
            f"{source.loaded} may reach the window's edge of {edge:.3f} V: the supply's current "
            f"limit is too uncertain; use a series resistor, or a finer supply"
        )
    jig.attach(amps=source.amps)
    for_longer_than(
        4 * needed_s(jig),
        lambda: not jig.sense().accepted,
        f"a source of {source.ohms:.0f} ohm was accepted",
    )


@pytest.mark.requirement("R-24", "R-30", refusal=True)
def test_a_weak_source_is_refused(jig: Jig, meter: Meter, judge: Judge) -> None:
    """The weakest source that this supply can be for certain."""
    at_pin = SourceAtPin(jig.spec, meter)
    edge = jig.nominal_volts * (1 - jig.spec.window)
    is_refused(jig, judge, at_pin.by_limit(at_pin.weakest_amps), edge)


@pytest.mark.requirement("R-24", "R-30", refusal=True)
def test_a_source_just_too_weak_is_refused(jig: Jig, meter: Meter, judge: Judge) -> None:
    """The strongest source that leaves the window under the test load for certain."""
    at_pin = SourceAtPin(jig.spec, meter)
    edge = jig.nominal_volts * (1 - jig.spec.window)
    source = at_pin.just_below(edge)
    if source.amps < at_pin.weakest_amps:
        source = at_pin.by_limit(at_pin.weakest_amps)
    is_refused(jig, judge, source, edge)


@pytest.mark.requirement("R-24", "R-30")
def test_the_impedance_of_the_leads_decides(
    device: Device, jig: Jig, meter: Meter, judge: Judge
) -> None:
    """A source that holds its volts under the test load is taken, one that does not is refused.

    What lies between supply and pin decides which: the leads, and a resistor put into them.
    """
    source = SourceAtPin(jig.spec, meter).by_leads()
    edge = jig.nominal_volts * (1 - jig.spec.window)
    noted(source.impedance)
    judge.note(source.loaded)
    if source.loaded.low >= edge:
        with step(f"{source.ohms:g} ohm hold the window under the test load: taken"):
            jig.attach()
            until_accepted(device, jig)
    elif source.loaded.high < edge:
        with step(f"{source.ohms:g} ohm do not hold it: refused"):
            jig.attach()
            for_longer_than(
                4 * needed_s(jig),
                lambda: not jig.sense().accepted,
                f"a source of {source.ohms:g} ohm was accepted",
            )
    else:
        raise Inconclusive(
            f"{source.loaded} lies at the window's edge of {edge:.3f} V; take another resistor, "
            f"or state lead and series resistance more exactly"
        )
