"""Sessions with a virtual bench: opened once a process, closed whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.plugin.conftest import Session
from tests.thorough import thorough

CONFTEST = """
import pytest
from hil.plugin import run_of

@pytest.fixture(scope="session")
def bench(request):
    return run_of(request.config).bench()

@pytest.fixture(scope="session")
def supply(request):
    return run_of(request.config).use("power_supply", lambda bench: bench.power_supply)
"""
TESTS = """
import json, os, pytest
from pathlib import Path

pytestmark = [pytest.mark.requires("power_supply.jig"), pytest.mark.requirement("R-24")]

def note(bench):
    pids = {n: p.pid for n, p in bench.launcher._parts.items()}
    facts = {"folder": str(bench.folder), "pids": pids, "self": os.getpid()}
    name = os.environ.get("PYTEST_XDIST_WORKER", "main")
    Path(f"{name}-{os.environ['PYTEST_CURRENT_TEST'].split('::')[1].split(' ')[0]}.json"
        ).write_text(json.dumps(facts))

def test_a(supply, bench):
    bench.jig.attach()
    note(bench)
    assert bench.jig.read().volts == pytest.approx(1.8, abs=0.05)

def test_b(supply, bench):
    note(bench)
"""


def facts(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*test_?.json"))]


def gone(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([], id="plain"),
        pytest.param(["-p", "xdist", "-n", "2"], id="xdist", marks=thorough),
    ],
)
def test_one_bench_a_process_and_none_left(
    session: Session, tmp_path: Path, workers: list[str]
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    done = session(TESTS, "--hil-bench", "virtual", "--hil-run-dir", "run", *workers)
    assert done.returncode == 0, done.stdout
    found = facts(tmp_path)
    assert len(found) == 2
    processes = {str(one["self"]): json.dumps(one["pids"]) for one in found}
    assert len(set(processes.values())) == len(processes)
    for one in found:
        pids = one["pids"]
        assert isinstance(pids, dict)
        assert list(pids) == ["power-supply"]
        assert all(gone(pid) for pid in pids.values())
        folder = Path(str(one["folder"]))
        assert folder.parent == tmp_path / "run"
        assert (folder / "power-supply.log").exists()
    assert "RIGOL TECHNOLOGIES,DP832" in done.stdout, "the summary tells who was on the bench"
    assert "PASS 2" in done.stdout


def test_what_broke_is_an_error_once_and_then_a_reason(session: Session, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    path = tmp_path / "lab-config" / "virtual.yaml"
    path.write_text(path.read_text().replace("\n  serial: DP8C000000001", "\n  serial: X"))
    function = CONFTEST.replace('scope="session"', 'scope="function"')
    (tmp_path / "conftest.py").write_text(function)
    done = session(TESTS, "--hil-bench", "virtual", "-rsE")
    assert "INCONCLUSIVE 1  ERROR 1  NOT APPLICABLE 0" in done.stdout
    assert "power_supply broke earlier in this run" in done.stdout
    strict = session(TESTS, "--hil-bench", "virtual", "--hil-strict")
    assert "ERROR 2" in strict.stdout


@thorough
def test_a_failing_close_is_told_and_fails_the_run(session: Session, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    source = TESTS + (
        "\ndef test_c(bench):\n"
        "    bench.power_supply\n"
        "    bench.launcher._parts['power-supply'].stop()\n"
    )
    done = session(source, "-k", "test_c", "--hil-bench", "virtual")
    assert done.returncode == 1
    assert "NOT SAFE" in done.stdout
    assert "power supply off" in done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=thorough), signal.SIGKILL],
    ids=str,
)
def test_the_end_of_the_controller_reaches_the_workers_at_once(
    tmp_path: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text("""
import os, time
from pathlib import Path

def test_it(bench):
    bench.jig.attach()
    off = bench._guard.switch_off
    def proven(supply):
        report = off(supply)
        Path("off").write_text(str([supply.channel(n).status().on for n in (1, 2)]))
        return report
    bench._guard.switch_off = proven
    Path("on").write_text(str(os.getpid()))
    time.sleep(60)
""")
    command = [sys.executable, "-m", "pytest", "-p", "hil.plugin", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [*command, "-p", "xdist", "-n", "1", "--hil-bench", "virtual"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "on").exists() or not (tmp_path / "on").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(number)
    while not (tmp_path / "off").exists() or not (tmp_path / "off").read_text():
        assert time.monotonic() - started < 2.5, "the outputs were not switched off in time"
        time.sleep(0.02)
    assert (tmp_path / "off").read_text() == "[False, False]"
    assert process.wait(15) != 0
    worker = (tmp_path / "on").read_text()
    while not gone(worker):
        assert time.monotonic() - started < 20
        time.sleep(0.05)


def test_the_summary_tells_who_the_device_was_though_all_is_off_by_then(
    session: Session, tmp_path: Path
) -> None:
    names = ("evidence", "bench", "power_supply", "card", "device")
    (tmp_path / "conftest.py").write_text(f"pytest_plugins = {[f'fixtures.{n}' for n in names]}")
    source = """
import pytest

@pytest.mark.requires("device")
def test_it(device):
    assert device.identity().model == "Virtual Device"
"""
    done = session(source, "--hil-bench", "virtual-inprocess")
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (one for one in done.stdout.splitlines() if "HIL-REF-0001" in one and "pts" in one)
    assert "HIL Virtual Device" in line
