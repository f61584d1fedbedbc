"""Views of journals that hold what no run writes: each is made, and what is odd is a fault."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest

from hil.evidence.gate import FAILED, gate
from hil.evidence.journal.reader import MOST_NESTED
from hil.evidence.run_record import RunRecord, read_run
from hil.report.allure_results import complete
from hil.report.document import write_document
from hil.report.matrix import write_matrix
from hil.report.page import write_page
from hil.report.text import duration
from hil.report.traces import traces_of_run
from hil.report.verdicts import no_waiver
from hil.run_waivers import waiver_of
from hil.seal.attestation import statement
from hil.seal.diff import diff_runs
from hil.seal.diff_text import lines_of
from tests.evidence.journal.rewriting import rewrite
from tests.report.runs import Run, typical
from tests.seal.runs import KEY

DAY = datetime.date(2026, 11, 26)
Change = Callable[[dict[str, Any]], object]


def _put(event: str, **odd: object) -> Change:
    return lambda record: record["event"] == event and record["body"].update(odd)


def _views(run: RunRecord, out: Path) -> None:
    write_page(run, out / "run.html")
    write_matrix(run, out)
    write_document(run, out, issued=DAY, waiver=no_waiver)
    complete(run, out / "allure", traces=traces_of_run(run, out / "traces"))
    told = waiver_of(run)
    assert [told(test) for test in run.tests.values()] == [None] * len(run.tests)
    signed = statement(
        run, gate(run), b"", signer=KEY.public, sealed_ns=1, waived=lambda _test: False
    )
    assert json.loads(signed)
    assert list(lines_of(diff_runs(run, run)))[2:] == []


@pytest.mark.parametrize(
    "odd",
    [10**400, -(10**400), float("nan"), float("inf"), 1e308, "nan", None, [], {}, True],
    ids=lambda odd: repr(odd)[:9],
)
def test_odd_numbers_bring_no_view_down(tmp_path: Path, odd: object) -> None:
    typical(tmp_path / "run")
    names = ("value", "expanded_uncertainty", "coverage_factor", "guard_band", "margin")
    rewrite(tmp_path / "run", _put("measurement", **dict.fromkeys(names, odd)))
    rewrite(tmp_path / "run", _put("measurement", limits={"low": odd, "high": odd}))
    rewrite(tmp_path / "run", _put("step-end", seconds=odd))
    rewrite(tmp_path / "run", _put("test-end", seconds=odd))
    run = read_run(tmp_path / "run")
    assert {test.seconds for test in run.tests.values()} == {0.0}
    _views(run, tmp_path / "out")


@pytest.mark.parametrize("name", ["utc_ns", "mono_ns"])
@pytest.mark.parametrize("odd", [2**63, -1, 10**400], ids=["2^63", "-1", "10^400"])
def test_a_time_that_no_clock_tells_is_a_fault(tmp_path: Path, name: str, odd: int) -> None:
    typical(tmp_path / "run")
    change: Change = lambda record: record["event"] == "measurement" and record.update({name: odd})  # noqa: E731
    rewrite(tmp_path / "run", change)
    run = read_run(tmp_path / "run")
    assert len(run.faults) == 2
    assert all("a time is not from 0 to" in fault for fault in run.faults)
    assert all(test.measurements == () for test in run.tests.values())
    _views(run, tmp_path / "out")


def test_the_last_time_that_a_clock_can_tell_is_taken(tmp_path: Path) -> None:
    typical(tmp_path / "run")
    last: Change = lambda record: record.update(utc_ns=2**63 - 1, mono_ns=2**63 - 1)  # noqa: E731
    rewrite(tmp_path / "run", last)
    run = read_run(tmp_path / "run")
    assert run.faults == ()
    _views(run, tmp_path / "out")


def test_what_is_nested_too_deeply_is_a_fault(tmp_path: Path) -> None:
    def nested(levels: int) -> object:
        value: object = 1
        for level in range(levels):
            value = [value] if level % 2 else {"a": value}
        return value

    typical(tmp_path / "run")
    most = nested(MOST_NESTED - 2)
    for event in ("run-begin", "equipment", "measurement"):
        rewrite(tmp_path / "run", _put(event, raw=most, value=most, limits=most, item=most))
    run = read_run(tmp_path / "run")
    assert run.faults == ()
    _views(run, tmp_path / "out")
    for levels in (MOST_NESTED - 1, 900, 50_000):
        written = '{"a":' * levels + "1" + "}" * levels
        path = rewrite(tmp_path / "run", _put("measurement", value="DEEP"))
        path.write_bytes(path.read_bytes().replace(b'"DEEP"', written.encode()))
        faults = read_run(tmp_path / "run").faults
        assert [fault for fault in faults if "no record of a run" in fault]


def test_a_version_that_is_no_number_is_a_fault(tmp_path: Path) -> None:
    typical(tmp_path / "run")
    rewrite(tmp_path / "run", _put("run-begin", format="x"))
    (fault,) = read_run(tmp_path / "run").faults
    assert "does not begin as a journal that this version can read" in fault


@pytest.mark.parametrize(
    ("event", "odd", "said"),
    [
        ("test-registered", {"requirements": None}, "requirements is no list"),
        ("test-registered", {"requirements": 7}, "requirements is no list"),
        ("test-registered", {"parameters": [1]}, "parameters is no object"),
        ("test-registered", {"parameters": None}, "parameters is no object"),
        ("test-registered", {"case": "TC-042"}, "case is no object"),
        ("step-begin", {"step": "x"}, "step is no whole number"),
        ("step-begin", {"parent": None}, "parent is no whole number"),
        ("step-end", {"step": [1]}, "step is no whole number"),
        ("attachment", {"size": 10**400}, "size is no whole number"),
    ],
)
def test_a_body_of_another_shape_is_a_fault_with_its_place(
    tmp_path: Path, event: str, odd: dict[str, object], said: str
) -> None:
    typical(tmp_path / "run")
    path = rewrite(tmp_path / "run", _put(event, **odd))
    lines = [
        number
        for number, one in enumerate(path.read_bytes().splitlines(), 1)
        if json.loads(one)["event"] == event
    ]
    run = read_run(tmp_path / "run")
    assert len(run.faults) == len(lines)
    for fault, line in zip(run.faults, lines, strict=True):
        assert fault.startswith(f"main.jsonl:{line}: no record of a run ({event}: {said}")
    assert gate(run).code == FAILED
    assert any("the evidence is not valid" in reason for reason in gate(run).reasons)
    _views(run, tmp_path / "out")


@pytest.mark.parametrize("ways", [None, 7, "good way", {"R-1": None}, {"R-1": {"a": 1}}])
def test_ways_of_another_shape_are_none(tmp_path: Path, ways: object) -> None:
    typical(tmp_path / "run")
    rewrite(tmp_path / "run", _put("test-registered", ways=ways))
    run = read_run(tmp_path / "run")
    assert all(not test.ways for test in run.tests.values())
    _views(run, tmp_path / "out")


@pytest.mark.parametrize(("lines", "cut"), [(50, False), (70, True), (5_000, True)])
def test_a_cell_taller_than_a_page_is_cut_and_says_so(
    tmp_path: Path, lines: int, cut: bool
) -> None:
    text = "line\n" * lines
    run = Run(tmp_path / "run")
    run.write("equipment", {"name": "supply", "serial": text, "model": text})
    run.test("t.py::test_a", "FAIL", text, title=text)
    made = write_document(run.end(), tmp_path / "out", issued=DAY, waiver=no_waiver)
    (sheets,) = (path for path in made if path.suffix == ".pdf")
    shown = "\n".join(page.extract_text() for page in pypdf.PdfReader(sheets).pages)
    assert shown.count("line") >= 50
    assert ("… whole in the journal" in shown) == cut


def test_a_time_that_is_no_number_is_not_stated() -> None:
    assert duration(float("nan")) == duration(float("inf")) == "not stated"
