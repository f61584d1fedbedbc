"""A defect planted in a copy of the product, and the test cases that are to notice it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
BENCH: Final = "virtual-inprocess"
_COPIED: Final = ("hil", "fixtures", "testcases", "lab-config")
_TIMEOUT_S: Final = 900


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect: in ``file``, ``before`` (which stands there once) becomes ``after``.

    ``caught_by``: ids of conformance cases, or node ids of other test cases; each of them FAILs.
    """

    name: str
    file: str
    before: str
    after: str
    caught_by: tuple[str, ...]

    def fits(self) -> bool:
        """Whether the product still has the place for it, exactly once."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        return text.count(self.before) == 1

    def row(self) -> str:
        """Return its row in the tables of docs/conformance.md."""
        shown = ", ".join(f"`{one.removeprefix('testcases/')}`" for one in self.caught_by)
        return f"| {self.name} | {shown} |"


def plant(folder: Path, *defects: Defect) -> Path:
    """Copy product and test cases into a folder, with the defects; return the copy."""
    for defect in defects:
        if not defect.fits():
            raise ValueError(f"{defect.file} does not have once: {defect.before}")
    for name in _COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for defect in defects:
        place = folder / defect.file
        text = place.read_text(encoding="utf-8").replace(defect.before, defect.after)
        place.write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, chosen: Sequence[str]) -> dict[str, str]:
    """Run chosen cases, or paths, in a copy; return the verdict of each by what it is called.

    A conformance case is called by its id, another by its node id without parameters.
    :class:`RuntimeError` if nothing ran.
    """
    cases = [one for one in chosen if not one.startswith("testcases/")]
    paths = [one for one in chosen if one.startswith("testcases/")]
    found: dict[str, str] = {}
    if cases:
        found |= _run(folder, "testcases/conformance", "--hil-case", ",".join(cases))
    if paths:
        found |= _run(folder, *paths)
    return found


def _run(folder: Path, *chosen: str) -> dict[str, str]:
    report = folder / "junit.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", *chosen, "-q", "--hil-bench", BENCH]
    # Each run has a folder of its own: nobody writes into the evidence of another.
    kept = tempfile.mkdtemp(prefix="run-", dir=folder)
    command += ["--hil-run-dir", kept, f"--junitxml={report}"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "HIL_LAB_CONFIG": str(folder / "lab-config")},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    if not report.exists():
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return verdicts(report)


def verdicts(report: Path) -> dict[str, str]:
    """Return the verdict of each case in a JUnit file of a run; of its rows the worst.

    A row that fails and then breaks in its teardown stands there twice, and the second time only
    with its verdict.
    """
    rows: dict[str, tuple[str, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - of our own run
        of = {one.get("name"): one.get("value", "") for one in case.iter("property")}
        node = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        rows[node] = (of.get("case") or node.partition("[")[0], of.get("verdict", "ERROR"))
    found: dict[str, str] = {}
    for name, verdict in rows.values():
        if found.get(name, "PASS") == "PASS":
            found[name] = verdict
    return found
