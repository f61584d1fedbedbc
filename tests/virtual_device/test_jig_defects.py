"""Every defect that can be planted shows, and shows in its own way only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hil.errors import ConfigError
from hil.virtual.device.config import parse_config
from hil.virtual.device.jig_config import JigConfig, JigDefect
from hil.virtual.device.jig_defects import Memory, make_sensor
from hil.virtual.device.jig_sensor import JigSensor, PinSample

CONFIG = JigConfig(
    nominal_v=1.8,
    window=0.05,
    hysteresis=0.02,
    debounce_s=0.03,
    dwell_s=0.2,
    revoke_s=0.1,
    max_misses=5,
    lockout_s=2.0,
    test_load_ohms=47.0,
)
STEP_S = 0.002
NOMINAL = 1.8


class Line:
    """A sensor on a line of its own: a source with a resistance, a neighbour and a rail."""

    def __init__(self, defect: JigDefect | None, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.sensor: JigSensor = make_sensor(replace(CONFIG, defect=defect), self.memory)
        self.now_s = 0.0
        self.source_ohms = 0.0
        self.neighbour = 0.0
        self.rail = 3.8
        self._loaded = False

    def hold(self, volts: float, seconds: float) -> bool:
        """Hold ``volts`` and return whether the pin was accepted at any time meanwhile."""
        return self.follow(lambda _: volts, seconds)

    def follow(self, volts: Callable[[float], float], seconds: float) -> bool:
        began, seen = self.now_s, False
        while self.now_s < began + seconds:
            at_ns = round(self.now_s * 1e9)
            given = volts(self.now_s - began)
            if self._loaded:
                given *= 47.0 / (47.0 + self.source_ohms)
            self.sensor.sample(
                PinSample(at_ns, given, neighbour_volts=self.neighbour, rail_volts=self.rail)
            )
            if self.sensor.loads_pin and not self._loaded:
                self.sensor.pin_is_loaded(at_ns)
            self._loaded = self.sensor.loads_pin
            seen = seen or self.sensor.accepted
            self.now_s += STEP_S
        return seen

    def accept(self) -> None:
        self.hold(0.0, 0.02)
        assert self.hold(NOMINAL, 0.6)
        assert self.sensor.accepted


def crossing(line: Line) -> bool:
    """A ramp of half a second through the window."""
    line.hold(0.2, 0.02)
    return line.follow(lambda t: 0.2 + 10 * t, 0.5)


def three_quarters_of_the_dwell(line: Line) -> bool:
    line.hold(0.0, 0.02)
    return line.hold(NOMINAL, 0.03 + 0.75 * 0.2 + 0.06) or line.hold(0.0, 0.1)


def chatter(line: Line) -> bool:
    seen = False
    for _ in range(4):
        seen = line.hold(NOMINAL, 0.1) or seen
        line.hold(2.2, 0.05)
    return seen


def sweeps_then_nominal(line: Line) -> bool:
    for _ in range(6):
        line.hold(0.0, 0.05)
        line.hold(NOMINAL, 0.05)
    line.hold(0.0, 0.05)
    return line.hold(NOMINAL, 0.5)


def beside_the_window(line: Line) -> bool:
    return line.hold(NOMINAL * 1.08, 1.0)


def lost_beside_the_window(line: Line) -> bool:
    """Accepted, then beyond the window but not beyond the hysteresis."""
    line.accept()
    line.hold(NOMINAL * 1.06, 0.5)
    return not line.sensor.accepted


def lost_inside_the_window(line: Line) -> bool:
    line.accept()
    line.hold(NOMINAL * 1.04, 0.5)
    return not line.sensor.accepted


def kept_when_removed(line: Line) -> bool:
    line.accept()
    line.hold(0.0, 5.0)
    return line.sensor.accepted


def kept_for_longer_than_the_revocation(line: Line) -> bool:
    line.accept()
    line.hold(0.0, 0.3)
    return line.sensor.accepted


def kept_while_drifting_away(line: Line) -> bool:
    line.accept()
    line.follow(lambda t: NOMINAL + 0.05 * t, 12.0)
    return line.sensor.accepted


def trusted_after_a_restart(line: Line) -> bool:
    line.accept()
    return Line(line.sensor._config.defect, line.memory).hold(0.0, 0.02)


def accepted_at_once_after_a_restart(line: Line) -> bool:
    return line.hold(NOMINAL, 0.02)


def accepted_open(line: Line) -> bool:
    return line.hold(0.0, 1.0)


def accepted_at_twice_the_voltage(line: Line) -> bool:
    return line.hold(2 * NOMINAL, 1.0)


def accepted_on_the_neighbour(line: Line) -> bool:
    line.neighbour = NOMINAL
    return line.hold(0.0, 1.0)


def accepted_on_both_pins(line: Line) -> bool:
    line.neighbour = NOMINAL
    return line.hold(NOMINAL, 1.0)


def accepted_from_a_weak_source(line: Line) -> bool:
    line.source_ohms = 1000.0
    return line.hold(NOMINAL, 1.0)


def accepted_from_a_source_just_too_weak(line: Line) -> bool:
    line.source_ohms = 10.0
    return line.hold(NOMINAL, 1.0)


def refused_at_a_high_rail(line: Line) -> bool:
    line.rail = 4.4
    line.hold(0.0, 0.02)
    return not line.hold(NOMINAL, 1.0)


Probe = Callable[[Line], bool]
PROBES: dict[Probe, set[JigDefect]] = {
    crossing: {JigDefect.NO_DEBOUNCE, JigDefect.LATCH_ON_RAMP},
    three_quarters_of_the_dwell: {
        JigDefect.NO_DEBOUNCE,
        JigDefect.SHORT_DWELL,
        JigDefect.LATCH_ON_RAMP,
    },
    chatter: {JigDefect.NO_DEBOUNCE, JigDefect.CUMULATIVE_DWELL, JigDefect.LATCH_ON_RAMP},
    sweeps_then_nominal: {
        JigDefect.NO_DEBOUNCE,
        JigDefect.NO_LOCKOUT,
        JigDefect.LATCH_ON_RAMP,
    },
    beside_the_window: {JigDefect.WIDE_WINDOW},
    lost_beside_the_window: {JigDefect.NO_HYSTERESIS, JigDefect.INVERTED_HYSTERESIS},
    lost_inside_the_window: {JigDefect.INVERTED_HYSTERESIS},
    kept_when_removed: {JigDefect.NO_REVOKE, JigDefect.OPEN_IS_VALID},
    kept_for_longer_than_the_revocation: {
        JigDefect.NO_REVOKE,
        JigDefect.SLOW_REVOKE,
        JigDefect.OPEN_IS_VALID,
    },
    kept_while_drifting_away: {JigDefect.NO_REVOKE, JigDefect.REVOKE_IS_BLIND_TO_DRIFT},
    trusted_after_a_restart: {JigDefect.TRUST_OVER_RESET},
    accepted_at_once_after_a_restart: {JigDefect.BOOT_SKIPS_DWELL},
    accepted_open: {JigDefect.OPEN_IS_VALID},
    accepted_at_twice_the_voltage: {JigDefect.OVERRANGE_WRAPS},
    accepted_on_the_neighbour: {JigDefect.EITHER_PIN},
    accepted_on_both_pins: {JigDefect.NEIGHBOUR_IGNORED},
    accepted_from_a_weak_source: {JigDefect.SOURCE_IGNORED},
    accepted_from_a_source_just_too_weak: {
        JigDefect.SOURCE_IGNORED,
        JigDefect.SOURCE_BARELY_CHECKED,
    },
    refused_at_a_high_rail: {JigDefect.REFERENCE_FOLLOWS_RAIL},
}


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_the_correct_pin_never_shows_it(probe: Probe) -> None:
    assert not probe(Line(None))


@pytest.mark.parametrize(
    ("probe", "defect"),
    [(probe, defect) for probe, found in PROBES.items() for defect in sorted(found)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_planted_defect_shows(probe: Probe, defect: JigDefect) -> None:
    assert probe(Line(defect))


def test_every_defect_has_a_probe() -> None:
    assert set(JigDefect) == {defect for found in PROBES.values() for defect in found}


@pytest.mark.parametrize("defect", sorted(set(JigDefect) - {JigDefect.OPEN_IS_VALID}))
def test_a_defective_pin_still_takes_its_jig(defect: JigDefect) -> None:
    Line(defect).accept()


def test_an_unknown_defect_is_refused() -> None:
    raw = {"device_id": "d", "life": "development", "signing_keys": {}}
    with pytest.raises(ConfigError, match="defect"):
        parse_config({**raw, "jig": {"defect": "no-debounc"}})
    assert parse_config({**raw, "jig": {"defect": "no-debounce"}}).jig.defect == "no-debounce"
