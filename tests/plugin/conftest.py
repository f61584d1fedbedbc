"""pytest sessions of their own, on benches of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Session = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lab_folder(tmp_path: Path) -> Path:
    """A copy of the shipped lab-config."""
    folder = tmp_path / "lab-config"
    shutil.copytree(ROOT / "lab-config", folder)
    return folder


@pytest.fixture
def environment(lab_folder: Path) -> dict[str, str]:
    """An environment without any setting of ours, and without plugins that happen to be there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIL_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture
def session(tmp_path: Path, environment: dict[str, str]) -> Session:
    """Run pytest with the plugin on the given test source; keyword arguments are variables."""

    def run(source: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "test_it.py"
        path.write_text(source)
        command = [sys.executable, "-m", "pytest", "-p", "hil.plugin", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, *options, str(path)],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run
