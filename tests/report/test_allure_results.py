"""Allure's results say what the journal says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.evidence.run_record import RunRecord, read_run
from hil.report.allure_results import complete
from hil.report.html import anchor

NAMES = ("a/test_b.py::test_pass", "a/test_b.py::test_killed", "a/test_b.py::test_never")


@pytest.fixture
def run(tmp_path: Path) -> RunRecord:
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r1", "bench": "virtual"})
    for name in NAMES:
        body: dict[str, object] = {"title": name[-6:], "file": "a/test_b.py"}
        body["requirements"] = ["R-01"]
        journal.write("test-registered", body, test=name)
    journal.write("test-begin", {"attempt": 1}, test=NAMES[0])
    ended = {"verdict": "FAIL", "fail_seen": True, "reason": "too high"}
    journal.write("test-end", ended, test=NAMES[0])
    journal.write("test-begin", {"attempt": 1}, test=NAMES[1])
    journal.write("step-begin", {"step": 1, "title": "a step"}, test=NAMES[1])
    kept = store(tmp_path, b"a log", "text")
    stored = {"file": kept.file, "sha256": kept.sha256, "size": kept.size}
    journal.write("attachment", {"name": "log", "kind": "text", **stored}, test=NAMES[1])
    journal.close("broken off")
    return read_run(tmp_path)


def _write(results: Path, name: str, status: str, **more: object) -> Path:
    results.mkdir(exist_ok=True)
    path = results / f"{name}-result.json"
    labels = [{"name": "node", "value": NAMES[0]}, {"name": "verdict", "value": "PASS"}]
    path.write_text(
        json.dumps({"uuid": name, "name": "n", "status": status, "labels": labels, **more})
    )
    return path


def _results(folder: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in folder.glob("*-result.json"):
        result = json.loads(path.read_text())
        node = next(one["value"] for one in result["labels"] if one["name"] == "node")
        assert node not in found, "one result a test"
        found[node] = result
    return found


def _label(result: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in result["labels"] if one["name"] == name]


def test_every_registered_test_has_one_result_with_its_verdict(
    run: RunRecord, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    _write(results, "u1", "passed")
    assert complete(run, results, traces={}) == []
    found = _results(results)
    assert {name: result["status"] for name, result in found.items()} == {
        NAMES[0]: "failed",
        NAMES[1]: "broken",
        NAMES[2]: "unknown",
    }
    assert [_label(found[name], "verdict") for name in NAMES] == [
        ["FAIL"],
        ["INCONCLUSIVE"],
        ["NOT RUN"],
    ]
    assert found[NAMES[0]]["statusDetails"]["message"] == "FAIL: too high"
    assert "never began" in found[NAMES[2]]["statusDetails"]["message"]
    killed = found[NAMES[1]]
    assert [step["name"] for step in killed["steps"]] == ["a step"]
    (log,) = killed["attachments"]
    assert (results / log["source"]).read_bytes() == b"a log"
    assert {"name": "bench", "value": "'virtual'"} in killed["parameters"]
    page, matrix = (link["url"] for link in killed["links"])
    assert page == f"../evidence/run.html#{anchor('test', NAMES[1])}"
    assert matrix == "../evidence/matrix.html#req-R-01"


def test_traces_and_waivers_are_shown_and_doing_it_again_changes_nothing(
    run: RunRecord, tmp_path: Path
) -> None:
    results, trace = tmp_path / "results", tmp_path / "transcript.txt"
    trace.write_text("SELECT MF")
    _write(results, "u1", "failed", statusDetails={"message": "AssertionError: 1 == 2"})
    told = {"traces": {NAMES[0]: (trace,)}, "waived": lambda _test: "known until 2027 (j.doe)"}
    complete(run, results, **told)  # type: ignore[arg-type]
    once = {path.name: path.read_bytes() for path in results.iterdir()}
    complete(run, results, **told)  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in results.iterdir()} == once
    result = _results(results)[NAMES[0]]
    assert result["statusDetails"]["message"] == "AssertionError: 1 == 2"
    assert _label(result, "waiver") == ["known until 2027 (j.doe)"]
    assert (results / result["attachments"][0]["source"]).read_text() == "SELECT MF"


def test_rows_that_read_alike_stay_two(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r1"})
    results, names = tmp_path / "results", [f"a/test_b.py::test_row[{one}]" for one in "xy"]
    results.mkdir()
    for name in names:
        journal.write("test-registered", {"title": "row", "file": "a/test_b.py"}, test=name)
        result = {
            "uuid": name[-2],
            "fullName": "a.test_b#test_row",
            "labels": [{"name": "node", "value": name}],
            "parameters": [{"name": "data", "value": "<class 'bytes'>"}],
        }
        (results / f"{name[-2]}-result.json").write_text(json.dumps(result))
    journal.close("0")
    for _ in range(2):
        complete(read_run(tmp_path), results, traces={})
        rows = [result["parameters"][-1] for result in _results(results).values()]
        assert sorted(row["value"] for row in rows) == ["x", "y"]
        assert all(len(result["parameters"]) == 2 for result in _results(results).values())


def test_foreign_results_are_set_aside(run: RunRecord, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "x-result.json").write_text("not json")
    labels = [{"name": "node", "value": "another.py::test"}]
    (results / "y-result.json").write_text(json.dumps({"labels": labels, "status": "passed"}))
    said = complete(run, results, traces={})
    assert len(said) == 2
    assert (results / "y-result.json.foreign").exists()
    assert set(_results(results)) == set(NAMES)
