"""docs/conformance.md, command by command: the catalogue, and cases on a card of its own."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from hil.bench.pcscd import missing
from tests.docs import project
from tests.docs.equipment import equipment
from tests.docs.pages import ROOT, blocks
from tests.thorough import thorough

PAGE = blocks(ROOT / "docs" / "conformance.md")
pytestmark = pytest.mark.skipif(bool(missing()), reason="; ".join(map(str, missing())))


@thorough
def test_the_set_is_listed_and_runs_on_a_card_in_a_reader(tmp_path: Path) -> None:
    folder = tmp_path / "a project"
    folder.mkdir()
    project.write_files(folder, PAGE)
    shutil.copytree(ROOT / "testcases" / "conformance", folder / "testcases" / "conformance")
    bench = folder / "lab-config" / "foreign-card.yaml"
    (commands,) = (block.text for block in PAGE if block.language == "sh")
    with equipment(tmp_path) as real:
        bench.write_text(real.into(bench.read_text(encoding="utf-8")), encoding="utf-8")
        said = [
            project.run(folder, shlex.split(line, comments=True), real.environment)
            for line in commands.splitlines()
        ]
    assert [done.returncode for done in said] == [0] * len(said), said[-1].stdout + said[-1].stderr
    assert "EUICC-ES5-ENABLE-01" in said[0].stdout
    assert "preconditions" in said[1].stdout
    assert "FAIL 0  INCONCLUSIVE 0  ERROR 0  NOT APPLICABLE 0" in said[2].stdout
