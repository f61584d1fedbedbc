"""Parameters of tests are told with their units: in the journal, and in the views made from it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from hil.evidence.run_record import read_run
from hil.report.allure_results import complete
from hil.report.document import write_document
from hil.report.page import write_page
from hil.report.parameters import in_words
from tests.plugin.conftest import Session

ON_BENCH = ("--hil-bench", "virtual", "--hil-run-dir", "run")
SOURCE = """
import pytest
pytestmark = pytest.mark.requirement("R-12")

@pytest.mark.units(share="of the nominal voltage", gap_s="debounces")
@pytest.mark.parametrize("share", [0.5, None])
@pytest.mark.parametrize(("delay_ms", "start_volts", "gap_s"), [(20, 1.8, 3)])
@pytest.mark.parametrize(("name_s", "on_s", "s", "raw", "bytes"), [("a", True, 1, b"x", 71)])
def test_it(share, delay_ms, start_volts, gap_s, name_s, on_s, s, raw, bytes):
    assert delay_ms
"""
HALF, NONE = (f"test_it.py::test_it[a-True-1-x-71-20-1.8-3-{share}]" for share in (0.5, None))
UNITS = {"delay_ms": "ms", "start_volts": "V", "gap_s": "debounces", "bytes": "B"}


def test_numbers_have_the_unit_of_their_name_or_of_the_marker(
    session: Session, tmp_path: Path
) -> None:
    done = session(SOURCE, *ON_BENCH, "-p", "allure_pytest", "--alluredir", "run/allure-results")
    assert done.returncode == 0, done.stdout
    run = read_run(tmp_path / "run")
    assert run.tests[HALF].units == UNITS | {"share": "of the nominal voltage"}
    assert run.tests[NONE].units == UNITS
    words = in_words(run.tests[HALF])
    assert words["delay_ms"] == "20\xa0ms"
    assert words["share"] == "0.5\xa0of the nominal voltage"
    assert words["s"] == "1"

    results = tmp_path / "run" / "allure-results"
    for _ in range(2):  # again changes nothing
        complete(run, results, traces={})
        found = [json.loads(path.read_text()) for path in results.glob("*-result.json")]
        assert len(found) == 2
        shown = [{one["name"]: one["value"] for one in each["parameters"]} for each in found]
        assert {one["share"] for one in shown} == {"0.5\xa0of the nominal voltage", "None"}
        assert {one["start_volts"] for one in shown} == {"1.8\xa0V"}
        assert {one["name_s"] for one in shown} == {"'a'"}
    write_page(run, tmp_path / "page.html")
    assert "20\xa0ms" in (tmp_path / "page.html").read_text()
    write_document(run, tmp_path, issued=datetime.date(2026, 11, 26))
    assert "delay_ms = 20\xa0ms" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("marker", ["(pace='s')", "(share=1)", "('s')"])
def test_a_unit_of_nothing_ends_the_run_before_it_begins(session: Session, marker: str) -> None:
    source = f"""
import pytest
@pytest.mark.units{marker}
@pytest.mark.parametrize("share", [0.5])
def test_it(share): assert share
"""
    done = session(source, "--hil-bench", "virtual")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "test_it.py::test_it[0.5]" in done.stderr
    assert "@pytest.mark.units" in done.stderr
    assert "1 passed" not in done.stdout
