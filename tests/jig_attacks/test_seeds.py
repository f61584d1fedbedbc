"""A seed of the runs with twenty of them reaches what it is to draw."""

from __future__ import annotations

from pathlib import Path

from hil.bench.lab import load_lab
from hil.bench.part_files import device_config
from tests.jig_attacks.__main__ import RUN
from tests.jig_attacks.pin_bench import CASES, pin_bench


def test_a_seed_draws_the_supply_and_the_converter(tmp_path: Path) -> None:
    lab = load_lab(str(pin_bench(tmp_path / "lab", {"seed": 7}, {"seed": 8})))
    assert device_config(lab)["jig"]["seed"] == 7
    supply = lab.file.power_supply
    assert supply is not None
    assert supply.virtual is not None
    assert supply.virtual.seed == 8


def test_what_it_runs_is_there() -> None:
    assert all((CASES / one).exists() for one in RUN)
