"""A judged value is recorded with what stands behind it, and its verdict is never too bold."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hil.bench.judge import Judge
from hil.errors import Inconclusive
from hil.metrology import Budget, Calibration, Contribution, Instrument, Measured, Rule

TODAY = datetime.date(2026, 11, 25)
GOOD = Calibration("CAL-1", datetime.date(2027, 1, 1))
OLD = Calibration("CAL-0", datetime.date(2026, 11, 24))


class Notes:
    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def __call__(self, name: str, value: float, unit: str, **details: str | float) -> None:
        self.taken.append({"name": name, "value": value, "unit": unit, **details})


def judge_by(rule: Rule, *, strict: bool = False) -> tuple[Judge, Notes]:
    notes = Notes()
    return Judge(rule, notes, strict=strict, today=lambda: TODAY), notes


def volts(value: float, calibration: Calibration = GOOD, *, assumed: bool = False) -> Measured:
    budget = Budget((Contribution("all", 0.01),))
    source = "assumed: no page seen" if assumed else "data sheet p. 3"
    dmm = Instrument("DMM", "7", "1.0", calibration, source, assumed)
    return Measured("v", value, "V", budget, dmm, ("1.8",))


def test_a_pass_is_recorded_with_rule_limits_and_instrument() -> None:
    judge, notes = judge_by(Rule.GUARDED)
    assert judge(volts(1.8), low=1.7, high=1.9).outcome == "PASS"
    (note,) = notes.taken
    assert note["verdict"] == "PASS"
    assert note["expanded_uncertainty"] == pytest.approx(0.02)
    assert note["limits"] == "1.7 to 1.9 V"
    assert (note["low"], note["high"]) == (1.7, 1.9)
    assert note["instrument"] == "DMM 7"
    assert note["calibration"] == "CAL-1 due 2027-01-01"
    assert "U = 0.02 V" in note["budget"]
    assert note["raw"] == "1.8"


def test_a_limit_of_nought_is_recorded_and_one_that_is_not_there_is_not() -> None:
    judge, notes = judge_by(Rule.SIMPLE)
    judge(volts(1.8), low=0.0)
    assert notes.taken[0]["low"] == 0.0
    assert "high" not in notes.taken[0]


def test_a_fail_is_an_assertion_and_recorded_before() -> None:
    judge, notes = judge_by(Rule.GUARDED)
    with pytest.raises(AssertionError, match=r"FAIL: v 1\.950 V"):
        judge(volts(1.95), high=1.9)
    assert notes.taken[0]["verdict"] == "FAIL"


def test_within_the_guard_band_nothing_is_stated() -> None:
    judge, notes = judge_by(Rule.GUARDED)
    with pytest.raises(Inconclusive, match="better instrument"):
        judge(volts(1.895), high=1.9)
    assert notes.taken[0]["verdict"] == "INCONCLUSIVE"
    assert judge(volts(1.895), high=1.9, rule=Rule.SIMPLE).outcome == "PASS"


@pytest.mark.parametrize("calibration", [OLD, Calibration()], ids=["expired", "missing"])
def test_a_strict_run_has_no_pass_without_calibration(calibration: Calibration) -> None:
    judge, notes = judge_by(Rule.SIMPLE, strict=True)
    with pytest.raises(Inconclusive, match="nothing can be stated"):
        judge(volts(1.8, calibration), high=1.9)
    assert notes.taken[0]["verdict"] == "INCONCLUSIVE"
    with pytest.raises(AssertionError, match="FAIL"):
        judge(volts(1.95, calibration), high=1.9)
    lenient, notes = judge_by(Rule.SIMPLE)
    assert lenient(volts(1.8, calibration), high=1.9).outcome == "PASS"
    assert notes.taken[0]["calibration"] != "CAL-1 due 2027-01-01"


def test_a_strict_run_has_no_pass_by_an_accuracy_that_nobody_states() -> None:
    judge, notes = judge_by(Rule.GUARDED, strict=True)
    with pytest.raises(Inconclusive, match=r"assumed: no page seen.*power_supply\.accuracy"):
        judge(volts(1.8, assumed=True), high=1.9)
    assert notes.taken[0]["verdict"] == "INCONCLUSIVE"
    assert notes.taken[0]["accuracy"] == "assumed: no page seen"
    with pytest.raises(AssertionError, match="FAIL"):
        judge(volts(1.95, assumed=True), high=1.9)
    virtual = volts(1.8, Calibration(virtual=True), assumed=True)
    assert judge(virtual, high=1.9).outcome == "PASS"
    lenient, _ = judge_by(Rule.GUARDED)
    assert lenient(volts(1.8, assumed=True), high=1.9).outcome == "PASS"


def test_a_virtual_instrument_needs_no_certificate() -> None:
    judge, _ = judge_by(Rule.GUARDED, strict=True)
    assert judge(volts(1.8, Calibration(virtual=True)), high=1.9).outcome == "PASS"


def test_a_value_without_limits_is_recorded_all_the_same() -> None:
    judge, notes = judge_by(Rule.GUARDED)
    judge.note(volts(1.8))
    assert notes.taken[0]["expanded_uncertainty"] == pytest.approx(0.02)
    assert "verdict" not in notes.taken[0]
