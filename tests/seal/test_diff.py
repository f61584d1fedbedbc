"""What changed between two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.evidence.run_record import read_run
from hil.seal.diff import RunDiff, diff_runs
from hil.seal.diff_text import lines_of
from hil.seal.diff_values import Change, en_number
from tests.seal.runs import BEGIN, MEASUREMENT, SMALL, SUPPLY, write_run


def _diff(tmp_path: Path) -> RunDiff:
    before = write_run(tmp_path / "a", {"a": "PASS", "b": "PASS", "c": "FAIL", "gone": "PASS"})
    calibration = {"certificate": "C-2", "due": "2028-01-31", "state": "in calibration"}
    after = write_run(
        tmp_path / "b",
        {"a": "PASS", "b": "FAIL", "c": "PASS", "new": "PASS"},
        begin={
            **BEGIN,
            "run": "later",
            "hil": "0.2.0",
            "packages": {"pytest": "9.0.0", "allure-pytest": "2.15"},
            "lab_config": {"path": "lab-config/virtual.yaml", "sha256": "cd" * 32},
        },
        supply={**SUPPLY, "firmware": "00.01.16", "calibration": calibration},
        measurement={**MEASUREMENT, "value": 1.81, "expanded_uncertainty": 0.004},
        seconds=2.0,
    )
    return diff_runs(read_run(before), read_run(after))


def test_everything_that_changed_is_said(tmp_path: Path) -> None:
    diff = _diff(tmp_path)
    assert [(one.test, one.before, one.after, one.worse) for one in diff.verdicts] == [
        ("b", "PASS", "FAIL", True),
        ("c", "FAIL", "PASS", False),
    ]
    assert (diff.added, diff.removed) == (("new",), ("gone",))
    assert [one.test for one in diff.measurements] == ["a", "b", "c"]
    assert diff.measurements[0].en == pytest.approx(2.0)
    assert diff.measurements[0].exceeds
    assert diff.equipment == (Change("power supply.firmware", "00.01.14", "00.01.16"),)
    assert [one.name for one in diff.calibration] == [
        "power supply.calibration.certificate",
        "power supply.calibration.due",
    ]
    assert Change("hil", "0.1.0", "0.2.0") in diff.versions
    assert Change("packages.allure-pytest", None, "2.15") in diff.versions
    assert diff.settings == (Change("lab_config.sha256", "ab" * 32, "cd" * 32),)
    assert [one.test for one in diff.durations] == ["a", "b", "c"]
    assert diff.worse


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("PASS", "NOT APPLICABLE"),
        ("NOT APPLICABLE", "INCONCLUSIVE"),
        ("INCONCLUSIVE", "NOT RUN"),
        ("NOT RUN", "ERROR"),
        ("ERROR", "FAIL"),
    ],
)
def test_which_verdict_is_the_worse(tmp_path: Path, better: str, worse: str) -> None:
    one, other = (read_run(write_run(tmp_path / name, {"a": name})) for name in (better, worse))
    assert diff_runs(one, other).worse
    assert not diff_runs(other, one).worse


def test_it_reads_well(tmp_path: Path) -> None:
    diff = _diff(tmp_path)
    lines = "\n".join(lines_of(diff))
    assert "PASS → FAIL  WORSE  b" in lines
    said = "jig voltage 1.8 ± 0.003 → 1.81 ± 0.004 V (MORE than the uncertainties allow, E_n 2.00)"
    assert said in lines
    assert "packages.allure-pytest: not stated → 2.15" in lines
    assert json.loads(json.dumps(diff.to_json()))["measurements"][0]["en"] == pytest.approx(2.0)


def test_the_same_run_is_the_same(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path / "a", SMALL))
    diff = diff_runs(run, run)
    assert not diff.worse
    assert len(list(lines_of(diff))) == 2


@pytest.mark.parametrize(
    ("changed", "en"),
    [
        ({"value": 1.8}, "same"),
        ({"value": 1.803, "expanded_uncertainty": 0.004}, 0.6),
        ({"value": 1.81, "expanded_uncertainty": None}, None),
        ({"value": 1.81, "unit": "mV"}, None),
        ({"value": 1.8, "unit": "mV"}, None),
        ({"value": "open"}, None),
        ({"value": True}, None),
        ({"value": 0, "expanded_uncertainty": 0.003}, 424.2640687),
    ],
)
def test_measured_values(
    tmp_path: Path, changed: dict[str, object], en: float | str | None
) -> None:
    before = read_run(write_run(tmp_path / "a", {"a": "PASS"}))
    other = {**MEASUREMENT, **changed}
    after = read_run(write_run(tmp_path / "b", {"a": "PASS"}, measurement=other))
    found = diff_runs(before, after).measurements
    if en == "same":
        assert found == ()
        return
    (one,) = found
    assert one.en == (None if en is None else pytest.approx(en))
    assert "\n".join(lines_of(diff_runs(before, after)))


JUDGED = {
    **MEASUREMENT,
    "coverage_factor": 2.0,
    "limits": {"low": 1.71, "high": 1.89},
    "decision_rule": "guarded",
    "guard_band": 0.003,
    "verdict": "PASS",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"expanded_uncertainty": 0.03}, "1.8 ± 0.003 → 1.8 ± 0.03 V (within the uncertainties"),
        ({"expanded_uncertainty": None}, "1.8 ± 0.003 → 1.8 V (cannot be compared)"),
        ({"coverage_factor": 3.0}, "; coverage_factor: 2.0 → 3.0)"),
        ({"limits": {"low": 1.71, "high": 5.0}}, "; limits.high: 1.89 → 5.0)"),
        ({"limits": "1.71 to 1.89 V"}, "→ 1.71 to 1.89 V)"),
        ({"decision_rule": "simple"}, "; decision_rule: guarded → simple)"),
        ({"guard_band": 0}, "; guard_band: 0.003 → 0)"),
        ({"verdict": "FAIL"}, "; verdict: PASS → FAIL)"),
    ],
)
def test_an_equal_value_that_was_judged_otherwise_is_said(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    before = read_run(write_run(tmp_path / "a", {"a": "PASS"}, measurement=JUDGED))
    other = {**JUDGED, **changed}
    after = read_run(write_run(tmp_path / "b", {"a": "PASS"}, measurement=other))
    diff = diff_runs(before, after)
    assert len(diff.measurements) == 1
    assert said in "\n".join(lines_of(diff))
    assert not diff.worse
    assert json.loads(json.dumps(diff.to_json()))["measurements"][0]["test"] == "a"


FINITE = st.floats(-1e6, 1e6)
SPREAD = st.floats(0, 1e6)


@given(FINITE, SPREAD, FINITE, SPREAD)
def test_en_is_symmetric_and_not_negative(a: float, ua: float, b: float, ub: float) -> None:
    assert en_number(a, ua, b, ub) == en_number(b, ub, a, ua) >= 0
    assert (en_number(a, ua, b, ub) == 0) == (a == b)
