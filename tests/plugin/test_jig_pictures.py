"""Every test at the jig leaves its picture in Allure, whatever its verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = '''
import pytest
from hil.equipment.power_supply.stimulus import Pulse
from hil.errors import BenchError

pytestmark = [pytest.mark.requires("jig.voltage", "device"), pytest.mark.requirement("R-24")]

def test_good(jig):
    """A short visit is refused."""
    assert not jig.play(Pulse(1.8, 0.08, base=1.5)).was_accepted

def test_bad(jig):
    jig.attach()
    jig.sense()
    assert False

def test_broken(jig):
    jig.attach()
    raise BenchError("a cable came off")

def test_without_it(device):
    pass
'''


def test_a_picture_for_each_verdict(tmp_path: Path) -> None:
    (tmp_path / "test_jig.py").write_text(TESTS, "utf-8")
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"), "utf-8")
    results = tmp_path / "results"
    command = [
        *(sys.executable, "-m", "pytest", "-q", "--hil-bench", "virtual-inprocess"),
        *("-p", "no:cacheprovider", "-p", "no:randomly", f"--alluredir={results}", str(tmp_path)),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HIL_LAB_CONFIG": str(ROOT / "lab-config"),
        "HIL_RUN_DIR": str(tmp_path / "run"),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert "2 failed, 2 passed" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    for name, verdict in (("good", "PASS"), ("bad", "FAIL"), ("broken", "ERROR")):
        pictures, tables = _attached(results, f"test_{name}")
        (picture,) = pictures
        assert f">{verdict}<" in picture
        assert len(tables) == 1
        assert "jig" in tables[0]
    assert _attached(results, "test_without_it") == ([], [])
    kept = sorted(path.suffix for path in (tmp_path / "run").rglob("waveforms/*"))
    assert kept == [".csv", ".csv", ".csv", ".svg", ".svg", ".svg"]


def _attached(results: Path, name: str) -> tuple[list[str], list[str]]:
    """Return the pictures and the tables of one test, wherever Allure hung them."""
    found = [json.loads(path.read_text("utf-8")) for path in results.glob("*-result.json")]
    (result,) = [one for one in found if one["fullName"].endswith(f"#{name}")]
    holders = [json.loads(path.read_text("utf-8")) for path in results.glob("*-container.json")]
    mine = [one for one in holders if result["uuid"] in one.get("children", [])]
    steps = [*result.get("attachments", [])]
    for holder in mine:
        for step in (*holder.get("befores", []), *holder.get("afters", [])):
            steps += step.get("attachments", [])
    bodies: dict[str, list[str]] = {"image/svg+xml": [], "text/csv": []}
    for one in steps:
        if one["type"] in bodies:
            bodies[one["type"]].append((results / one["source"]).read_text("utf-8"))
    return bodies["image/svg+xml"], bodies["text/csv"]
