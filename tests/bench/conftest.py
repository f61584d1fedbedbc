"""A lab-config folder of its own for each test that wants to break it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "lab-config"


@pytest.fixture
def lab_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped lab-config, as the only one there is."""
    folder = tmp_path / "lab-config"
    shutil.copytree(SHIPPED, folder)
    monkeypatch.chdir(tmp_path)
    for name in ("HIL_LAB_CONFIG", "HIL_TS48_DIR", "HIL_BENCH"):
        monkeypatch.delenv(name, raising=False)
    return folder
