"""The tool as a user calls it, in a small project of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Hil = Callable[..., subprocess.CompletedProcess[str]]
SMALL = """
schema: 1
power_supply:
  model: DP832
  virtual: {serial: DP8C000000007}
  channels:
    jig: {channel: 1, max_voltage: 5.5 V, max_current: 100 mA, ovp: 6 V, ocp: 150 mA}
"""
TESTS = """
import pytest

@pytest.mark.requirement("R-24")
def test_good():
    assert True

@pytest.mark.requirement("R-24", "R-12", refusal=True)
@pytest.mark.requires("card")
def test_needs_a_card():
    pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two test cases, a bench of one supply, and a bench with nothing on it."""
    shutil.copytree(ROOT / "lab-config", tmp_path / "lab-config")
    (tmp_path / "lab-config" / "small.yaml").write_text(SMALL)
    (tmp_path / "lab-config" / "bare.yaml").write_text("schema: 1\n")
    (tmp_path / "testcases").mkdir()
    (tmp_path / "testcases" / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text("")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    """An environment without any setting of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIL_")}
    return kept | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def hil(project: Path, environment: dict[str, str]) -> Hil:
    """Call the tool in the project; keyword arguments are environment variables."""

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hil", *arguments],
            cwd=project,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    return call
