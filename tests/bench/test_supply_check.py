"""What the doctor says of a supply besides who it is: limits, errors, panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil.bench.doctor import Check, examine
from tests.power_supply.conversations.scripted import Line, Manual, says
from tests.power_supply.conversations.test_aim_tti import QL355TP
from tests.power_supply.conversations.test_korad_ka3005p import KA3005P
from tests.power_supply.part import SERIAL, Part, start_part

HEAD = """
schema: 1
power_supply:
  visa: {0}
  timeout: 500 ms
  model: {1}
  channels:
    jig: {{channel: 1, max_voltage: {2}, max_current: 20 mA, ovp: {2}, ocp: 30 mA}}
"""


@pytest.fixture(scope="module")
def part() -> Iterator[Part]:
    with start_part() as part:
        yield part


def checks(
    tmp_path: Path, resource: str, model: str = "auto", volts: str = "3 V"
) -> dict[str, Check]:
    path = tmp_path / "one.yaml"
    path.write_text(HEAD.format(resource, model, volts))
    return {check.name: check for check in examine(str(path))}


def of_scripted(tmp_path: Path, manual: Manual, model: str = "auto") -> dict[str, Check]:
    line = Line(manual.instrument(), serial=manual.serial)
    try:
        found = checks(tmp_path, line.resource, model)
    finally:
        line.close()
    assert line.instrument.strangers == []
    assert line.instrument.state["on"], "outputs are left as they are"
    return found


def test_all_is_well(tmp_path: Path, part: Part) -> None:
    part.well()
    found = checks(tmp_path, part.resource)
    assert SERIAL in found["power supply"].detail
    assert found["supply limits"].detail == "all within what a DP832 gives"
    assert found["supply errors"].detail == "none queued"
    assert found["supply panel"].detail == "can be locked"
    assert "supply accuracy" not in found


def test_an_accuracy_that_nobody_states_is_told(tmp_path: Path) -> None:
    check = of_scripted(tmp_path, QL355TP)["supply accuracy"]
    assert (check.state, check.ok) == ("wrong", True)
    assert "assumed: no page seen" in check.detail
    assert "power_supply.accuracy" in check.mend


def test_queued_errors_are_told_and_gone(tmp_path: Path, part: Part) -> None:
    part.well()
    part.control({"error": -222})
    check = checks(tmp_path, part.resource)["supply errors"]
    assert (check.state, check.ok) == ("wrong", True)
    assert "-222 Data out of range" in check.detail
    assert checks(tmp_path, part.resource)["supply errors"].state == "found"


def test_limits_beyond_the_model_that_answers(tmp_path: Path, part: Part) -> None:
    part.well()
    check = checks(tmp_path, part.resource, volts="40 V")["supply limits"]
    assert (check.state, check.ok) == ("wrong", False)
    assert "goes up to 32" in check.detail


@pytest.mark.parametrize(
    ("model", "says_"), [("DP831", "not a DP831"), ("XY1", "no power supply model 'XY1'")]
)
def test_another_model(tmp_path: Path, part: Part, model: str, says_: str) -> None:
    part.well()
    check = checks(tmp_path, part.resource, model)["power supply"]
    assert (check.state, says_ in check.detail) == ("wrong", True)


def test_a_panel_that_another_interface_has(tmp_path: Path) -> None:
    assert of_scripted(tmp_path, QL355TP)["supply panel"].state == "found"
    taken = replace(QL355TP, phrases=[says("IFLOCK?", "-1"), *QL355TP.phrases])
    check = of_scripted(tmp_path, taken)["supply panel"]
    assert (check.state, check.ok) == ("busy", False)
    assert "another interface" in check.detail


def test_a_model_without_error_queue_and_lock(tmp_path: Path) -> None:
    found = of_scripted(tmp_path, KA3005P, "KA3005P")
    assert found["supply errors"].detail == "a KA3005P has no error queue"
    assert "keep hands off" in found["supply panel"].detail


def test_outputs_that_go_together(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    cable = "max_voltage: 3 V, max_current: 20 mA, without_ovp: low limits, without_ocp: low limits"
    path.write_text(
        "schema: 1\npower_supply:\n  model: E3631A\n  virtual: {}\n  channels:\n"
        f"    jig: {{channel: 1, {cable}}}\n    neighbour: {{channel: 2, {cable}}}\n"
    )
    found = [check for check in examine(str(path)) if check.name == "supply limits"]
    assert [check.state for check in found] == ["wrong"]
    assert "go on and off together" in found[0].detail
