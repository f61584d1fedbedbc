"""The defects can still be planted, the page names them, and a planted one is noticed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.planted.defect import ROOT, Defect, plant, run, verdicts
from tests.planted.tables import DEFECTS
from tests.thorough import thorough

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
SET = "".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "testcases" / "conformance").rglob("*.py")
)


def test_there_is_a_place_for_each() -> None:
    lost = [one.name for one in DEFECTS if not one.fits()]
    assert lost == [], "their files have changed"
    same = []
    for defect in DEFECTS:
        text = (ROOT / defect.file).read_text(encoding="utf-8")
        changed = text.replace(defect.before, defect.after)
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text)):
            same.append(defect.name)
    assert same == [], "they change nothing"


def test_the_cases_of_each_are_there() -> None:
    assert [one.name for one in DEFECTS if not one.caught_by] == []
    lost = {case for one in DEFECTS for case in one.caught_by if not _is_there(case)}
    assert lost == set()


def _is_there(case: str) -> bool:
    path, _, name = case.partition("::")
    if name:
        return f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
    # Rows of one family make their ids of a number.
    return f'"{case}"' in SET or f'"{case.rpartition("-")[0]}-{{' in SET


def test_the_page_names_each() -> None:
    lost = [one.row() for one in DEFECTS if one.row() not in PAGE]
    assert lost == [], "docs/conformance.md lacks these rows"


def test_no_two_are_called_alike() -> None:
    assert len({one.name for one in DEFECTS}) == len(DEFECTS)


@thorough
def test_a_planted_defect_is_noticed_and_nothing_without_it(tmp_path: Path) -> None:
    defect = next(one for one in DEFECTS if one.name == "MANAGE CHANNEL close does nothing")
    case = defect.caught_by[0]
    folder = plant(tmp_path, defect)
    assert run(folder, [case]) == {case: "FAIL"}
    place = folder / defect.file
    place.write_text((ROOT / defect.file).read_text(encoding="utf-8"), encoding="utf-8")
    assert run(folder, [case]) == {case: "PASS"}


def test_a_case_that_fails_and_breaks_in_its_teardown_has_failed(tmp_path: Path) -> None:
    def row(name: str, **properties: str) -> str:
        told = "".join(f'<property name="{key}" value="{of}"/>' for key, of in properties.items())
        return f'<testcase classname="a.b" name="{name}"><properties>{told}</properties></testcase>'

    rows = [
        row("test_a", case="A-01"),
        row("test_a", case="A-01", verdict="FAIL"),
        row("test_b[1]", verdict="PASS"),
        row("test_b[2]", verdict="FAIL"),
        row("test_b[3]", verdict="PASS"),
        row("test_c"),
    ]
    report = tmp_path / "junit.xml"
    report.write_text(f"<testsuites><testsuite>{''.join(rows)}</testsuite></testsuites>")
    assert verdicts(report) == {
        "A-01": "FAIL",
        "a/b.py::test_b": "FAIL",
        "a/b.py::test_c": "ERROR",
    }


def test_a_defect_without_a_place_is_not_planted(tmp_path: Path) -> None:
    gone = Defect("gone", "hil/virtual/euicc/channel.py", "no such line", "", ())
    with pytest.raises(ValueError, match="does not have once"):
        plant(tmp_path, gone)
