"""README.md and docs/lab-guide.md, walked through as their readers do, command by command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import yaml

from hil.bench.pcscd import missing
from tests.docs import project
from tests.docs.equipment import Equipment, equipment
from tests.docs.pages import ROOT, Block, blocks
from tests.thorough import thorough

README = blocks(ROOT / "README.md")
GUIDE = blocks(ROOT / "docs" / "lab-guide.md")
needs_pcsc = pytest.mark.skipif(bool(missing()), reason="; ".join(map(str, missing())))
FIRST = "testcases/test_my_first.py"


def commands(found: list[Block], tag: str) -> list[list[str]]:
    lines = [line for block in found if block.tag == tag for line in block.text.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def named(words: list[str]) -> str:
    return " ".join(words[:2])


def test_every_command_has_a_place_to_run() -> None:
    for block in README + GUIDE:
        if block.language == "sh":
            assert block.tag in ("whole", "on=bench", "on=virtual-inprocess"), block.id


def test_the_whole_is_what_ci_runs() -> None:
    """``./lab run`` and ``./lab test`` are too much for a test; they are the CI's first lines."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    (whole,) = (block for block in README if block.tag == "whole")
    for words in commands([whole], "whole"):
        assert shlex.join(words) in script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a project"


def without(path: Path, *sections: str) -> None:
    """Take out what the tests of the pages do not need, and what takes long to start."""
    bench = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name in sections:
        del bench[name]
    path.write_text(yaml.safe_dump(bench), encoding="utf-8")


@pytest.mark.parametrize(
    "found", [README, pytest.param(GUIDE, marks=thorough)], ids=["README", "lab-guide"]
)
def test_own_tests_on_the_virtual_bench(folder: Path, found: list[Block]) -> None:
    folder.mkdir()
    project.write_files(folder, found)
    without(folder / "lab-config" / "virtual-inprocess.yaml", "servers", "network")
    told = commands(found, "on=virtual-inprocess")
    assert told
    for words in told:
        done = project.run(folder, words, {"HIL_BENCH": "virtual-inprocess"})
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        passed = 3 if words[:2] == ["pytest", "testcases"] else 1  # all of the page, or one
        assert f"PASS {passed}  FAIL 0  INCONCLUSIVE 0  ERROR 0  NOT APPLICABLE 0" in done.stdout
    (journal,) = (folder / "runs").glob("*/journal/main.jsonl")
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    exchanges = [line for line in lines if line["event"] == "exchange"]
    assert any(line["body"]["link"] == "apdu" for line in exchanges) or found is GUIDE
    for block in found:
        if block.tag == "trace":
            shown = json.loads(block.text)
            assert any(line.keys() == shown.keys() for line in exchanges)
            assert any(
                line["body"].keys() == shown["body"].keys()
                and line["body"]["text"] == shown["body"]["text"]
                for line in exchanges
            )


def test_the_banner_shown_is_the_banner_given(folder: Path) -> None:
    (shown,) = (block.text for block in README if block.tag == "banner")
    done = project.run(ROOT, ["./lab", "bench-info", "--no-open", "--bench", "virtual"], {})
    given = done.stdout.splitlines()
    rows = shown.splitlines()
    assert rows[0] == given[0]
    for row in rows[1:]:
        name = row.strip().partition("  ")[0]
        if name != "…":
            assert any(line.strip().startswith(name) and "VIRTUAL" in line for line in given)


@needs_pcsc
@pytest.mark.parametrize(
    "found", [pytest.param(README, marks=thorough), GUIDE], ids=["README", "lab-guide"]
)
def test_the_way_to_a_real_bench(tmp_path: Path, folder: Path, found: list[Block]) -> None:
    """Supply, reader and serial line are where a bench file names them; nothing starts them."""
    folder.mkdir()
    with equipment(tmp_path) as real:
        for words in commands(found, "on=bench"):
            if named(words) == "./lab discover":
                project.write_files(folder, (b for b in README + GUIDE if b.language == "python"))
            elif named(words) == "chmod 600":
                # What the reader has written by now.
                write_bench(folder, found, real)
                (folder / words[2]).chmod(0o644)
            here = [real.into(word).replace("testcases/esim", FIRST) for word in words]
            done = project.run(folder, here, real.environment)
            assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
            if named(words) == "./lab discover":
                assert real.visa in done.stdout
                assert (folder / "lab-config" / "my-bench.yaml").is_file()
            elif named(words) == "./lab doctor":
                assert "found         power supply" in done.stdout
            elif named(words) == "./lab run":
                assert "FAIL 0  INCONCLUSIVE 0  ERROR 0" in done.stdout
                if found is GUIDE:
                    assert "PASS" in done.stdout
                    assert "NOT APPLICABLE 0" in done.stdout
                assert "VIRTUAL" not in done.stdout.splitlines()[0]


def write_bench(folder: Path, found: list[Block], real: Equipment) -> None:
    project.write_files(folder, found)
    path = folder / "lab-config" / "my-bench.yaml"
    path.write_text(real.into(path.read_text(encoding="utf-8")), encoding="utf-8")
    without(path, "servers")
