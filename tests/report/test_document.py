from __future__ import annotations

import copy
import datetime
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdf
import pytest

from hil.evidence.journal import EvidenceError
from hil.evidence.recovery import recover
from hil.evidence.run_record import RunRecord, read_run
from hil.report.document import fonts, pdf_lacks, write_document
from hil.report.document.content import build
from hil.report.verdicts import WaiverOf, no_waiver
from tests.report.runs import BEGIN, SUPPLY, VOLTS, Run, typical
from tests.report.web import Page

DAY = datetime.date(2026, 11, 27)
MANDATORY = {
    ("laboratory", "name"): "name of the laboratory",
    ("laboratory", "address"): "address of the laboratory",
    ("item", "manufacturer"): "manufacturer of the item",
    ("item", "model"): "model of the item",
    ("item", "serial"): "serial of the item",
    ("item", "firmware"): "firmware of the item",
    ("item", "condition"): "condition of the item",
    ("item", "received"): "date of receipt",
    ("item", "customer", "name"): "name of the customer",
    ("item", "customer", "contact"): "contact of the customer",
    ("hil",): "version of the suite",
    ("git", "commit"): "commit of the suite",
    ("lab_config", "sha256"): "digest of the bench file",
    ("decision_rule",): "decision rule",
}


def pages(pdf: bytes) -> list[str]:
    reader = pypdf.PdfReader(io.BytesIO(pdf), strict=True)
    return [" ".join(page.extract_text().split()) for page in reader.pages]


def both(folder: Path, run: RunRecord, waiver: WaiverOf = no_waiver) -> tuple[Page, list[str]]:
    """Return the page and the text of each sheet of the PDF."""
    html, pdf = write_document(run, folder, issued=DAY, waiver=waiver)
    return Page(html.read_text(encoding="utf-8")), pages(pdf.read_bytes())


def without(path: tuple[str, ...]) -> dict[str, Any]:
    begin = copy.deepcopy(BEGIN)
    inner: Any = begin
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return {key: begin.get(key) for key in BEGIN}


def test_both_say_what_the_standard_asks_for(tmp_path: Path) -> None:
    run = typical(tmp_path / "run")
    html, sheets = both(tmp_path, run, lambda t: "W-7: known" if "refused" in t.id else None)
    pdf = " ".join(sheets)
    for text in (
        "Example Test Laboratory",
        "1 Example Street, 12345 Example",
        "room 7",
        "Example Customer Ltd",
        "lab@example.com",
        "Example Devices",
        "Module X",
        "SN0042",
        "1.4.2",
        "as new, seal intact",
        "2026-11-20",
        "2026-11-27",
        "hil-esim 0.1.0",
        "0123456789abcdef0123456789abcdef01234567",
        "US 9,705,546 B2",
        "humidity 41 % ± 4 %, temperature 23.1 °C ± 0.5 °C",
        "A. Tester",
        "DP8C194205678",
        "00.01.16",
        "CAL-2026-0815, due 2027-06-30, valid",
        "below 2.5 %",
        "the device took an image from a stranger",
        "the product has no USB",
        "O_USB = no",
        "W-7: known",
        "1 test was not selected.",
        "The results relate only to the items tested.",
        "shall not be reproduced except in full",
        "Authorised by",
        "No statement of conformity can be made",
    ):
        assert text in html.text, text
        assert text in pdf, text
    for digest in ("a" * 64, "b" * 64, run.files[0].head):
        assert digest in html.text
    assert "DRAFT" not in pdf
    assert "DRAFT" not in html.text
    assert "VIRTUAL" not in pdf


def test_a_measured_value_stands_with_all_that_explains_it(tmp_path: Path) -> None:
    html, sheets = both(tmp_path, typical(tmp_path / "run"))
    for text in ("1.803 V", "0.013 V (k = 2)", "1.71 to 1.89 V", "margin 0.087 V"):
        assert text in html.text
        assert text in " ".join(sheets)
    assert "accuracy: DP800 data sheet, page 7" in html.text
    assert "accuracy: DP800 data sheet, page 7" in " ".join(sheets)
    assert "guarded (w = 0.013 V)" in html.text
    assert "0.013\xa0V (k\xa0=\xa02)" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_sheet_has_its_number_and_the_last_one_ends(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    for count in range(120):
        run.test(f"t.py::test_{count:03d}", within=(("measurement", VOLTS),))
    record = run.end()
    _, sheets = both(tmp_path, record)
    number = build(record, issued=DAY, waiver=no_waiver).number
    assert len(sheets) > 4
    for at, sheet in enumerate(sheets, 1):
        assert number in sheet
        assert f"page {at} of {len(sheets)}" in sheet
    ends = [at for at, sheet in enumerate(sheets, 1) if f"End of test report {number}" in sheet]
    assert ends == [len(sheets)]
    whole = " ".join(sheets)
    assert all(whole.count(f"t.py::test_{count:03d}") == 1 for count in range(120))
    assert sum("Rule, margin" in sheet for sheet in sheets) >= 2, "the head of a table is repeated"


@pytest.mark.parametrize("path", MANDATORY, ids=".".join)
def test_one_missing_field_makes_it_a_draft_on_every_sheet(
    tmp_path: Path, path: tuple[str, ...]
) -> None:
    html, sheets = both(tmp_path, typical(tmp_path / "run", **without(path)))
    draft = f"DRAFT - not stated: {MANDATORY[path]}"
    assert draft in html.text
    assert "not stated" in html.text
    for sheet in sheets:
        assert draft in sheet
    css = (tmp_path / "report.html").read_text()
    assert '@top-right { content: "DRAFT"' in css


def test_no_name_ends_the_style_of_the_page(tmp_path: Path) -> None:
    name = '"; } </style> \\ /'
    run = typical(tmp_path / "run", laboratory={"name": name, "address": "x"})
    write_document(run, tmp_path, issued=DAY)
    css = (tmp_path / "report.html").read_text().partition("@bottom-left")[2].partition("\n")[0]
    assert css.count('"') == 2
    told = re.sub(r"\\([0-9a-f]{6}) ", lambda m: chr(int(m[1], 16)), css.split('"')[1])
    assert told == name


def test_with_nothing_stated_nothing_is_made_up(tmp_path: Path) -> None:
    bare: dict[str, Any] = {**dict.fromkeys(BEGIN), "format": 1, "run": "r1"}
    html, sheets = both(tmp_path, Run(tmp_path / "run", **bare).end())
    for name in (*MANDATORY.values(), "place of performance", "equipment"):
        if name != "decision rule":  # nothing was judged
            assert name in html.text.partition("1 Statement")[0]
    assert "DRAFT" in sheets[0]
    assert "No test was registered in this run." in html.text
    assert "No value was measured" in html.text
    assert "None" not in html.text.replace("None.", "")


def test_a_laboratory_without_another_place_tests_at_its_address(tmp_path: Path) -> None:
    run = typical(tmp_path / "run", **without(("laboratory", "location")))
    assert "at the laboratory's address" in both(tmp_path, run)[0].text
    assert not build(run, issued=DAY, waiver=no_waiver).is_draft


def test_simulated_parts_are_marked_on_every_sheet(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.write("equipment", {**SUPPLY, "virtual": True, "calibration": {"state": "virtual"}})
    html, sheets = both(tmp_path, run.end())
    for sheet in sheets:
        assert "VIRTUAL - parts of the bench are simulated" in sheet
    assert "power supply is VIRTUAL: a simulation stood in its place." in html.text
    assert "none: VIRTUAL" in html.text
    assert "said of a simulation and not of a product" in html.text


def test_what_the_device_told_is_not_passed_off_as_stated(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", **without(("item", "serial")))
    told = {"name": "device", "maker": "Example Devices", "model": "Module X", "serial": "SN77"}
    run.write("equipment", {**told, "firmware": "1.5.0"})
    html, _ = both(tmp_path, run.end())
    assert "SN77 (as the device told)" in html.text
    assert "The device told another firmware (1.5.0) than is stated of the item (1.4.2)." in (
        html.text
    )
    assert "Example Devices (as the device told)" not in html.text


def test_deviations_are_listed(tmp_path: Path) -> None:
    begin: dict[str, Any] = {
        "strict": False,
        "environment": None,
        "git": {"commit": "c0", "dirty": True},
    }
    run = Run(tmp_path / "run", **begin)
    run.write("equipment", {**SUPPLY, "calibration": {"certificate": "C", "state": "expired"}})
    run.register("t.py::test_idle")
    run.test("t.py::test_twice")
    run.write("test-begin", {"attempt": 2}, "t.py::test_twice")
    run.write("test-end", {"verdict": "PASS"}, "t.py::test_twice")
    run.write("test-begin", {"attempt": 1}, "t.py::test_torn")
    os.close(run.journal._fd)
    recover(tmp_path / "run", by="test", why="killed")
    html, _ = both(tmp_path, read_run(tmp_path / "run"))
    for text in (
        "The run was not strict",
        "or an accuracy that is only assumed, may have stated a PASS.",
        "The run was broken off; its journal was closed afterwards.",
        "The suite had changes that are not in the commit named.",
        "Ambient conditions were not recorded.",
        "The calibration of power supply is expired: C, expired.",
        "1 test that was selected did not run.",
        "test_twice was run 2 times; the worst result counts.",
    ):
        assert text in html.text, text


def test_a_broken_chain_is_a_deviation(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.test("t.py::test_a")
    run.end()
    path = run.journal.path
    path.write_bytes(path.read_bytes().replace(b"bench-pc", b"bench-PC"))
    html, sheets = both(tmp_path, read_run(tmp_path / "run"))
    assert "The evidence is not valid: main.jsonl:2" in html.text
    assert "No statement of conformity can be made" in sheets[0]


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        (["PASS"], "Every test of this report that applies has passed."),
        (["PASS", "FAIL"], "The item does not meet every requirement tested."),
        (["PASS", "INCONCLUSIVE"], "No statement of conformity can be made"),
        ([], "No statement of conformity can be made"),
    ],
)
def test_the_statement_follows_the_gate(tmp_path: Path, verdicts: list[str], text: str) -> None:
    run = Run(tmp_path / "run")
    for number, verdict in enumerate(verdicts):
        run.test(f"t.py::test_{number}", verdict)
    assert text in both(tmp_path, run.end())[1][0]


def test_a_rule_of_another_name_has_no_risk_made_up(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", decision_rule="simple")
    run.test("t.py::test_a", within=(("measurement", {**VOLTS, "decision_rule": "house"}),))
    html, _ = both(tmp_path, run.end())
    assert "house: its risk is not stated" in html.text
    assert "up to 50 %" in html.text


def test_two_builds_are_the_same_to_the_byte(tmp_path: Path) -> None:
    run = typical(tmp_path / "run")
    first = [path.read_bytes() for path in write_document(run, tmp_path, issued=DAY)]
    again = [path.read_bytes() for path in write_document(run, tmp_path, issued=DAY)]
    assert first == again
    program = (
        "import sys, datetime; from pathlib import Path;"
        "from hil.evidence.run_record import read_run;"
        "from hil.report.document import write_document;"
        "write_document(read_run(Path(sys.argv[1])), Path(sys.argv[2]),"
        " issued=datetime.date(2026, 11, 27))"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "run"), str(tmp_path / "other")],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        timeout=120,
    )
    other = [(tmp_path / "other" / name).read_bytes() for name in ("report.html", "report.pdf")]
    assert first == other


def test_whatever_differs_has_another_number(tmp_path: Path) -> None:
    run = typical(tmp_path / "run")
    numbers = {
        build(run, issued=DAY, waiver=no_waiver).number,
        build(run, issued=DAY + datetime.timedelta(1), waiver=no_waiver).number,
        build(run, issued=DAY, waiver=lambda _: "W").number,
        build(run, issued=DAY, waiver=no_waiver, amends="TR-1").number,
    }
    assert len(numbers) == 4
    replaced = build(run, issued=DAY, waiver=no_waiver, amends="TR-1")
    assert "Amendment to report TR-1" in str(replaced.blocks)


@pytest.mark.parametrize("has_font", [True, False])
def test_any_text_can_be_printed(
    tmp_path: Path, has_font: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_font:
        monkeypatch.setattr(fonts, "_folders", list)
    evil = "<b>&amp;</b> \u202e\udc80\x00 żółć 東京 \U0001f600 </style><script>x</script>"
    run = Run(tmp_path / "run", laboratory={"name": evil, "address": "\\ \" ' </style>"})
    run.write("equipment", {**SUPPLY, "name": evil, "serial": "x" * 10_000})
    run.test("t.py::test_" + "n" * 10_000, "FAIL", evil + " long " * 3000, title=evil)
    run.test("t.py::" + "東" * 10_000, title="東" * 10_000, requirements=["東" * 500])
    hostile = {"name": evil, "value": "x" * 5000, "unit": {"a": 1}, "limits": {"low": "?"}}
    run.test("t.py::test_values", within=(("measurement", {**hostile, "verdict": evil}),))
    html, sheets = both(tmp_path, run.end())
    assert "script" not in html.tags
    assert "東京" in html.text
    text = " ".join(sheets)
    assert "<b>&amp;</b>" in text
    assert "\\u202e\\udc80\\x00" in text
    assert "\\u6771\\u4eac" in text
    assert ("żółć" if has_font else "\\u017c\xf3\\u0142\\u0107") in text


def test_without_the_library_the_page_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not pdf_lacks()
    monkeypatch.setitem(sys.modules, "reportlab", None)
    assert "pip install 'hil-esim[report]'" in pdf_lacks()
    made = write_document(typical(tmp_path / "run"), tmp_path, issued=DAY)
    assert [path.name for path in made] == ["report.html"]


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    html, _ = both(tmp_path, typical(tmp_path / "run"))
    assert not html.sources
    assert not [link for link in html.links if not link.startswith("#")]
    assert not html.tags & {"script", "link", "iframe", "object"}


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="the report cannot be written"):
        write_document(typical(tmp_path / "run"), tmp_path / "file" / "x", issued=DAY)
