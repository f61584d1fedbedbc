from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hil.evidence.run_record import RunRecord, read_run
from hil.report.matrix import schema, write_matrix
from hil.report.verdicts import WaiverOf, no_waiver
from hil.requirements import REQUIREMENTS
from tests.report.runs import Run, typical
from tests.report.web import Page


def matrix(
    folder: Path, run: RunRecord | None = None, waiver: WaiverOf = no_waiver
) -> dict[str, Any]:
    write_matrix(run or typical(folder / "run"), folder / "out", waiver=waiver)
    found: dict[str, Any] = json.loads((folder / "out" / "matrix.json").read_bytes())
    jsonschema.validate(found, schema())
    return found


def of(found: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = (row for row in found["requirements"] if row["id"] == name)
    return dict(row)


def test_every_requirement_is_listed_with_its_verdict(tmp_path: Path) -> None:
    found = matrix(tmp_path)
    assert [row["id"] for row in found["requirements"]] == list(REQUIREMENTS)
    verdicts = {name: of(found, name)["verdict"] for name in ("R-27", "R-29", "R-24", "R-37")}
    assert verdicts == {
        "R-27": "PASS",
        "R-29": "FAIL",
        "R-24": "INCONCLUSIVE",
        "R-37": "NOT APPLICABLE",
    }
    assert of(found, "R-30")["verdict"] == "NOT RUN"
    assert of(found, "R-01") | {"text": ""} == {
        "id": "R-01",
        "text": "",
        "reference": "claims 1, 11; op. 510, 610",
        "claims": [1, 11],
        "covered": False,
        "verdict": "NOT COVERED",
        "tests": [],
        "ways": {
            way: {"verdict": "NOT COVERED", "tests": [], "excused": None}
            for way in ("good way", "refusal")
        },
    }


def test_the_worst_of_its_tests_is_the_verdict_of_a_requirement(tmp_path: Path) -> None:
    assert of(matrix(tmp_path), "R-22")["verdict"] == "ERROR"  # one PASS, one ERROR


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["PASS", "NOT APPLICABLE"], "PASS"),
        (["PASS", "NOT RUN"], "NOT RUN"),
        (["INCONCLUSIVE", "PASS"], "INCONCLUSIVE"),
        (["ERROR", "FAIL"], "FAIL"),
        (["NOT RUN", "ERROR"], "ERROR"),
        (["no verdict", "PASS"], "ERROR"),
    ],
)
def test_nothing_hides_behind_a_pass(tmp_path: Path, verdicts: list[str], whole: str) -> None:
    run = Run(tmp_path / "run")
    for number, verdict in enumerate(verdicts):
        if verdict == "NOT RUN":
            run.register(f"t.py::test_{number}", requirements=["R-05"])
        else:
            run.test(f"t.py::test_{number}", verdict, requirements=["R-05"])
    assert of(matrix(tmp_path, run=run.end()), "R-05")["verdict"] == whole


def test_a_fail_that_was_seen_counts_whatever_broke_after_it(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.test("t.py::test_a", "ERROR", "unplugged", requirements=["R-05"], fail_seen=True)
    found = matrix(tmp_path, run=run.end())
    assert of(found, "R-05")["verdict"] == "FAIL"
    assert found["counts"]["FAIL"] == 1
    page = (tmp_path / "out" / "matrix.html").read_text()
    assert "a FAIL was observed; it ended as ERROR" in page


def test_good_way_and_refusal_are_told_apart(tmp_path: Path) -> None:
    found = matrix(tmp_path)
    ways = of(found, "R-29")["ways"]
    assert ways["refusal"] == {"verdict": "FAIL", "tests": ["t.py::test_refused"], "excused": None}
    assert ways["good way"]["verdict"] == "NOT COVERED"
    assert of(found, "R-72")["ways"]["refusal"]["excused"].startswith("a measurement")
    assert of(found, "R-22")["ways"]["good way"]["tests"] == ["t.py::test_good"]
    assert of(found, "R-22")["tests"] == ["t.py::test_broken", "t.py::test_good"]


def test_a_test_leads_to_its_requirements_and_its_evidence(tmp_path: Path) -> None:
    found = matrix(tmp_path)
    (test,) = (one for one in found["tests"] if one["id"] == "t.py::test_good")
    assert test["requirements"] == {"R-22": ["good way"], "R-27": ["good way", "refusal"]}
    assert test["measurements"][0]["expanded_uncertainty"] == 0.0126
    assert test["measurements"][0]["instrument"] == "DP832 DP8C194205678"
    assert test["measurements"][0]["accuracy"] == "DP800 data sheet, page 7"
    described = schema()["$defs"]["test"]["properties"]["measurements"]["items"]["description"]
    assert set(test["measurements"][0]) <= set(described.partition(": ")[2].split(", "))
    for held in test["attachments"]:
        assert held["sha256"] in held["file"]
    at = test["journal"]
    lines = (tmp_path / "run" / "journal" / at["file"]).read_text().splitlines()
    events = [json.loads(line) for line in lines[at["first"] : at["last"] + 1]]
    assert (events[0]["event"], events[-1]["event"]) == ("test-begin", "test-end")
    assert {event["test"] for event in events} == {"t.py::test_good"}
    (never,) = (one for one in found["tests"] if one["id"] == "t.py::test_waits")
    assert never["journal"] is None


def test_the_page_leads_both_ways_and_its_links_have_ends(tmp_path: Path) -> None:
    matrix(tmp_path)
    page = Page((tmp_path / "out" / "matrix.html").read_text())
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner
    assert inner <= page.ids
    assert page.ids >= {f"req-{name}" for name in REQUIREMENTS}
    files = [link for link in page.links if not link.startswith("#")]
    assert len(files) == 2
    for link in files:
        assert (tmp_path / "out" / link).is_file()
    assert "jig voltage 1.803 V, U = 0.013 V (k = 2), limits 1.71 to 1.89 V" in page.text
    assert "NOT COVERED" in page.text


def test_the_csv_has_a_line_for_each_way(tmp_path: Path) -> None:
    matrix(tmp_path, waiver=lambda test: "W-1: known" if "refused" in test.id else None)
    text = (tmp_path / "out" / "matrix.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["requirement"] for row in rows} == set(REQUIREMENTS)
    (refused,) = (row for row in rows if row["requirement"] == "R-29" and row["test"])
    assert (refused["way"], refused["test verdict"]) == ("refusal", "FAIL")
    assert refused["waiver"] == "W-1: known"
    (missing,) = (row for row in rows if row["requirement"] == "R-29" and not row["test"])
    assert (missing["way"], missing["test verdict"]) == ("good way", "NOT COVERED")


def test_names_do_nothing_in_page_or_spreadsheet(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    evil = "t.py::test_<script>alert(1)</script>[\u202e\udc80\x00]"
    run.test(evil, title="=HYPERLINK(1)", requirements=["R-05", "<b>R</b>"], ways={"R-05": 7})
    run.test("t.py::test_" + "x" * 10_000, "FAIL", '"><img src=x onerror=alert(1)>')
    found = matrix(tmp_path, run=run.end())
    assert found["requirements"][-1]["id"] == "<b>R</b>"
    page = Page((tmp_path / "out" / "matrix.html").read_text(encoding="utf-8"))
    assert page.tags.isdisjoint({"script", "img"})
    assert "<b>R</b>" in page.text
    assert "\\u202e\\udc80\\x00" in page.text
    assert "(10011 characters, whole in the journal)" in page.text
    text = (tmp_path / "out" / "matrix.csv").read_text(encoding="utf-8")
    titles = {row["title"] for row in csv.DictReader(io.StringIO(text))}
    assert "'=HYPERLINK(1)" in titles


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("../../etc/passwd", "its path leads out of the folder of the run, or nowhere"),
        ("passwd\0", "its path leads out of the folder of the run, or nowhere"),
        ("", "(too large to keep)"),
    ],
)
def test_an_attachment_path_leads_nowhere_else(tmp_path: Path, file: str, said: str) -> None:
    run = Run(tmp_path / "run")
    held = {"name": "x", "kind": "text", "file": file, "sha256": "0", "size": 1}
    run.test("t.py::test_a", within=(("attachment", held),))
    matrix(tmp_path, run=run.end())
    page = Page((tmp_path / "out" / "matrix.html").read_text())
    assert not [link for link in page.links if "passwd" in link]
    assert said in page.text
    assert ("too large" in page.text) == (file == "")


def test_a_broken_run_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", virtual=True)
    run.register("t.py::test_a", requirements=["R-05"])
    run.write("test-begin", {"attempt": 1}, "t.py::test_a")
    path = run.journal.path
    path.write_bytes(path.read_bytes().replace(b"bench-pc", b"bench-PC"))
    found = matrix(tmp_path, run=read_run(tmp_path / "run"))
    assert not found["complete"]
    assert found["faults"]
    assert of(found, "R-05")["verdict"] == "INCONCLUSIVE"
    text = Page((tmp_path / "out" / "matrix.html").read_text()).text
    assert "INCOMPLETE" in text
    assert "VIRTUAL" in text
    assert "The evidence is not valid: main.jsonl:2" in text


def test_made_again_it_is_the_same(tmp_path: Path) -> None:
    run = typical(tmp_path / "run")
    first = [path.read_bytes() for path in write_matrix(run, tmp_path / "out")]
    again = [path.read_bytes() for path in write_matrix(run, tmp_path / "out")]
    assert first == again
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "matrix.csv",
        "matrix.html",
        "matrix.json",
    ]
