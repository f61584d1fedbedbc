"""A real run on a supply that outlives it, and what is really on the supply's terminals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.equipment.power_supply import WatchReport
from hil.equipment.power_supply.watch_orders import DEFAULT_SILENCE_S
from tests.power_supply.part import SERIAL, Part

ROOT = Path(__file__).parents[2]
IN_TIME_S = 2.0
"""What is asked for: every output off so long after the end of a run, however it ends."""
POLL_S = 0.01
_SILENT = r"gave no sign of life for (\d+\.\d) s"
BENCH = """
schema: 1
description: a supply that outlives the run
power_supply:
  model: DP832
  {way}
  serial: {serial}
  {more}
  channels:
    jig: {{channel: 1, max_voltage: 5.5 V, max_current: 500 mA, ovp: 6 V, ocp: 600 mA}}
"""
CONFTEST = """
import os, pathlib
from hil.bench.safe_state import SafeState
from hil.plugin import run_of
from hil.pytest_run import Run

pytest_plugins = ("fixtures.evidence", "fixtures.bench", "fixtures.power_supply")

def pytest_collection_finish(session):
    # Before the time of the test begins, so that a short one is enough on a slow machine too.
    if getattr(session.config, "workerinput", None) or not session.config.getoption("-n", None):
        supply = run_of(session.config).use("the power supply", lambda bench: bench.power_supply)
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.1)
        channel.on()
        pathlib.Path("on").write_text(str(os.getpid()))
"""
TEST = """
import ctypes, os, pathlib, time
import pytest

{marks}
def test_it(power_supply):
    pathlib.Path("begun").touch()
    {body}
"""


@dataclass
class Run:
    """A running pytest, or the tool with one below it."""

    process: subprocess.Popen[str]
    folder: Path
    part: Part
    elsewhere: bool = False
    """Whether it has a supply of its own instead."""

    def wait_on(self) -> int:
        """Wait until the test runs, with the output on; return the process that drives it."""
        deadline = time.monotonic() + 60
        while not (self.folder / "begun").exists():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, "the output did not come on"
            time.sleep(POLL_S)
        assert self.elsewhere or on(self.part) == {1}
        return int((self.folder / "on").read_text())

    def wait_off(self, begun: float, within_s: float = IN_TIME_S) -> float:
        """Wait until every output is off; return the seconds since ``begun``.

        A machine that keeps even this loop waiting keeps everybody waiting: that time is added, as
        is what the watchdog says that it waited longer for a sign of life, if the kernel says that
        something had to wait for a processor for so long.
        """
        starved_s, others_s = 0.0, kept_waiting_s()
        before, spent = time.monotonic(), time.thread_time()
        while on(self.part):
            assert time.monotonic() - begun < 30, f"never off: {self.reports()}"
            time.sleep(POLL_S)
            now, used = time.monotonic(), time.thread_time()
            starved_s += max(0.0, (now - before) - (used - spent) - 1.5 * POLL_S)
            before, spent = now, used
        seconds = time.monotonic() - begun
        limit = within_s + starved_s
        if seconds >= limit:
            limit = within_s + max(starved_s, min(kept_waiting_s() - others_s, self._patience_s()))
        assert seconds < limit, f"off after {seconds:.2f} s, not {limit:.2f}: {self.reports()}"
        return seconds

    def _patience_s(self) -> float:
        """Return how much longer than it has to the watchdog waited for a sign of life."""
        deadline = time.monotonic() + 5
        while not any(report.reason for report in self.reports().values()):
            if time.monotonic() >= deadline:  # it had no part in this end
                return 0.0
            time.sleep(POLL_S)
        told = (re.search(_SILENT, report.reason) for report in self.reports().values())
        return max([float(one[1]) - DEFAULT_SILENCE_S for one in told if one] + [0.0])

    def reports(self) -> dict[str, WatchReport]:
        """Return what the watchdogs of the run have reported, by the folder of their owner."""
        paths = self.folder.glob("**/watchdog.json")
        return {path.parent.name: WatchReport.load(path) for path in paths}

    def report(self, owner: str = "main") -> WatchReport:
        """Wait for a watchdog's last word, and return it."""
        deadline = time.monotonic() + 20
        while True:
            found = self.reports().get(owner)
            if found is not None and found.state == "done":
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def output(self) -> str:
        """Return what it has said so far."""
        return (self.folder / "output").read_text()

    def code(self) -> int:
        """Wait for its end; return the exit code."""
        return self.process.wait(60)


def kept_waiting_s() -> float:
    """Return for how long anything has waited for a processor since the start, 0 if not known."""
    try:
        some = Path("/proc/pressure/cpu").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return 0.0
    return int(some.rpartition("=")[2]) / 1e6


def on(part: Part) -> set[int]:
    """Return the channels that are on, or still have a voltage on their terminals."""
    state: dict[str, Any] = part.control({"state": True})["channels"]
    return {int(n) for n, one in state.items() if one["on"] or abs(one["volts"]) > 0.1}


@contextmanager
def a_run(
    folder: Path,
    part: Part,
    body: str,
    *options: str,
    marks: str = "",
    more: str = "",
    stdout: int | None = None,
    broken: tuple[str, ...] = (),
    tool: bool = False,
    way: str = "",
) -> Iterator[Run]:
    """Start pytest on a bench with the supply ``part``; end what is left of it afterwards."""
    (folder / "bench.yaml").write_text(
        BENCH.format(way=way or f"visa: {part.resource}", serial=SERIAL, more=more)
    )
    (folder / "conftest.py").write_text(CONFTEST + "\n".join(broken))
    (folder / "test_it.py").write_text(TEST.format(body=body, marks=marks))
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "testcases").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIL_")}
    environment = kept | {
        "PYTHONPATH": str(ROOT),
        "HIL_LOCK_DIR": str(folder / "locks"),
        "HIL_RUNS": str(folder),
    }
    # A job in the background of a shell ignores SIGINT, and its children do.
    heeding = "import signal, sys; signal.signal(2, signal.default_int_handler); "
    if tool:
        program = "from hil.cli import main; sys.exit(main())"
        given = ["run", "--bench", "bench.yaml", "--no-report", "--output", "run", "-n0"]
    else:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        program = "import pytest; sys.exit(pytest.main())"
        given = ["-p", "hil.plugin", "-p", "no:cacheprovider", "--hil-bench", "bench.yaml"]
        given += [] if "-n" in options else ["--hil-run-dir", "run"]
    command = [sys.executable, "-c", heeding + program, *given, *options, "test_it.py"]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            text=True,
            start_new_session=True,
        )
    with process:
        try:
            yield Run(process, folder, part, elsewhere=bool(way))
        finally:
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break


def saved(path: Path) -> dict[str, Any]:
    """Return a JSON file."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found
