"""The sensor alone, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hil.virtual.device.jig_config import JigConfig
from hil.virtual.device.jig_sensor import Adc, JigSensor, PinSample

CONFIG = JigConfig(
    nominal_v=3.3,
    window=0.05,
    hysteresis=0.015,
    debounce_s=0.03,
    dwell_s=0.2,
    revoke_s=0.05,
    max_misses=4,
    lockout_s=1.0,
)
STEP_S = 0.002
NEEDED_S = CONFIG.debounce_s + CONFIG.dwell_s
UNCERTAINTY = 0.005


class Pin:
    """A sensor with a clock that the test turns."""

    def __init__(self, config: JigConfig = CONFIG, *, current_wired: bool = False) -> None:
        self.sensor = JigSensor(config, current_wired=current_wired)
        self.now_s = 0.0
        self.loaded = False

    def hold(self, volts: float, seconds: float, amps: float = 0.0) -> str:
        return self.follow(lambda _t: volts, seconds, amps)

    def follow(self, volts: Callable[[float], float], seconds: float, amps: float = 0.0) -> str:
        start = self.now_s
        while self.now_s < start + seconds:
            at_ns = round(self.now_s * 1e9)
            self.sensor.sample(PinSample(at_ns, volts(self.now_s - start), amps))
            if self.sensor.loads_pin and not self.loaded:
                self.sensor.pin_is_loaded(at_ns)
            self.loaded = self.sensor.loads_pin
            self.now_s += STEP_S
        return self.sensor.reading.state


@pytest.fixture(params=range(5))
def pin(request: pytest.FixtureRequest) -> Pin:
    return Pin(replace(CONFIG, seed=request.param))


def test_nominal_is_accepted_after_debounce_and_dwell_and_not_before(pin: Pin) -> None:
    assert pin.hold(0.0, 0.05) == "open"
    assert pin.hold(3.3, 0.02) == "settling"
    assert pin.hold(3.3, NEEDED_S - 0.03) == "dwelling"
    assert not pin.sensor.accepted
    assert pin.hold(3.3, 0.03) == "accepted"


@pytest.mark.parametrize(
    ("volts", "state"),
    [
        (3.3 * 0.95 + UNCERTAINTY, "accepted"),
        (3.3 * 1.05 - UNCERTAINTY, "accepted"),
        (3.3 * 0.95 - UNCERTAINTY, "below"),
        (3.3 * 1.05 + UNCERTAINTY, "above"),
        (0.0, "open"),
        (-0.3, "open"),
        (5.5, "above"),
        (7.0, "above"),
    ],
)
def test_edges_of_the_window(pin: Pin, volts: float, state: str) -> None:
    assert pin.hold(volts, 1.0) == state


def test_hysteresis_keeps_what_it_would_not_accept(pin: Pin) -> None:
    outside = 3.3 * 0.95 - 0.02
    assert pin.hold(outside, 0.5) == "below"
    assert pin.hold(3.3, 0.5) == "accepted"
    assert pin.hold(outside, 0.5) == "accepted"
    assert pin.hold(3.3 * 0.935 - UNCERTAINTY, 0.1) == "below"


def test_loss_revokes_within_the_limit_and_not_by_a_glitch(pin: Pin) -> None:
    pin.hold(3.3, 0.5)
    assert pin.hold(0.0, 0.03) == "accepted"
    assert pin.hold(3.3, 0.01) == "accepted"
    assert pin.hold(0.0, 0.07) == "open"
    assert pin.hold(3.3, NEEDED_S - 0.02) == "dwelling"


def test_a_ramp_through_the_window_never_latches(pin: Pin) -> None:
    assert pin.follow(lambda t: 5.5 * t / 0.5, 0.5) == "above"
    assert not pin.sensor.accepted


def test_a_slow_drift_out_revokes_at_the_revoke_limit(pin: Pin) -> None:
    pin.hold(3.3, 0.5)
    revoked_at = None

    def drift(t: float) -> float:
        nonlocal revoked_at
        volts = 3.3 - 0.1 * t
        if revoked_at is None and not pin.sensor.accepted:
            revoked_at = volts
        return volts

    pin.follow(drift, 5.0)
    assert revoked_at == pytest.approx(3.3 * 0.935, abs=0.1 * CONFIG.revoke_s + 0.01)


def test_separate_visits_never_add_up(pin: Pin) -> None:
    config = replace(CONFIG, max_misses=0)
    chatter = Pin(config)
    for _ in range(20):
        chatter.hold(3.3, NEEDED_S * 0.8)
        chatter.hold(0.0, 0.004)
    assert not chatter.sensor.accepted


def test_a_sweep_is_locked_out_after_misses(pin: Pin) -> None:
    for _ in range(CONFIG.max_misses):
        pin.hold(3.3, 0.05)
        pin.hold(0.0, 0.01)
    assert pin.sensor.reading.state == "locked"
    assert pin.hold(3.3, 0.5) == "locked"
    pin.hold(3.3, 0.5)
    assert pin.hold(3.3, 0.3) == "accepted"


def test_ripple_inside_is_accepted_and_ripple_across_the_edge_is_not(pin: Pin) -> None:
    assert pin.follow(lambda t: 3.3 + (0.05 if int(t * 100) % 2 else -0.05), 0.5) == "accepted"
    edge = Pin(replace(CONFIG, max_misses=0))
    edge.follow(lambda t: 3.3 * 1.05 + (0.03 if int(t * 50) % 2 else -0.03), 2.0)
    assert not edge.sensor.accepted


def test_nothing_is_remembered_by_a_new_sensor(pin: Pin) -> None:
    pin.hold(3.3, 0.5)
    assert not JigSensor(CONFIG, current_wired=False).accepted


def test_the_current_counts_where_it_is_wired() -> None:
    config = replace(CONFIG, nominal_a=0.02, window_a=0.1)
    assert Pin(config, current_wired=True).hold(3.3, 0.5, 0.02) == "accepted"
    assert Pin(config, current_wired=True).hold(3.3, 0.5, 0.015) == "wrong-current"
    assert Pin(config, current_wired=False).hold(3.3, 0.5, 0.02) == "wrong-current"
    assert Pin(CONFIG, current_wired=True).sensor.reading.amps is None


def test_the_converter_quantises_clamps_and_repeats_itself() -> None:
    first, again = (Adc(bits=8, full_scale=2.55, noise_lsb=0.0, seed=3) for _ in range(2))
    assert first.convert(1.234) == pytest.approx(1.23)
    assert first.convert(-1) == 0.0
    assert first.convert(9) == pytest.approx(2.55)
    noisy = [Adc(bits=12, full_scale=5.0, noise_lsb=2.0, seed=7) for _ in range(2)]
    assert [noisy[0].convert(1.0) for _ in range(9)] == [noisy[1].convert(1.0) for _ in range(9)]
    assert again.convert(1.0) == pytest.approx(1.0)
