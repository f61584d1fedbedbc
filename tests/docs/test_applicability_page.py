"""Every example of docs/applicability.md, read or run; its tables against the models."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pytest
import yaml

from hil.applicability import ExpressionError, parse
from hil.applicability.ics_file import IcsFile, read_ics
from hil.bench.config import BenchFile
from hil.evidence.waivers import WaiverSection, read_waivers
from hil.not_applicable import NotApplicable
from tests.docs.pages import ROOT, Block, blocks, table, words
from tests.plugin.conftest import Session, environment, session

__all__ = ["environment", "session"]

PAGE = ROOT / "docs" / "applicability.md"
NAME = "docs/applicability.md"
BLOCKS = blocks(PAGE)


def block_of(file: str) -> Block:
    (found,) = (block for block in BLOCKS if block.file == file)
    return found


def written(folder: Path, file: str) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block_of(file).text, encoding="utf-8")
    return path


@pytest.fixture
def lab_folder(tmp_path: Path) -> Path:
    """The shipped lab-config, with files and product of the page."""
    folder = tmp_path / "lab-config"
    shutil.copytree(ROOT / "lab-config", folder)
    for file in ("lab-config/ics/tracker.yaml", "lab-config/waivers/tracker.yaml"):
        written(tmp_path, file)
    bench = folder / "virtual.yaml"
    data = yaml.safe_load(bench.read_text(encoding="utf-8"))
    bench.write_text(json.dumps(data | yaml.safe_load(section().text)), encoding="utf-8")
    return folder


def section() -> Block:
    (found,) = (block for block in BLOCKS if block.language == "yaml" and not block.file)
    return found


def test_its_statement_and_its_conditions(tmp_path: Path) -> None:
    ics, problems = read_ics(written(tmp_path, "lab-config/ics/tracker.yaml"))
    assert ics is not None
    assert problems == []
    truths = {}
    for row in table(NAME, "condition"):
        condition = words(row[0])[0]
        truths[condition] = parse(condition).evaluate(ics.stated).applies
    assert truths == {
        "O_HTTPS": False,
        "not O_HTTPS": True,
        "A.4/7 and O_HTTPS": False,
        "A.4/7 or O_HTTPS": True,
        "A.4/8 >= 2": True,
        "IF A.4/7 THEN R ELSE N/A": True,
    }
    (told,) = (block for block in BLOCKS if block.tag.startswith("condition="))
    with pytest.raises(ExpressionError) as wrong:
        parse(told.tag.partition("=")[2]).evaluate(ics.stated)
    assert str(wrong.value) == told.text.strip()


def test_its_test_is_chosen_by_the_statement(
    session: Session, tmp_path: Path, lab_folder: Path
) -> None:
    source = block_of("testcases/test_objects.py").text
    source += (
        "\n\n@pytest.fixture\ndef card():\n"
        "    class Card:\n        def reset(self): return b'\\x3b'\n    return Card()\n"
    )
    session(source, "--hil-bench", "virtual")
    assert verdict(tmp_path) == "PASS"
    path = lab_folder / "ics" / "tracker.yaml"
    path.write_text(path.read_text().replace("support: 8", "support: 1"), encoding="utf-8")
    session(source, "--hil-bench", "virtual")
    assert verdict(tmp_path) == "NOT APPLICABLE"


def verdict(folder: Path) -> str:
    (entry,) = json.loads((folder / "runs" / "verdicts.json").read_text()).values()
    return str(entry["verdict"])


def test_its_product_is_one_of_a_bench() -> None:
    data = yaml.safe_load(section().text)
    bench = BenchFile.model_validate({"schema": 1} | data)
    assert bench.product is not None
    assert bench.product.ics == "ics/tracker.yaml"


def test_its_python_is_true() -> None:
    shared: dict[str, object] = {}
    ran = 0
    for block in BLOCKS:
        if block.language == "python" and not block.file:
            exec(compile(block.text, NAME, "exec"), shared)  # noqa: S102
            ran += 1
    assert ran == 1
    open_objects = shared["open_objects"]
    assert callable(open_objects)
    open_objects(0x9000)
    with pytest.raises(NotApplicable) as told:
        open_objects(0x6A88)
    assert told.value.item == "A.4/7"


def test_its_waivers_are_read(tmp_path: Path) -> None:
    waivers = read_waivers(written(tmp_path, "lab-config/waivers/tracker.yaml"))
    day = datetime.date(2026, 11, 26)
    found = waivers.for_("t", "EUICC-ES5-STATUS-04", (), "FAIL", day)
    assert found is not None
    assert found.id == "W-7"
    test = "testcases/jig_attacks/test_ripple.py::test_it[1-a]"
    assert waivers.for_(test, "", (), "INCONCLUSIVE", day) == waivers.waivers[1]


def test_every_key_stands_there() -> None:
    items = {f"items.ID.{name}" for name in ("text", "reference", "support")}
    given = {words(row[0])[0] for row in table(NAME, "key of an ICS")}
    assert given == {info.alias or name for name, info in IcsFile.model_fields.items()} | items
    given = {words(row[0])[0] for row in table(NAME, "key of a waiver")}
    assert given == set(WaiverSection.model_fields)


def test_the_shipped_statement_names_every_item_that_a_test_asks_for() -> None:
    ics, _ = read_ics(ROOT / "lab-config" / "ics" / "virtual.yaml")
    assert ics is not None
    asked: set[str] = set()
    for path in (ROOT / "testcases").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in ics.stated:
            asked |= {name} if f'"{name}"' in text else set()
    assert asked == set(ics.stated), "an item that nobody asks for"
