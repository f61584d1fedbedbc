"""Known issues beside the verdicts of a session: shown, and changing none."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.evidence.run_record import read_run
from hil.run_waivers import waiver_of
from tests.plugin.conftest import Session
from tests.thorough import thorough

SOURCE = """
import pytest
pytestmark = pytest.mark.requirement("R-12")
def test_known(): assert False, "known"
def test_late(): assert False, "known too long"
def test_new(): assert False, "new"
def test_broken(): raise RuntimeError("the bench broke")
@pytest.mark.conformance("EUICC-X-Y-01", section="SGP.02, 1")
def test_case():
    '''A case.

    Preconditions: none.

    Steps:
    1. It fails.
    '''
    assert False
def test_good(): pass
"""


def file_of(folder: Path) -> Path:
    """Write waivers that hold for ten days, and one that ended yesterday."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    soon, past = today + datetime.timedelta(10), today - datetime.timedelta(1)
    rows = [
        ("W-1", "test: '*::test_known'", soon),
        ("W-2", "test: '*::test_late'", past),
        ("W-3", "case: EUICC-X-*", datetime.date(2999, 1, 1)),
        ("W-4", "test: '*::test_gone'", datetime.date(2999, 1, 1)),
        ("W-5", "test: '*::test_broken'", datetime.date(2999, 1, 1)),
    ]
    text = "schema: 1\nkind: waivers\nwaivers:\n"
    for name, about, last in rows:
        text += (
            f"  - {{id: {name}, {about}, reason: it is known since May, author: R. Novak, "
            f"issued: 2026-01-01, expires: {last}}}\n"
        )
    path = folder / "lab-config" / "known.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def told(stdout: str) -> str:
    """Return what stands in the section on waivers."""
    return stdout.partition("= waivers =")[2].partition("\n=")[0]


@pytest.mark.parametrize(
    "way", ["option", "bench", "environment", pytest.param("xdist", marks=thorough)]
)
def test_waivers_are_shown_and_change_no_verdict(
    session: Session, tmp_path: Path, way: str
) -> None:
    path = file_of(tmp_path)
    options: list[str] = ["--hil-waivers", str(path)] if way in ("option", "xdist") else []
    variables = {"HIL_WAIVERS": str(path)} if way == "environment" else {}
    options += ["-p", "xdist", "-n", "2"] if way == "xdist" else []
    if way == "bench":
        bench = tmp_path / "lab-config" / "virtual.yaml"
        bench.write_text(f"waivers: known.yaml\n{bench.read_text()}", encoding="utf-8")
    if way != "option":
        options += ["--hil-bench", "virtual"]
    done = session(SOURCE, *options, **variables)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "PASS 1  FAIL 4  INCONCLUSIVE 0  ERROR 1" in done.stdout
    text = told(done.stdout)
    lines = {line.split("::")[1].split()[0]: line for line in text.splitlines() if "::" in line}
    assert set(lines) == {"test_known", "test_late", "test_case", "test_broken"}
    assert "FAIL" in lines["test_known"]
    assert " waived: waiver W-1 (until " in lines["test_known"]
    assert "NOT waived (it covers FAIL): waiver W-2 (EXPIRED on " in lines["test_late"]
    assert "no effect" in lines["test_late"]
    assert " waived: waiver W-3" in lines["test_case"]
    assert "ERROR" in lines["test_broken"]
    assert "NOT waived (it covers FAIL): waiver W-5" in lines["test_broken"]
    assert "ends soon       waiver W-1" in text
    assert "has ended       waiver W-2 (EXPIRED on " in text
    assert "fits no test    waiver W-4" in text
    table = json.loads((tmp_path / "runs" / "verdicts.json").read_text())
    assert {name.partition("::")[2] for name, one in table.items() if one["verdict"] == "FAIL"} == {
        "test_known",
        "test_late",
        "test_new",
        "test_case",
    }


def test_a_wrong_file_ends_the_run_before_it_begins(session: Session, tmp_path: Path) -> None:
    path = file_of(tmp_path)
    path.write_text(path.read_text().replace("author", "auther"), encoding="utf-8")
    done = session(SOURCE, "--hil-waivers", str(path))
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "known.yaml:4:" in done.stderr
    assert "did you mean 'author'?" in done.stderr
    missing = session(SOURCE, "--hil-waivers", "nowhere.yaml")
    assert missing.returncode == pytest.ExitCode.USAGE_ERROR
    assert "there is no such file" in missing.stderr


TWICE = (
    SOURCE
    + """
@pytest.fixture
def stuck():
    yield
    raise RuntimeError("it does not come off")
def test_twice(stuck): assert False, "fails, and is not torn down"
"""
)


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([], id="plain"),
        pytest.param(["-p", "xdist", "-n", "2"], id="xdist", marks=thorough),
    ],
)
def test_junit_tells_the_waivers_that_the_journal_does(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: list[str]
) -> None:
    path = file_of(tmp_path)
    path.write_text(path.read_text().replace("'*::test_gone'", "'*::test_twice'"))
    options = ["--hil-waivers", str(path), "--hil-bench", "virtual", "--hil-run-dir", "run"]
    session(TWICE, *options, "--junitxml", "junit.xml", *workers)
    told: dict[str, list[str]] = {}
    written = ElementTree.parse(tmp_path / "junit.xml")  # noqa: S314 - our own
    for case in written.iter("testcase"):
        found = told.setdefault(str(case.get("name")), [])
        found += [str(one.get("value")) for one in case.iterfind("*/property[@name='waiver']")]
    monkeypatch.chdir(tmp_path)  # the journal names the file as the run did
    run = read_run(tmp_path / "run")
    waiver = waiver_of(run)
    expected = {test.id.partition("::")[2]: waiver(test) for test in run.tests.values()}
    assert {name: found[0] if found else None for name, found in told.items()} == expected
    assert sorted(name for name, text in expected.items() if text) == [
        "test_case",
        "test_known",
        "test_twice",
    ]
    assert str(expected["test_known"]).endswith("; R. Novak): it is known since May")
    assert told["test_twice"] == [expected["test_twice"]] * 2  # its failure, and its error
