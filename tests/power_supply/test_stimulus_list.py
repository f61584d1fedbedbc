"""A supply with a fine list of its own plays a stimulus by it; any other way the host does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.equipment.power_supply.stimulus import Hold, Open, Pulse, Step, Track
from hil.virtual.probe import Probe
from tests.power_supply.part import Part, start_part

LIMITS = {
    1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=None, without_ocp="test"),
    2: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=None, without_ocp="test"),
}


@pytest.fixture(scope="module")
def e36312a() -> Iterator[Part]:
    with start_part("--model", "E36312A") as part:
        yield part


@pytest.fixture
def supply(e36312a: Part, lock_directory: Path) -> Iterator[PowerSupply]:
    with PowerSupply.open(e36312a.resource, model="E36312A", limits=LIMITS) as supply:
        yield supply


def test_the_list_plays_and_its_edges_lie_within_their_spans(
    supply: PowerSupply, e36312a: Part
) -> None:
    pulse = Pulse(1.8, 0.05, base=1.5, lead_s=0.1, tail_s=0.1)
    with Probe(e36312a.copper) as probe:
        played = supply.play([Track(1, pulse, amps=0.4)], command_time_s=0.0)
        assert played.by == "instrument"
        for stamp in played.stamps:
            begun = probe.change(1, stamp.before_ns)
            assert begun in stamp.span, (stamp, begun)
        assert played.late(0.001) == ()
        up, down = probe.crossings(1, 1.65, played.stamps[0].before_ns)[:2]
        rising, falling = played.stamps
        assert down - up in falling.passes(1.65).since(rising.passes(1.65))
    assert not supply.channel(1).is_on


def test_the_last_level_is_held(supply: PowerSupply) -> None:
    played = supply.play([Track(1, Step(1.0, 2.0, 0.1, 0.1), amps=0.4)], then="hold")
    assert played.by == "instrument"
    assert supply.channel(1).is_on
    assert supply.channel(1).measure().volts == pytest.approx(2.0, abs=0.02)
    supply.channel(1).off()


@pytest.mark.parametrize(
    "tracks",
    [
        [Track(1, Hold(1.0, 0.1) + Open(0.1) + Hold(1.0, 0.1), amps=0.4)],
        [Track(1, Step(1.0, 2.0), amps=0.4), Track(2, Step(1.0, 2.0), amps=0.4)],
        [Track(1, Step(1.0, 2.0, 0.1005, 0.1), amps=0.4)],
    ],
    ids=["output switched", "two channels", "off the grid of the list"],
)
def test_what_no_list_can_do_the_host_times(supply: PowerSupply, tracks: list[Track]) -> None:
    assert supply.play(tracks, command_time_s=0.0).by == "host"
