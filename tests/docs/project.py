"""A small project as the pages make it: their files, and what was shipped beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.docs.pages import ROOT, Block


def write_files(folder: Path, blocks: Iterable[Block]) -> None:
    """Make a project in ``folder``; each block with a ``file=`` tag becomes that file."""
    for name in ("fixtures", "lab-config"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "testcases").mkdir(exist_ok=True)
    (folder / "testcases" / "__init__.py").touch()
    for block in blocks:
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            # A key set file is refused unless its owner made it private.
            path.touch(mode=0o600 if "keysets" in path.parts else 0o644)
            path.write_text(block.text, encoding="utf-8")


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without any setting of ours but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIL_")}
    scripts = str(Path(sys.executable).parent)
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PYTHONPATH": str(ROOT), "PATH": path} | dict(more)


def run(
    folder: Path, command: list[str], more: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run one command of a page in the project."""
    if command[0] == "./lab":
        command = [sys.executable, "-m", "hil", *command[1:]]
    elif command[0] == "pytest":
        command = [sys.executable, "-m", *command]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
