"""Every example of docs/history.md, run; its table of options against the command."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import pytest

from hil.cli import OK, history, main
from hil.history import FILE, History
from tests.docs.pages import ROOT, blocks, table, words
from tests.history.test_page import fill

PAGE = ROOT / "docs" / "history.md"


def test_its_examples_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    examples = [block for block in blocks(PAGE) if block.language == "python"]
    shared: dict[str, object] = {}
    for block in examples:
        exec(compile(block.text, "docs/history.md", "exec"), shared)  # noqa: S102
    assert len(examples) == 4
    assert shared["one"] is None
    assert shared["every"] is None


def test_its_commands_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_RUNS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with History(tmp_path / FILE, writable=True) as store:
        fill(store, days=3)
    (block,) = (block for block in blocks(PAGE) if block.language == "sh")
    lines = [shlex.split(line, comments=True) for line in block.text.splitlines()]
    assert [line[0] for line in lines] == ["hil"] * 4
    for line in lines:
        given = ["test<" if word == "test_holds" else word for word in line[1:]]
        assert main(given) == OK
    assert (tmp_path / "history.html").is_file()


def test_every_option_stands_there() -> None:
    parser = argparse.ArgumentParser()
    history.configure(parser)
    options = {name for action in parser._actions for name in action.option_strings}
    documented = {words(row[0])[0] for row in table("docs/history.md", "option")}
    assert documented == {name for name in options if name.startswith("--")} - {
        "--measurement",
        "--help",
    }
