"""A run that is killed at any moment can be closed, sealed and verified, as what it is."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from hil.evidence.gate import INCOMPLETE, gate
from hil.evidence.recovery import recover
from hil.evidence.run_record import read_run
from hil.seal import seal_run, verify_run
from tests.seal.runs import KEY

ROOT = Path(__file__).parents[2]
TIMES = 10
START_S = 60


def _killed_run(folder: Path, records: int) -> None:
    """Have a process write, and kill it as it writes, once it has written so many records."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.seal.writing", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    path = folder / "journal" / "main.jsonl"
    deadline = time.monotonic() + START_S
    try:
        while not (path.exists() and path.stat().st_size > 300 * records):
            assert time.monotonic() < deadline, "it does not write"
            assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_ten_kills_leave_ten_runs_that_can_be_sealed(tmp_path: Path) -> None:
    chance = random.Random()  # noqa: S311 - any moment will do
    for number in range(TIMES):
        folder = tmp_path / str(number)
        _killed_run(folder, chance.randrange(1, 400))
        before = (folder / "journal" / "main.jsonl").read_bytes()
        # Nothing that was written is lost by closing it, and nothing is changed.
        recover(folder, by="a test", why="it was killed")
        assert (folder / "journal" / "main.jsonl").read_bytes().startswith(before)
        run = read_run(folder)
        assert run.faults == ()
        assert run.recovered
        assert gate(run).code == INCOMPLETE
        written = before.count(b'"event":"test-end"')
        ended = [test for test in run.tests.values() if test.verdict == "PASS"]
        assert len(ended) in (written, written - 1), "a test that was broken off is no PASS"
        seal_run(folder, KEY)
        found = verify_run(folder, KEY.public)
        assert found.breaks == []
        assert any("not complete" in one for one in found.warnings)
        os.truncate(folder / "journal" / "main.jsonl", len(before))
        assert not verify_run(folder, KEY.public).whole
