"""Every example of docs/uncertainty.md, run; its tables against the code."""

from __future__ import annotations

import ast
from typing import Any

import pytest
import yaml

from hil.bench.config import MultimeterSection, SupplyAccuracySection
from hil.equipment.power_supply.models import dialect_of
from hil.metrology import Rule
from tests.docs.pages import ROOT, blocks, table, words
from tests.docs.test_lab_guide import documented

PAGE = ROOT / "docs" / "uncertainty.md"


def test_its_examples_are_true() -> None:
    examples = [block for block in blocks(PAGE) if block.language == "python"]
    shared: dict[str, object] = {}
    ran = 0
    for block in examples:
        functions = [n for n in ast.parse(block.text).body if isinstance(n, ast.FunctionDef)]
        exec(compile(block.text, "docs/uncertainty.md", "exec"), shared)  # noqa: S102
        ran += not functions
    assert ran == 3


def test_the_test_in_it_judges_a_measured_value() -> None:
    shared: dict[str, object] = {}
    for block in blocks(PAGE):
        if block.language != "python":
            continue
        exec(compile(block.text, "docs/uncertainty.md", "exec"), shared)  # noqa: S102
    calls: list[tuple[object, dict[str, float]]] = []

    class Jig:
        def attach(self) -> None:
            calls.append(("attached", {}))

    class Meter:
        def volts(self, name: str) -> str:
            return name

    def judge(measured: object, **limits: float) -> None:
        calls.append((measured, limits))

    test = shared["test_the_jig_holds_its_voltage"]
    assert callable(test)
    test(Jig(), Meter(), judge)
    assert calls == [("attached", {}), ("jig voltage", {"low": 1.71, "high": 1.89})]


def stated(part: str) -> dict[str, Any]:
    """Return what the page's bench file of a part says of it."""
    files = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml"]
    (found,) = (file[part] for file in files if part in file)
    return dict(found)


def test_its_accuracy_loads() -> None:
    section = SupplyAccuracySection.model_validate(stated("power_supply")["accuracy"])
    assert section.read_volts.offset == pytest.approx(0.020)
    assert section.read_amps.relative == pytest.approx(0.001)
    assert dialect_of(stated("power_supply")["model"]).accuracy.assumed


def test_its_multimeter_loads() -> None:
    read = stated("multimeter")
    read["calibration"]["due"] = str(read["calibration"]["due"])
    section = MultimeterSection.model_validate(read)
    assert section.accuracy.relative == pytest.approx(35e-6)
    assert section.calibration is not None


def test_rules_and_keys_stand_there() -> None:
    rows = table("docs/uncertainty.md", "`decision_rule`")
    assert {words(row[0])[0] for row in rows} == {rule.value for rule in Rule}
    text = PAGE.read_text(encoding="utf-8")
    for name in documented("key of `"):
        key = name.rpartition(".")[2]
        if key.startswith(("lead_", "series_")):
            assert key in text
