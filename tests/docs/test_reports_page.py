"""docs/reports.md: its commands parse, its examples run, its tables name what is made."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from hil.cli import report
from hil.evidence.verdict import WORST_FIRST
from tests.docs.pages import ROOT, blocks, table, words
from tests.report.runs import typical

PAGE = ROOT / "docs" / "reports.md"


def test_its_commands_are_ones() -> None:
    parser = argparse.ArgumentParser()
    report.configure(parser)
    (block,) = (block for block in blocks(PAGE) if block.language == "sh")
    formats = set()
    for line in block.text.splitlines():
        command, name, *arguments = shlex.split(line, comments=True)
        assert (command, name) == ("hil", "report")
        formats.add(parser.parse_args(arguments).format)
    assert formats == {"allure", "plain", "document", "matrix", "all"}
    options = {word for action in parser._actions for word in action.option_strings}
    text = PAGE.read_text(encoding="utf-8")
    assert all(word in options for word in ("--folder", "--issued", "--amends", "--break-seal"))
    assert all(f"`{word}" in text for word in ("--folder", "--issued", "--amends", "--break-seal"))


def test_its_examples_run_and_make_the_files_of_its_table(tmp_path: Path) -> None:
    shared: dict[str, Any] = {}
    for block in blocks(PAGE):
        if block.language == "python":
            exec(compile(block.text, "docs/reports.md", "exec"), shared)  # noqa: S102
    made = shared["views"](typical(tmp_path).folder)
    found = {path.relative_to(tmp_path).as_posix() for path in made}
    said = set()
    for row in table("docs/reports.md", "view"):
        first, *others = words(row[1])
        said |= {first, *(str(Path(first).with_suffix(other)) for other in others)}
    assert said == found | {"report/index.html"}


def test_the_order_of_verdicts_is_the_one() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"in the order {', '.join(WORST_FIRST)}:" in text
