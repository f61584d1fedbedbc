"""Ctrl-C wherever it comes: outputs off, the verdicts told, and no exit code of 0."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.power_supply.part import Part
from tests.safety.run import a_run
from tests.thorough import thorough

SLOW = """
@pytest.fixture
def slow(power_supply):
    {setup}
    yield
    {teardown}

@pytest.mark.usefixtures("slow")
@pytest.mark.requires("power_supply.jig")"""
HANG = "pathlib.Path('hangs').touch(); time.sleep(60)"


@pytest.mark.parametrize(
    ("place", "times"),
    [
        ("body", 1),
        ("teardown", 2),
        pytest.param("setup", 1, marks=thorough),
        pytest.param("body", 2, marks=thorough),
        pytest.param("setup", 2, marks=thorough),
        pytest.param("teardown", 1, marks=thorough),
    ],
)
def test_interrupt(tmp_path: Path, part: Part, place: str, times: int) -> None:
    where = {one: HANG if one == place else "pass" for one in ("setup", "body", "teardown")}
    marks = SLOW.format(setup=where["setup"], teardown=where["teardown"])
    with a_run(tmp_path, part, where["body"], marks=marks) as run:
        deadline = time.monotonic() + 60
        while not (tmp_path / "hangs").exists():
            assert run.process.poll() is None, run.output()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        begun = time.monotonic()
        for _ in range(times):
            os.killpg(run.process.pid, signal.SIGINT)
            time.sleep(0.02)
        run.wait_off(begun)
        assert run.code() != 0
        assert "ABORTED  interrupted" in run.output()
        assert "PASS 0  FAIL 0  INCONCLUSIVE 1" in run.output()
