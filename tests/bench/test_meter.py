"""The uncertainty of a reading holds the truth, for many units; leads are taken into account."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench.config import ChannelSection
from hil.bench.meter import Meter
from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.errors import UsageError
from hil.metrology import Calibration, Instrument
from tests.power_supply.part import Part, start_part

LIMITS = {1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6)}


def section(**more: str) -> ChannelSection:
    return ChannelSection.model_validate(
        {
            "channel": 1,
            "max_voltage": "5.5 V",
            "max_current": "500 mA",
            "ovp": "6 V",
            "ocp": "600 mA",
            **more,
        }
    )


@pytest.fixture(scope="module", params=range(3), ids=lambda seed: f"unit {seed}")
def part(request: pytest.FixtureRequest) -> Iterator[Part]:
    with start_part("--seed", str(request.param), "--speed", "50") as one:
        yield one


@pytest.fixture
def supply(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PowerSupply]:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path))
    with PowerSupply.open(part.resource, model="DP832", limits=LIMITS) as opened:
        yield opened


def meter(supply: PowerSupply, calibration: Calibration | None = None, **more: str) -> Meter:
    instrument = Instrument("DP832", "1", "1", calibration or Calibration(virtual=True))
    return Meter(supply.channel(1), section(**more), instrument)


@pytest.mark.parametrize("volts", [0.5, 1.8, 5.0])
def test_the_truth_lies_within_the_uncertainty(
    supply: PowerSupply, part: Part, volts: float
) -> None:
    channel = supply.channel(1)
    part.control({"load": {"1": {"ohms": 50.0}}})
    channel.protect()
    channel.apply(volts, 0.4)
    channel.on()
    measured = meter(supply)
    read, current = measured.volts("v"), measured.amps("i")
    truth = part.channel(1)
    channel.off()
    assert abs(read.value - truth["volts"]) <= read.expanded
    assert abs(current.value - truth["amps"]) <= current.expanded
    assert abs(truth["volts"] - volts) <= measured.set_point_uncertainty(volts)
    assert 0.0115 < read.expanded < 0.020
    assert len(read.raw) == 4
    assert read.span_ns > 0


def test_what_drops_along_the_leads_does_not_reach_the_pin(supply: PowerSupply, part: Part) -> None:
    channel = supply.channel(1)
    part.control({"load": {"1": {"ohms": 10.0}}})
    channel.protect()
    channel.apply(2.0, 0.4)
    channel.on()
    plain = meter(supply).volts("v")
    known = meter(supply, lead_resistance="500 mohm", lead_tolerance="10 %").volts("v")
    channel.off()
    assert plain.value - known.value == pytest.approx(0.1, abs=0.01)
    assert known.expanded == pytest.approx(
        math.hypot(plain.expanded, 2 * 0.01 / math.sqrt(3)), rel=0.1
    )


def test_a_resistor_in_the_lead_drops_as_well_and_its_current_is_not_known_better_than_read(
    supply: PowerSupply, part: Part
) -> None:
    channel = supply.channel(1)
    part.control({"load": {"1": {"ohms": 10.0}}})
    channel.protect()
    channel.apply(2.0, 0.4)
    channel.on()
    plain = meter(supply).volts("v")
    behind = meter(supply, series_resistance="2 ohm").volts("v")
    channel.off()
    assert plain.value - behind.value == pytest.approx(0.4, abs=0.02)
    of_tolerance, of_amps = 0.4 * 0.01, 2 * (0.0015 * 0.2 + 0.005)
    assert behind.expanded == pytest.approx(
        2 * math.hypot(plain.expanded / 2, of_tolerance / math.sqrt(3), of_amps / math.sqrt(3)),
        rel=0.1,
    )
    shares = {one.name: one.standard for one in behind.budget}
    assert shares["drop at the series resistor"] == pytest.approx(of_tolerance / 3**0.5, rel=0.1)
    assert shares["current of the drop"] == pytest.approx(of_amps / 3**0.5, rel=0.1)


def test_a_certificate_adds_its_own_uncertainty(supply: PowerSupply) -> None:
    stated = Calibration("C", None, volts=0.050, amps=0.0)
    assert meter(supply, stated).set_point_uncertainty(1.8) == pytest.approx(
        math.hypot(meter(supply).set_point_uncertainty(1.8), 0.050)
    )
    assert meter(supply).set_point_uncertainty(0.1, "amps") == pytest.approx(0.0118, abs=0.0005)


def test_no_reading_is_no_measurement(supply: PowerSupply) -> None:
    with pytest.raises(UsageError, match="one reading or more"):
        meter(supply).volts("v", readings=0)
