"""One unit's errors: drift and noise by their keys, inside the data sheet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hil.virtual.electrical import NS
from hil.virtual.power_supply.dp832_ratings import DP832
from hil.virtual.power_supply.unit_errors import ChannelErrors, Trouble

QUIET = replace(DP832, noise_volts=0.0, noise_amps=0.0, read_volts_step=1e-9, read_amps_step=1e-9)
HOURS = 3600 * NS


def drifts(seed: int, channel: int = 1) -> list[float]:
    errors = ChannelErrors(QUIET, seed, channel, 0)
    start = errors.read(5.0, 1.0, 0)[0]
    return [errors.read(5.0, 1.0, hour * HOURS)[0] - start for hour in range(1, 9)]


def test_drift_is_slow_keyed_and_inside_its_limit() -> None:
    limit = 0.0003 * 5 + 0.001
    for seed in range(20):
        walked = drifts(seed)
        assert all(abs(volts) <= limit for volts in walked)
        assert len(set(walked)) == len(walked), "it goes on"
    assert drifts(3) == drifts(3)
    assert drifts(3) != drifts(4)
    assert drifts(3, 1) != drifts(3, 2)
    assert max(abs(volts) for seed in range(20) for volts in drifts(seed)) > limit / 10


def test_drift_does_not_depend_on_how_often_somebody_asks() -> None:
    often, seldom = (ChannelErrors(QUIET, 7, 1, 0) for _ in range(2))
    for minute in range(240):
        often.read(5.0, 1.0, minute * 60 * NS)
    assert often.read(5.0, 1.0, 4 * HOURS) == seldom.read(5.0, 1.0, 4 * HOURS)


def test_noise_is_keyed_by_the_number_of_the_reading() -> None:
    def readings(channel: int) -> list[tuple[float, float]]:
        errors = ChannelErrors(replace(QUIET, noise_volts=0.001), 7, channel, 0)
        return [errors.read(5.0, 1.0, 0) for _ in range(50)]

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)
    assert len({volts for volts, _ in readings(1)}) == 50


def test_trouble_adds_to_a_reading_and_goes_again() -> None:
    errors = ChannelErrors(QUIET, 7, 1, 0)
    right = errors.read(5.0, 1.0, 0)
    errors.trouble = Trouble(gain=0.01, offset=0.1)
    assert errors.read(5.0, 1.0, 0)[0] == pytest.approx(right[0] + 0.15, abs=1e-3)
    errors.trouble = Trouble()
    assert errors.read(5.0, 1.0, 0) == right
