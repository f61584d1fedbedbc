"""Allure's results say what the journal says."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.evidence.run_record import RunRecord, read_run
from hil.report.allure_results import complete
from hil.report.html import anchor
from hil.report.page import write_page

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


@pytest.mark.parametrize(
    "odd",
    [
        {"uuid": None},
        {"labels": None},
        {"labels": ["node"]},
        {"labels": [{"name": "node"}]},
        {"labels": [{"name": ["node"], "value": 1}]},
        {"parameters": 7},
        {"parameters": [{"name": ["x"], "value": "1"}]},
        {"attachments": [{"name": "x", "source": {}}]},
        {"attachments": ["x"]},
        {"statusDetails": "text"},
    ],
)
def test_results_that_do_not_hold_together_are_set_aside(
    run: RunRecord, tmp_path: Path, odd: dict[str, object]
) -> None:
    results = tmp_path / "results"
    path = _write(results, "u1", "failed", **odd)
    (results / "list-result.json").write_text("[]")
    (results / "deep-result.json").write_text("[" * 100_000)
    assert len(complete(run, results, traces={NAMES[0]: ()})) == 3
    assert path.with_name("u1-result.json.foreign").exists()
    assert set(_results(results)) == set(NAMES)


OUTSIDE = b"the secret of another file"


def _lost(tmp_path: Path, **held: object) -> tuple[RunRecord, Path]:
    """A run whose only test was killed after it attached what is told; beside it OUTSIDE."""
    (tmp_path / "outside.txt").write_bytes(OUTSIDE)
    journal = Journal(tmp_path / "run", "main", {"format": 1, "run": "r1"})
    kept = store(tmp_path / "run", b"a log", "text")
    stored = {"file": kept.file, "sha256": kept.sha256, "size": kept.size, **held}
    journal.write("test-registered", {"title": "killed"}, test="t")
    journal.write("test-begin", {"attempt": 1}, test="t")
    journal.write("attachment", {"name": "log", "kind": "text", **stored}, test="t")
    journal.close("broken off")
    return read_run(tmp_path / "run"), tmp_path / "run" / "allure-results"


@pytest.mark.parametrize(
    "held",
    [
        {"file": "../outside.txt"},
        {"file": "attachments/../../outside.txt"},
        {"file": "/etc/hostname"},
        {"file": "attachments"},
        {"file": "."},
        {"file": "attachments/nobody"},
        {"file": "a\0b"},
        {"file": "attachments/\ud800"},
        {"file": "x" * 5_000},
        {"sha256": "0" * 64},
        {"sha256": "../../../" + "a" * 23},
        {"sha256": ""},
        {"size": 4},
    ],
)
def test_no_file_is_copied_but_what_the_journal_names_in_its_folder(
    tmp_path: Path, held: dict[str, object]
) -> None:
    digest = hashlib.sha256(OUTSIDE).hexdigest() if "file" in held else None
    named = {"sha256": digest, "size": len(OUTSIDE)} if digest else {}
    run, results = _lost(tmp_path, **named, **held)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    complete(run, results, traces={})
    (result,) = _results(results).values()
    assert result["attachments"] == []
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert [path.name for path in made] == [f"{result['uuid']}-result.json"]


def test_a_pipe_in_place_of_an_attachment_holds_nothing_up(tmp_path: Path) -> None:
    run, results = _lost(tmp_path, size=0)
    path = run.folder / run.tests["t"].attachments[0].file
    path.unlink()
    os.mkfifo(path)
    complete(run, results, traces={})
    assert _results(results)["t"]["attachments"] == []
    write_page(run, tmp_path / "run.html")
    assert "another digest or size" in (tmp_path / "run.html").read_text()
