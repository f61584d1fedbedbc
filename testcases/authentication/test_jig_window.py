"""The device takes its jig by voltage: inside the window for the dwell, and not otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from hil.bench.judge import noted
from hil.equipment.power_supply.stimulus import Chatter
from hil.errors import Inconclusive
from hil.evidence import step
from hil.metrology import by_clock
from testcases.authentication.watching import (
    for_longer_than,
    until_accepted,
    until_not_accepted,
)

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.judge import Judge
    from hil.bench.meter import Meter
    from hil.equipment.device.device import Device

LATE_S: Final = 0.25
"""Visits are judged by their edges as they went out; one may be so late and still be a visit."""

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30"),
]


@pytest.mark.severity("blocker")
def test_nominal_voltage_held_for_the_dwell_is_accepted(
    device: Device, jig: Jig, meter: Meter, judge: Judge
) -> None:
    """The jig's nominal voltage, held, is accepted; without a jig nothing is."""
    with step("Without a jig the pin is not accepted"):
        assert not device.jig().accepted
    with step("The nominal voltage is held"):
        jig.attach()
        judge.note(meter.volts("jig voltage"))
        until_accepted(device, jig)


@pytest.mark.severity("critical")
@pytest.mark.parametrize("side", [-1, 1], ids=["lower", "upper"])
def test_inside_the_edge_of_the_window_is_accepted(
    device: Device, jig: Jig, meter: Meter, judge: Judge, side: int
) -> None:
    """A voltage inside the edge, clear of it by the supply's uncertainty, is accepted."""
    edge = jig.nominal_volts * (1 + side * jig.spec.window)
    jig.attach(edge - side * meter.set_point_uncertainty(edge))
    judge.note(meter.volts(f"jig voltage, edge {edge:.3f} V"))
    until_accepted(device, jig)


@pytest.mark.requirement("R-24", "R-30", refusal=True)
@pytest.mark.severity("critical")
@pytest.mark.parametrize("side", [-1, 1], ids=["below", "above"])
def test_beyond_the_edge_of_the_window_is_refused(
    jig: Jig, meter: Meter, judge: Judge, side: int
) -> None:
    """A voltage beyond the edge, clear of it by the supply's uncertainty, is never accepted."""
    spec = jig.spec
    edge = jig.nominal_volts * (1 + side * spec.window)
    jig.attach(edge + side * meter.set_point_uncertainty(edge))
    judge.note(meter.volts(f"jig voltage, edge {edge:.3f} V"))
    for_longer_than(
        2 * (spec.debounce + spec.dwell), lambda: not jig.sense().accepted, "it was accepted"
    )


@pytest.mark.requirement("R-24", "R-30", refusal=True)
@pytest.mark.severity("critical")
def test_too_short_a_visit_is_refused_and_visits_do_not_add_up(jig: Jig) -> None:
    """Four visits, each shorter than the dwell but together longer, are not accepted."""
    spec = jig.spec
    visits = Chatter(
        inside=jig.nominal_volts,
        outside=jig.nominal_volts * (1 + 3 * (spec.window + spec.hysteresis)),
        inside_s=0.4 * spec.dwell,
        outside_s=2 * spec.debounce,
        times=4,
    )
    done = jig.play(visits, tolerance_s=LATE_S)
    edge = jig.nominal_volts * (1 + spec.window)
    for number, (entry, leaving) in enumerate(
        zip(done.edges[::2], done.edges[1::2], strict=True), start=1
    ):
        # From above: the output is inside from passing the edge downward until it passes it again.
        stay_s = done.inside(entry, leaving, edge).latest_ns / 1e9
        noted(by_clock(f"visit {number}, at most", stay_s, "s"), limit=f"below {spec.dwell:g} s")
        if stay_s >= spec.debounce + spec.dwell:
            raise Inconclusive(f"visit {number} may have lasted {stay_s:.3f} s: not short enough")
    assert not done.was_accepted


@pytest.mark.requirement("R-24", "R-30", refusal=True)
@pytest.mark.severity("blocker")
def test_a_jig_removed_after_acceptance_is_revoked(device: Device, jig: Jig) -> None:
    """Once the voltage is gone, so is the acceptance."""
    jig.attach()
    until_accepted(device, jig)
    with step("The jig is removed"):
        jig.remove()
    until_not_accepted(device, jig)


@pytest.mark.severity("critical")
@pytest.mark.requires("power_supply.rail")
def test_a_jig_that_is_there_at_power_on_has_to_dwell_all_the_same(
    device: Device, jig: Jig
) -> None:
    """A restart forgets the acceptance; the dwell is counted from the boot on."""
    jig.attach()
    until_accepted(device, jig)
    began = time.monotonic()
    with step("A restart, the jig stays"):
        device.reboot()
    until_accepted(device, jig)
    took = time.monotonic() - began
    assert took >= jig.spec.dwell, f"accepted {took:.3f} s after the restart was ordered"
