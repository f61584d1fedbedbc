"""The jig pin of a virtual device, as its configuration describes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hil.virtual.device.strict_json import Section


class JigDefect(StrEnum):
    """What is wrong with a pin, for the tests of the tests (see :mod:`.jig_defects`)."""

    NO_DEBOUNCE = "no-debounce"
    SHORT_DWELL = "short-dwell"
    CUMULATIVE_DWELL = "cumulative-dwell"
    LATCH_ON_RAMP = "latch-on-ramp"
    NO_LOCKOUT = "no-lockout"
    WIDE_WINDOW = "wide-window"
    NO_HYSTERESIS = "no-hysteresis"
    INVERTED_HYSTERESIS = "inverted-hysteresis"
    NO_REVOKE = "no-revoke"
    SLOW_REVOKE = "slow-revoke"
    REVOKE_IS_BLIND_TO_DRIFT = "revoke-is-blind-to-drift"
    TRUST_OVER_RESET = "trust-over-reset"
    BOOT_SKIPS_DWELL = "boot-skips-dwell"
    OPEN_IS_VALID = "open-is-valid"
    OVERRANGE_WRAPS = "overrange-wraps"
    EITHER_PIN = "either-pin"
    NEIGHBOUR_IGNORED = "neighbour-ignored"
    SOURCE_IGNORED = "source-ignored"
    SOURCE_BARELY_CHECKED = "source-barely-checked"
    REFERENCE_FOLLOWS_RAIL = "reference-follows-rail"


@dataclass(frozen=True, slots=True)
class JigConfig:
    """The jig pin: window, dwell and converter. Volts, amperes, seconds, fractions of nominal.

    ``window`` and ``hysteresis`` are fractions of the nominal value: accepted within
    nominal ± window, revoked beyond nominal ± (window + hysteresis). The pin beside it must carry
    less than ``neighbour_max_v``. With ``test_load_ohms`` the pin is loaded so for ``test_load_s``
    at the end of the dwell: a source that cannot carry it is no jig. ``defect`` plants one of
    :class:`JigDefect`. All defaults are engineering judgement: no
    vendor publishes such figures.
    """

    nominal_v: float = 3.3
    window: float = 0.05
    hysteresis: float = 0.015
    debounce_s: float = 0.03
    dwell_s: float = 0.2
    revoke_s: float = 0.05
    max_misses: int = 10
    lockout_s: float = 1.0
    nominal_a: float | None = None
    window_a: float = 0.1
    input_ohms: float = 100_000.0
    sample_hz: float = 500.0
    adc_bits: int = 12
    adc_full_scale_v: float = 6.6
    adc_full_scale_a: float = 0.1
    adc_noise_lsb: float = 0.5
    seed: int = 1
    neighbour_max_v: float = 0.3
    test_load_ohms: float | None = None
    test_load_s: float = 0.06
    rail_nominal_v: float = 3.8
    defect: JigDefect | None = None


def read_jig(section: Section) -> JigConfig:
    """Read the section ``jig``; :class:`ConfigError` for an unknown key or a wrong value."""
    plain = JigConfig()
    jig = JigConfig(
        nominal_v=section.number("nominal_v", plain.nominal_v, low=0.01),
        window=section.number("window", plain.window, high=1.0),
        hysteresis=section.number("hysteresis", plain.hysteresis, high=1.0),
        debounce_s=section.number("debounce_s", plain.debounce_s),
        dwell_s=section.number("dwell_s", plain.dwell_s),
        revoke_s=section.number("revoke_s", plain.revoke_s),
        max_misses=section.whole("max_misses", plain.max_misses),
        lockout_s=section.number("lockout_s", plain.lockout_s),
        nominal_a=section.number("nominal_a", 0.0) if section.has("nominal_a") else None,
        window_a=section.number("window_a", plain.window_a, high=1.0),
        input_ohms=section.number("input_ohms", plain.input_ohms, low=0.1),
        sample_hz=section.number("sample_hz", plain.sample_hz, low=1.0, high=10_000.0),
        adc_bits=section.whole("adc_bits", plain.adc_bits, low=4, high=24),
        adc_full_scale_v=section.number("adc_full_scale_v", plain.adc_full_scale_v, low=0.1),
        adc_full_scale_a=section.number("adc_full_scale_a", plain.adc_full_scale_a, low=1e-6),
        adc_noise_lsb=section.number("adc_noise_lsb", plain.adc_noise_lsb, high=100.0),
        seed=section.whole("seed", plain.seed),
        neighbour_max_v=section.number("neighbour_max_v", plain.neighbour_max_v),
        test_load_ohms=(
            section.number("test_load_ohms", 0.0, low=0.1)
            if section.has("test_load_ohms")
            else None
        ),
        test_load_s=section.number("test_load_s", plain.test_load_s, low=0.01),
        rail_nominal_v=section.number("rail_nominal_v", plain.rail_nominal_v, low=0.1),
        defect=(section.member("defect", JigDefect.NO_DEBOUNCE) if section.has("defect") else None),
    )
    section.end()
    return jig
