"""Attacks 5, 10 and 12: restarts before, during and after the check of the jig."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.bench.judge import noted
from hil.equipment.power_supply.stimulus import Hold, Open
from hil.errors import Inconclusive
from hil.evidence import step
from hil.metrology import by_clock
from testcases.authentication.watching import until_accepted, until_not_accepted
from testcases.jig_attacks.playing import NS, TRIES, needed_s, performed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.jig import Jig, Rail
    from hil.bench.performance import Performance
    from hil.equipment.device.device import Device

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "power_supply.rail", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30", refusal=True),
    pytest.mark.severity("critical"),
]

OFF_S: float = 0.5
if TYPE_CHECKING:
    Play = Callable[[], Performance]


def dwells_after_power_on(jig: Jig, device: Device, rail: Rail, play: Play) -> None:
    """Play, and check that acceptance came no earlier after power-on than debounce and dwell.

    Inconclusive where the device says its first word later than that, each time: nobody saw.
    """
    for number in range(1, TRIES + 1):
        done = play()
        device.wait_ready(timeout_s=60)
        try:
            dwelt_since_power_on(done, jig)
        except Inconclusive as err:
            if number == TRIES:
                raise
            with step(f"Try {number} was not seen, so it is played again: {err}"):
                jig.remove()
                rail.on()
                device.reboot()
        else:
            return


def dwelt_since_power_on(done: Performance, jig: Jig) -> None:
    """Judge one restart that was played."""
    power_on = done.edges[-1].span.earliest_ns
    words = [mark for mark in done.waveform.of_kind("device") if mark.accepted is not None]
    after = [mark for mark in words if mark.earliest_ns > power_on]
    assert after, "the device did not say a word after its restart"
    accepted = next((mark for mark in after if mark.accepted), None)
    first_s = (after[0].latest_ns - power_on) / NS
    accepted_s = (accepted.latest_ns - power_on) / NS if accepted else float("inf")
    noted(
        by_clock("first word after power-on, at most", first_s, "s"), accepted=f"{accepted_s:.3f} s"
    )
    assert accepted_s >= needed_s(jig), "accepted before it could have dwelt"
    if first_s >= needed_s(jig):
        raise Inconclusive(
            f"the device said its first word {first_s:.2f} s after power-on, later than debounce "
            f"and dwell ({needed_s(jig):.2f} s): its boot path cannot be seen from outside"
        )


def test_a_jig_that_is_there_at_power_on_has_to_dwell(device: Device, jig: Jig, rail: Rail) -> None:
    """The boot path has no shortcut."""
    nominal = rail.section.nominal
    total_s = OFF_S + needed_s(jig) + 1.0

    def play() -> Performance:
        return performed(
            jig,
            device,
            Hold(jig.nominal_volts, total_s),
            rail.track(Open(OFF_S) + Hold(nominal, total_s - OFF_S)),
            then="hold",
        )

    dwells_after_power_on(jig, device, rail, play)


def test_acceptance_does_not_outlive_a_restart(device: Device, jig: Jig, rail: Rail) -> None:
    """Accepted, then without power for a moment while the jig stays: it has to dwell again."""
    nominal = rail.section.nominal
    jig.attach()
    until_accepted(device, jig)
    total_s = OFF_S + needed_s(jig) + 1.0

    def play() -> Performance:
        return performed(
            jig,
            device,
            Hold(jig.nominal_volts, total_s),
            rail.track(Open(OFF_S) + Hold(nominal, total_s - OFF_S)),
            then="hold",
        )

    dwells_after_power_on(jig, device, rail, play)


def test_a_brown_out_during_the_check_unlocks_nothing(device: Device, jig: Jig, rail: Rail) -> None:
    """Power fails half-way through the dwell: no half state, and a clean retry.

    A supply reaches dips of milliseconds only: this is no fault injection (shaping of glitches).
    """
    nominal = rail.section.nominal
    half_s = 0.5 * needed_s(jig)
    rest_s = needed_s(jig) + 1.0

    def play() -> Performance:
        return performed(
            jig,
            device,
            Open(0.2) + Hold(jig.nominal_volts, half_s + OFF_S + rest_s),
            rail.track(Hold(nominal, 0.2 + half_s) + Hold(0.0, OFF_S) + Hold(nominal, rest_s)),
            then="hold",
        )

    dwells_after_power_on(jig, device, rail, play)
    with step("A retry is clean"):
        jig.remove()
        until_not_accepted(device, jig)
        jig.attach()
        until_accepted(device, jig)
