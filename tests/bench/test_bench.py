"""The whole virtual bench, over its real transports, each in a process of its own.

A process of its own, because the PC/SC library reads its service's address once a process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.bench.pcscd import missing
from tests.thorough import thorough

ROOT = Path(__file__).parents[2]
BENCHES = [
    pytest.param("virtual", marks=pytest.mark.skipif(bool(missing()), reason="no PC/SC here")),
    "virtual-inprocess",
]
OPEN = """
import json, os, sys, time
from pathlib import Path
from hil.bench.bench import Bench
from hil.bench.lab import load_lab
bench = Bench(load_lab(sys.argv[1]), Path(sys.argv[2]))
def tell(**facts):
    print(json.dumps(facts), flush=True)
def parts():
    return {name: part.pid for name, part in bench.launcher._parts.items()}
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.01)


@pytest.fixture
def start(lab_folder: Path, tmp_path: Path) -> Callable[[str, str], subprocess.Popen[str]]:
    """Start a process that has a bench and does what the script says."""

    # Tests of the card, run before in this process, leave their PC/SC service in its environment.
    outside = {key: value for key, value in os.environ.items() if key != "PCSCLITE_CSOCK_NAME"}

    def begin(bench: str, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPEN + script, bench, str(tmp_path / "work")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**outside, "PYTHONPATH": str(ROOT)},
        )

    return begin


Start = Callable[[str, str], "subprocess.Popen[str]"]


def facts(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, errors = process.communicate(timeout=20)
        pytest.fail(f"the process said nothing:\n{errors}")
    told: dict[str, Any] = json.loads(line)
    return told


@pytest.mark.parametrize("bench", BENCHES)
def test_jig_rail_card_and_device_live_on_the_same_copper(start: Start, bench: str) -> None:
    script = """
from hil.equipment.card.euicc import read_eid
with bench:
    device = bench.device
    before = device.jig().accepted
    with bench.jig.attached():
        deadline = time.monotonic() + 5
        while not device.jig().accepted and time.monotonic() < deadline:
            time.sleep(0.05)
        during = device.jig()
    bench.card.connect()
    tell(before=before, during=during.accepted, volts=during.volts,
         eid=read_eid(bench.card), seen=device.identity().eid,
         rail=bench.rail.read().volts, parts=parts(), environment=dict(os.environ))
closed = [getattr(bench, "opened")(name) for name in ("device", "card", "power_supply")]
tell(opened=closed, pcsc="PCSCLITE_CSOCK_NAME" in os.environ)
"""
    with start(bench, script) as process:
        told = facts(process)
        after = facts(process)
    assert process.returncode == 0
    assert told["before"] is False
    assert told["during"] is True
    assert told["volts"] == pytest.approx(1.8, abs=0.05)
    assert told["rail"] == pytest.approx(3.8, abs=0.05)
    assert told["eid"] == told["seen"] == "89049032000000000012345678901212"
    assert after == {"opened": [False, False, False], "pcsc": False}
    assert {"power-supply", "device"} <= set(told["parts"])
    assert not any(alive(pid) for pid in told["parts"].values())
    assert ("PCSCLITE_CSOCK_NAME" in told["environment"]) == (bench == "virtual")


def test_nothing_starts_before_it_is_used(start: Start) -> None:
    script = """
with bench:
    first = parts()
    bench.power_supply
    tell(first=first, second=list(parts()))
    bench.close()
    bench.close()
"""
    with start("virtual-inprocess", script) as process:
        told = facts(process)
    assert process.returncode == 0
    assert told == {"first": {}, "second": ["power-supply"]}


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, signal.SIGINT, pytest.param(signal.SIGHUP, marks=thorough)],
    ids=str,
)
def test_signals_switch_the_outputs_off_first(start: Start, number: signal.Signals) -> None:
    script = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
bench.rail.on()
bench.jig.attach()
off = bench._guard.switch_off
def proven(supply):
    report = off(supply)
    tell(off=[supply.channel(n).status().on for n in (1, 2)])
    return report
bench._guard.switch_off = proven
tell(parts=parts())
time.sleep(60)
"""
    with start("virtual-inprocess", script) as process:
        told = facts(process)
        started = time.monotonic()
        process.send_signal(number)
        assert facts(process) == {"off": [False, False]}
        assert time.monotonic() - started < 2
        process.wait(10)
    assert process.returncode != 0
    until(lambda: not any(alive(pid) for pid in told["parts"].values()))


@pytest.mark.parametrize("bench", BENCHES)
def test_kill_9_leaves_no_process_behind(start: Start, bench: str) -> None:
    script = """
bench.launcher.power_supply(), bench.launcher.card(), bench.launcher.device()
tell(parts=parts(), pcscd=[p for p in os.popen("pgrep -P %d" % os.getpid()).read().split()])
time.sleep(60)
"""
    with start(bench, script) as process:
        told = facts(process)
        children = [*told["parts"].values(), *map(int, told["pcscd"])]
        assert all(alive(pid) for pid in told["parts"].values())
        process.kill()
    until(lambda: not any(alive(pid) for pid in children), timeout_s=8)


def test_a_part_that_does_not_start_is_told_with_its_log(start: Start, lab_folder: Path) -> None:
    path = lab_folder / "virtual-inprocess.yaml"
    path.write_text(path.read_text().replace("  life: dev", "    config: {x: 1}\n  life: dev"))
    script = """
from hil.errors import BenchError
try:
    bench.launcher.device()
except BenchError as err:
    tell(said=str(err))
bench.close()
"""
    with start("virtual-inprocess", script) as process:
        told = facts(process)
    assert "virtual device ended before it was ready" in told["said"]
    assert "device.log" in told["said"]


def test_a_lost_supply_is_an_error_that_names_the_bench(start: Start) -> None:
    script = """
from hil.errors import BenchError
bench.rail.on()
bench.launcher._parts["power-supply"].stop()
try:
    bench.close()
except BenchError as err:
    tell(said=str(err))
os._exit(0)
"""
    with start("virtual-inprocess", script) as process:
        told = facts(process)
    assert "bench 'virtual-inprocess' did not close cleanly" in told["said"]
    assert "power supply off" in told["said"]


def test_files_with_keys_are_private(start: Start, tmp_path: Path) -> None:
    script = """
bench.launcher.device()
folder = bench.launcher._state()
modes = [folder.stat().st_mode, (folder / "device.json").stat().st_mode]
bench.close()
tell(folder=str(folder), modes=modes)
"""
    with start("virtual-inprocess", script) as process:
        told = facts(process)
    assert all(mode & 0o077 == 0 for mode in told["modes"])
    assert not Path(told["folder"]).exists()
    assert {path.suffix for path in (tmp_path / "work").iterdir()} <= {".log"}
