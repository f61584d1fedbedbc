"""What the player says of its edges is what was on the copper, and every path ends off."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hil.equipment.power_supply import PowerSupply, SafetyError
from hil.equipment.power_supply.errors import SettingError
from hil.equipment.power_supply.stimulus import (
    Hold,
    Open,
    Plan,
    Pulse,
    Ramp,
    Sequence,
    Step,
    Track,
    Watcher,
)
from hil.equipment.power_supply.stimulus.planning import Setting
from hil.equipment.power_supply.stimulus.wording import message_for
from hil.errors import LinkError
from hil.virtual.probe import Probe
from tests.power_supply.conftest import Notes
from tests.power_supply.part import Part

TRIALS = 12


@pytest.fixture
def probe(part: Part) -> Iterator[Probe]:
    with Probe(part.copper) as probe:
        yield probe


def test_the_true_edges_lie_within_the_reported_spans(supply: PowerSupply, probe: Probe) -> None:
    for _ in range(TRIALS):
        track = Track(1, Pulse(1.8, 0.05, base=1.5, lead_s=0.02, tail_s=0.03), amps=0.4)
        played = supply.play([track], command_time_s=0.0)
        assert len(played.stamps) == 2
        for stamp in played.stamps:
            begun = probe.change(1, stamp.before_ns)
            assert begun in stamp.span, (stamp, begun)
            passed = probe.crossings(1, 1.65, stamp.before_ns)[0]
            assert passed in stamp.passes(1.65), (stamp, passed)
        rising, falling = played.stamps
        width = falling.passes(1.65).since(rising.passes(1.65))
        up, down = probe.crossings(1, 1.65, rising.before_ns)[:2]
        assert down - up in width
        assert 0 <= rising.due_ns - played.start_ns - 20_000_000 < 1000


def test_deadlines_do_not_drift(supply: PowerSupply) -> None:
    stimulus = Sequence(tuple((1.0 + 0.5 * (n % 2), 0.01) for n in range(40)))
    played = supply.play([Track(1, stimulus, amps=0.4)], command_time_s=0.0)
    due = [stamp.due_ns - played.start_ns for stamp in played.stamps]
    assert due == [n * 10_000_000 for n in range(1, 40)]
    assert all(stamp.before_ns >= stamp.due_ns for stamp in played.stamps)
    assert played.end_ns - played.start_ns >= 400_000_000


def test_one_message_for_each_edge_and_two_channels_in_one(
    supply: PowerSupply, notes: Notes, probe: Probe
) -> None:
    starts: list[int] = []

    def begun(_: Plan, start_ns: int) -> None:
        starts.append(len(notes.sent))
        assert start_ns > time.monotonic_ns() - 1_000_000

    played = supply.play(
        [
            Track(1, Step(1.8, 0.5, 0.05, 0.05), amps=0.1),
            Track(3, Hold(1.8, 0.05), amps=0.5, at_s=0.05),
        ],
        command_time_s=0.0,
        watcher=Watcher(begun=begun),
    )
    (message,) = [m for m in notes.sent[starts[0] :] if "MEAS" not in m and "SOUR1" in m][:1]
    assert message == ":SOUR1:VOLT 0.500;:OUTP CH3,ON;:OUTP? CH3"
    one, other = played.stamps
    assert (one.before_ns, one.after_ns) == (other.before_ns, other.after_ns)
    down, up = probe.change(1, one.before_ns), probe.change(3, one.before_ns)
    assert down in one.span
    assert up in other.span


def test_readings_come_between_the_edges_and_make_none_late(supply: PowerSupply) -> None:
    stimulus = Sequence(tuple((1.0 + 0.2 * (n % 2), 0.04) for n in range(10)))
    played = supply.play([Track(1, stimulus, amps=0.4)], command_time_s=0.0)
    assert len(played.readings) >= 10
    for stamp in played.stamps:
        for _, reading in played.readings:
            begun = reading.at_ns - reading.span_ns
            assert reading.at_ns <= stamp.before_ns or begun >= stamp.after_ns


def test_off_at_the_end_unless_it_shall_hold(supply: PowerSupply, part: Part) -> None:
    supply.play([Track(1, Hold(1.8, 0.05), amps=0.1)])
    assert not part.channel(1)["on"]
    supply.play([Track(1, Hold(1.8, 0.05), amps=0.1)], then="hold")
    assert part.channel(1)["on"]
    supply.channel(1).off()


def test_a_level_beyond_the_cable_sends_nothing_at_all(supply: PowerSupply, notes: Notes) -> None:
    before = list(notes.sent)
    with pytest.raises(SafetyError):
        supply.play([Track(1, Hold(1.8, 0.1) + Hold(5.6, 0.1), amps=0.1)])
    assert notes.sent == before


def test_a_lost_line_in_the_middle_ends_off(supply: PowerSupply, part: Part) -> None:
    part.control({"fault": "drop", "match": "VOLT 1.700", "times": 1})
    with pytest.raises(LinkError):
        supply.play([Track(1, Step(1.8, 1.7, 0.05, 0.1), amps=0.1)], then="hold")
    assert not part.channel(1)["on"]


def test_a_set_point_that_is_not_taken_ends_off(supply: PowerSupply, part: Part) -> None:
    part.control({"fault": "text", "match": "VOLT 1.700", "text": "1.800"})
    with pytest.raises(SettingError, match=r"1\.7 V"):
        supply.play([Track(1, Step(1.8, 1.7, 0.05, 0.1), amps=0.1)], then="hold")
    part.control({"clear": True})
    assert not part.channel(1)["on"]


def test_an_interrupt_in_the_middle_ends_off(supply: PowerSupply, part: Part) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        supply.play(
            [Track(1, Step(1.8, 1.7, 0.05, 0.1), amps=0.1)],
            then="hold",
            watcher=Watcher(edge=interrupt),
        )
    assert not part.channel(1)["on"]


def test_an_output_that_opens_and_closes_in_the_middle(supply: PowerSupply, probe: Probe) -> None:
    played = supply.play(
        [Track(1, Hold(1.8, 0.05) + Open(0.2) + Hold(1.8, 0.1), amps=0.4)], command_time_s=0.0
    )
    off, on = played.stamps
    assert (off.on, on.on) == (False, True)
    assert probe.volts(1, on.before_ns) < 0.1
    assert probe.volts(1, played.start_ns + 340_000_000) == pytest.approx(1.8, abs=0.03)
    assert probe.crossings(1, 0.9, off.before_ns)[0] in off.passes(0.9)
    assert probe.crossings(1, 0.9, on.before_ns)[0] in on.passes(0.9)


def test_a_ramp_is_followed(supply: PowerSupply, probe: Probe) -> None:
    played = supply.play([Track(1, Ramp(1.0, 2.0, 0.5), amps=0.4)], command_time_s=0.0)
    assert len(played.stamps) >= 20
    middle = played.start_ns + 250_000_000
    assert probe.volts(1, middle) == pytest.approx(1.5, abs=0.1)


def test_the_models_own_figure_widens_the_span_of_every_edge(supply: PowerSupply) -> None:
    track = Track(1, Step(1.5, 1.8, 0.03, 0.03), amps=0.1)
    (published,) = supply.play([track]).stamps
    (measured,) = supply.play([track], command_time_s=0.004).stamps
    assert published.span.latest_ns - published.after_ns == 118_000_000
    assert measured.span.latest_ns - measured.after_ns == 4_000_000


def test_what_changes_on_one_channel_lowers_first(supply: PowerSupply) -> None:
    high, low = Setting(1, 5.0, 0.01, on=True), Setting(1, 1.0, 0.1, on=True)
    down = message_for(supply._console, [(high, low)]).joined
    up = message_for(supply._console, [(low, high)]).joined
    assert down == ":SOUR1:VOLT 1.000;:SOUR1:CURR 0.100;:SOUR1:CURR?"
    assert up == ":SOUR1:CURR 0.010;:SOUR1:VOLT 5.000;:SOUR1:VOLT?"
