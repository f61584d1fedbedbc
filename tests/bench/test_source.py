"""What a loaded pin is expected to carry, against figures worked by hand for a DP832."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil.bench.config import ChannelSection
from hil.bench.jig_file import JigFile
from hil.bench.meter import Meter
from hil.bench.source import SourceAtPin
from hil.equipment.power_supply import Channel
from hil.equipment.power_supply.models import dialect_of
from hil.errors import Inconclusive, UsageError
from hil.metrology import Instrument

JIG = {
    "schema": 1,
    "nominal_voltage": "1.8 V",
    "compliance_current": "90 mA",
    "test_load": "62 ohm",
}
CHANNEL = {
    "channel": 1,
    "max_voltage": "5 V",
    "max_current": "100 mA",
    "ovp": "6 V",
    "ocp": "150 mA",
}
EDGE = 1.71


def uncertain_amps(amps: float) -> float:
    """U of a DP832's current limit: 0.2 % + 10 mA, in steps of 1 mA."""
    return 2 * math.hypot((0.002 * amps + 0.010) / math.sqrt(3), 0.001 / math.sqrt(12))


def at_pin(jig: dict[str, Any] | None = None, model: str = "DP832", **channel: str) -> SourceAtPin:
    stub = cast("Channel", SimpleNamespace(accuracy=dialect_of(model).accuracy_of(1)))
    section = ChannelSection.model_validate(CHANNEL | channel)
    spec = JigFile.model_validate(JIG | (jig or {}))
    return SourceAtPin(spec, Meter(stub, section, Instrument(model)))


def test_without_anything_in_the_lead_the_pin_carries_what_is_set() -> None:
    source = at_pin().by_leads()
    assert (source.ohms, source.amps, source.loaded.value) == (0.0, 0.09, 1.8)
    assert source.loaded.expanded == pytest.approx(0.0241, abs=0.0001)  # programming alone


def test_leads_and_resistor_divide_with_the_load() -> None:
    source = at_pin(lead_resistance="1 ohm", series_resistance="99 ohm").by_leads()
    assert source.ohms == 100.0
    assert source.impedance.expanded == pytest.approx(2 * math.hypot(0.2, 0.99) / math.sqrt(3))
    assert str(source.impedance.instrument) == "bench file"
    assert source.loaded.value == pytest.approx(1.8 * 62 / 162)
    # By ohm of the lead 4.252 mV; 20 % of 1 ohm, 1 % of 99 ohm, and 1 % of the load of 62 ohm.
    by_hand = (0.38272 * 0.0241 / 2, *(mv * 1e-3 / math.sqrt(3) for mv in (0.850, 4.210, 4.252)))
    assert source.loaded.expanded == pytest.approx(2 * math.hypot(*by_hand), rel=0.01)
    assert source.loaded.high < EDGE


def test_a_limit_is_an_impedance_into_one_known_load() -> None:
    source = at_pin().by_limit(0.015)
    # 1.8 V are set to 24.1 mV / 2; of the limit and the load the rest comes.
    parts = (0.0241 / 2 / 0.015, 120 / 0.015 * uncertain_amps(0.015) / 2, 62 * 0.01 / math.sqrt(3))
    assert source.impedance.expanded == pytest.approx(2 * math.hypot(*parts), rel=0.01)
    assert str(source.impedance.instrument) == "DP832"
    assert source.ohms == pytest.approx(58.0)
    # 0.93 V in the end; after 60 ms, 0.8065 time constants of 62 ohm and 1.2 mF, 44.64 % are left
    # of the 0.87 V above that.
    assert source.loaded.value == pytest.approx(0.93 + 0.87 * 0.44644, abs=1e-4)
    # 0.2 % + 10 mA and the step of 1 mA at 62 ohm; the set voltage of the charge; 1 % of the load.
    by_hand = (
        0.55356 * 62 * math.hypot(0.01003 / math.sqrt(3), 0.001 / math.sqrt(12)),
        0.44644 * 0.0241 / 2,
        0.01 * (0.93 * 0.55356 + 0.87 * 0.44644 * 0.80645) / math.sqrt(3),
    )
    assert source.loaded.expanded == pytest.approx(2 * math.hypot(*by_hand), rel=0.002)


def test_a_long_test_load_leaves_nothing_of_the_charge() -> None:
    source = at_pin({"test_load_time": "2 s"}).by_limit(0.015)
    assert source.loaded.value == pytest.approx(0.93)
    assert at_pin({"test_load_time": "10 ms"}).by_limit(0.015).loaded.value > 1.6


def test_a_limit_that_does_not_limit_gives_no_more_than_is_set() -> None:
    assert at_pin().by_limit(0.09).loaded.value == pytest.approx(1.8)


@pytest.mark.parametrize("model", ["DP832", "E36312A", "KA3005P"])
@pytest.mark.parametrize("volts", [1.6, EDGE])
def test_just_below_is_the_strongest_that_is_below(model: str, volts: float) -> None:
    source = at_pin(model=model)
    found = source.just_below(volts)
    step = dialect_of(model).accuracy_of(1).amps_step
    assert found.loaded.high <= volts or found.amps == pytest.approx(step)
    assert source.by_limit(found.amps + 2 * step).loaded.high > volts


def test_a_limit_that_may_act_on_the_genuine_jig_tells_nothing_of_its_leads() -> None:
    with pytest.raises(Inconclusive, match=r"draws 29\.0 mA.*compliance_current"):
        at_pin({"compliance_current": "35 mA"}).by_leads()


def test_a_jig_file_without_a_test_load_has_no_such_source() -> None:
    with pytest.raises(UsageError, match="test_load"):
        at_pin({"test_load": None})
