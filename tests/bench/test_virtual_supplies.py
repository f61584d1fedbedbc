"""A bench file names its virtual supply, and our own driver drives each of them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from hil.bench.bench import Bench
from hil.bench.config import VirtualSupply
from hil.bench.lab import load_lab
from hil.virtual.power_supply.models import MODELS, Way

FILE = """
schema: 1
power_supply:
  model: {model}
  virtual: {{{virtual}}}
  channels:
    jig:
      channel: 1
      max_voltage: 4 V
      max_current: 500 mA
      ovp: 5 V
      ocp: 600 mA
      lead_resistance: 2 ohm
"""
WAYS = [
    ("DP832", "", "SOCKET", "RIGOL TECHNOLOGIES,DP832,DP8C000000001,"),
    ("auto", "serial: DP8C7", "SOCKET", "RIGOL TECHNOLOGIES,DP832,DP8C7,"),
    ("E36312A", "", "SOCKET", "Keysight Technologies,E36312A,MY00000001,"),
    ("auto", "model: E36312A, way: hislip", "hislip0,", "Keysight Technologies,E36312A,"),
    ("KA3005P", "", "ASRL/dev/pts/", "KORADKA3005PV2.0"),
]


@pytest.mark.parametrize(
    ("model", "virtual", "resource", "identity"), WAYS, ids=[f"{w[0]} {w[1]}" for w in WAYS]
)
def test_each_supply_by_each_way(  # noqa: PLR0917
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    virtual: str,
    resource: str,
    identity: str,
) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    path = tmp_path / "one.yaml"
    path.write_text(FILE.format(model=model, virtual=virtual))
    with Bench(load_lab(str(path)), tmp_path / "run") as bench:
        supply = bench.power_supply
        assert resource in bench.launcher.power_supply()
        assert supply.identity.raw.startswith(identity)
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        assert channel.on().volts == pytest.approx(3.3, abs=0.06)


def test_the_bench_file_knows_every_virtual_model_and_way() -> None:
    fields = VirtualSupply.model_fields
    models = {name for choice in get_args(fields["model"].annotation) for name in get_args(choice)}
    ways = {name for choice in get_args(fields["way"].annotation) for name in get_args(choice)}
    assert models == set(MODELS)
    assert ways == {way.value for way in Way}


STATED = """  accuracy:
    source: "certificate CAL-7, p. 2"
    set_volts: {relative: 0.1 %, offset: 7 mV}
    set_amps: {relative: 0.2 %, offset: 8 mA}
    read_volts: {relative: 0.03 %, offset: 4 mV}
    read_amps: {relative: 0.3 %, offset: 2 mA}
"""


def test_what_the_lab_states_of_its_accuracy_takes_the_place_of_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    path = tmp_path / "one.yaml"
    path.write_text(FILE.format(model="E36312A", virtual="") + STATED)
    with Bench(load_lab(str(path)), tmp_path / "run") as bench:
        meter = bench.meter("jig")
        off_by = bench.power_supply.channel(1).accuracy
        assert (meter.instrument.accuracy, meter.instrument.assumed) == (off_by.source, False)
        assert off_by.source == "certificate CAL-7, p. 2"
        assert off_by.read_volts.at(2.0) == pytest.approx(0.0046)
        assert off_by.set_amps.at(0.0) == pytest.approx(0.008)
        assert off_by.volts_step > 0, "the resolution stays the model's"
    path.write_text(FILE.format(model="E36312A", virtual=""))
    with Bench(load_lab(str(path)), tmp_path / "run") as bench:
        assert bench.meter("jig").instrument.assumed
