"""The examples of docs/jig-stimulus.md: the stimuli are what they say, the test cases run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT, blocks
from tests.thorough import thorough

PAGE = ROOT / "docs" / "jig-stimulus.md"


def test_the_data_of_the_page() -> None:
    for block in blocks(PAGE):
        if block.language == "python" and not block.file:
            exec(compile(block.text, block.id, "exec"), {})  # noqa: S102 - the page's own words


@thorough
def test_the_test_cases_of_the_page(tmp_path: Path) -> None:
    for block in blocks(PAGE):
        if block.file:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--hil-bench", "virtual-inprocess"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HIL_LAB_CONFIG": str(ROOT / "lab-config")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "4 passed" in done.stdout
