"""docs/power-supply-models.md: its table is whole, its row speaks, its bench file loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hil.bench.banner import planned
from hil.bench.lab import load_lab
from hil.equipment.power_supply import CableLimits, PowerSupply, models
from hil.equipment.power_supply.dialect import Dialect
from hil.equipment.power_supply.models import ENTRY_POINTS, all_models
from hil.equipment.power_supply.protecting import check_limits
from tests.docs.pages import ROOT, blocks, table, words
from tests.power_supply.conversations.scripted import (
    Line,
    Scripted,
    does,
    joined,
    output_volts,
    says,
    sets,
    tells,
)

PAGE = "docs/power-supply-models.md"
BLOCKS = {block.language: block.text for block in blocks(ROOT / "docs" / "power-supply-models.md")}


def example_rows() -> tuple[Dialect, ...]:
    names: dict[str, object] = {}
    exec(compile(BLOCKS["python"], PAGE, "exec"), names)  # noqa: S102 - our own page
    rows = names["MODELS"]
    assert isinstance(rows, tuple)
    return rows


def test_the_table_names_every_model() -> None:
    told = [name for row in table(PAGE, "family") for name in words(row[1])]
    assert sorted(told) == sorted(row.model for row in all_models())


def test_it_names_the_models_whose_accuracy_is_sourced() -> None:
    _, _, told = (ROOT / PAGE).read_text(encoding="utf-8").partition("Sourced are those of")
    named = words(told.partition(";")[0])
    sourced = [
        row.model
        for row in all_models()
        if not any(row.accuracy_of(number).assumed for number in row.channels)
    ]
    assert sorted(named) == sorted(sourced)


def test_the_bench_file_loads_and_shows_its_waivers(tmp_path: Path) -> None:
    path = tmp_path / "waived.yaml"
    path.write_text("schema: 1\n" + BLOCKS["yaml"])
    lab = load_lab(str(path))
    banner = " ".join(planned(lab))
    assert "jig WITHOUT OVP: crowbar of 2.4 V on the fixture" in banner
    assert "jig WITHOUT OCP: fuse of 80 mA in the jig's cable" in banner


def test_the_entry_point_is_ours() -> None:
    project = tomllib.loads(BLOCKS["toml"])["project"]
    assert project["entry-points"][ENTRY_POINTS] == {"acme": "acme_supplies:MODELS"}


def test_the_example_row_speaks_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = example_rows()
    resting = [
        does("OUTP OFF"),
        says("OUTP?", "0"),
        says("MEAS:VOLT?", "0.000"),
        says("MEAS:CURR?", "0.000"),
    ]
    instrument = Scripted(
        [
            says("*IDN?", "ACME,ACME-2,1,1.0"),
            does("*CLS"),
            says("SYST:ERR?", '0,"No error"'),
            *joined(
                "INST:NSEL 1",
                sets("VOLT <x>", "volts"),
                tells("VOLT?", "volts", "{:.3f}"),
                sets("CURR <x>", "amps"),
                tells("CURR?", "amps", "{:.3f}"),
                does("OUTP ON", on=True),
                does("OUTP OFF", on=False),
                tells("OUTP?", lambda state: int(state["on"])),
                tells("MEAS:VOLT?", output_volts, "{:.3f}"),
                says("MEAS:CURR?", "0.001"),
                sets("VOLT:PROT <x>", "ovp"),
                tells("VOLT:PROT?", "ovp", "{:.3f}"),
                says("VOLT:PROT:TRIP?", "0"),
            ),
            *joined("INST:NSEL 2", *resting),
        ],
        {"on": True, "volts": 5.0, "amps": 1.0, "ovp": 22.0},
    )
    cable = CableLimits(5, 1, 5.5, None, without_ocp="fuse on the fixture")
    check_limits(row, 1, cable)
    monkeypatch.setattr(models, "_theirs", lambda: (row,))
    line = Line(instrument, serial=False)
    try:
        supply = PowerSupply.open(line.resource, limits={1: cable}, timeout_s=1.0)
        assert supply.model == "ACME-2"
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        assert channel.on().volts == 3.3
        assert channel.off().proven
        supply.close()
    finally:
        line.close()
    assert instrument.strangers == []
    assert re.fullmatch(r"ACME-\d", supply.identity.model)
