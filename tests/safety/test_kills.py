"""Every end of a run, on a real run: the output is off within 2 s, read at the supply itself."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from tests.power_supply.part import SERIAL, Part
from tests.safety.run import IN_TIME_S, Run, a_run, on
from tests.thorough import thorough

WAIT = "time.sleep(60)"
UNTIL_GO = "while not os.path.exists('go'): time.sleep(0.01)"
OURS = '@pytest.mark.requires("power_supply.jig")'
"""A test that gets one of our verdicts."""
C_CODE = """lock, libc = (ctypes.c_char * 256)(), ctypes.CDLL(None)
    libc.pthread_mutex_lock(lock)
    libc.pthread_mutex_lock(lock)"""
C_CODE_WITH_GIL = C_CODE.replace("CDLL", "PyDLL")
TIMEOUT = ("-p", "pytest_timeout", "--timeout", "1")


def end(run: Run, *numbers: signal.Signals) -> float:
    run.wait_on()
    begun = time.monotonic()
    for number in numbers:
        # As a terminal does, and whoever clears up behind a job: the whole group.
        os.killpg(run.process.pid, number)
        time.sleep(0.02)
    return begun


def test_an_output_that_stays_on_is_told_loudly(tmp_path: Path, part: Part) -> None:
    more = "watchdog: {retry: 500 ms}"
    with a_run(tmp_path, part, UNTIL_GO, marks=OURS, more=more) as run:
        run.wait_on()
        part.control({"stuck": 1, "value": True})
        (tmp_path / "go").touch()
        assert run.code() == 1
        assert not run.report().proven
        assert "NOT PROVEN OFF" in run.output()
        assert "PASS 0  FAIL 0  INCONCLUSIVE 0  ERROR 1" in run.output()


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "run to its end"])
def test_a_link_that_vanishes_and_comes_back(tmp_path: Path, part: Part, killed: bool) -> None:
    body = WAIT if killed else "power_supply.channel(1).measure()"
    with a_run(tmp_path, part, f"{UNTIL_GO}\n    {body}") as run:
        run.wait_on()
        part.control({"fault": "refuse"})
        part.control({"fault": "reset"})
        (tmp_path / "go").touch()
        if killed:
            run.process.kill()
            time.sleep(0.5)
        else:
            assert run.code() == 1
            assert "NOT PROVEN OFF" in run.output()
        assert on(part) == {1}
        begun = time.monotonic()
        part.control({"clear": True})
        run.wait_off(begun)
        report = run.report()
        assert report.proven
        assert report.attempts > 1


def test_the_tool_tells_of_a_killed_run(tmp_path: Path, part: Part) -> None:
    with a_run(tmp_path, part, WAIT, tool=True) as run:
        child = run.wait_on()
        begun = time.monotonic()
        os.kill(child, signal.SIGKILL)
        run.wait_off(begun)
        assert run.code() != 0
        told = f"main: power supply {part.resource}"
        assert f"safety    {told}" in run.output()
        assert told in (tmp_path / "run" / "bench.txt").read_text()
        assert run.reports()["before"].proven


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=thorough)])
def test_interrupt(tmp_path: Path, part: Part, times: int) -> None:
    with a_run(tmp_path, part, WAIT) as run:
        run.wait_off(end(run, *[signal.SIGINT] * times))
        assert run.report().proven
        assert run.code() != 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda n: n.name)
def test_what_nobody_can_catch(tmp_path: Path, part: Part, number: signal.Signals) -> None:
    with a_run(tmp_path, part, WAIT) as run:
        run.wait_off(end(run, number))
        report = run.report()
        assert report.proven
        assert report.reason
        assert [channel.proven for channel in report.channels] == [True, True, True]


def test_a_child_that_keeps_the_pipe_open_does_not_hide_the_end(tmp_path: Path, part: Part) -> None:
    body = "os.fork() and pathlib.Path('forked').touch(); time.sleep(60)"
    with a_run(tmp_path, part, body) as run:
        driving = run.wait_on()
        while not (tmp_path / "forked").exists():
            assert run.process.poll() is None
            time.sleep(0.01)
        begun = time.monotonic()
        os.kill(driving, signal.SIGKILL)
        run.wait_off(begun)
        assert run.report().reason == "the process that drove it has ended"


@pytest.mark.parametrize(
    ("body", "code"),
    [("pass", 0), ("raise RuntimeError('of the test')", 1)],
    ids=["teardown", "exception"],
)
def test_ends_by_itself(tmp_path: Path, part: Part, body: str, code: int) -> None:
    with a_run(tmp_path, part, f"{UNTIL_GO}\n    {body}") as run:
        run.wait_on()
        begun = time.monotonic()
        (tmp_path / "go").touch()
        run.wait_off(begun)
        assert run.code() == code
        assert run.report().proven
        trace = tmp_path / "run" / "journal" / "main.jsonl"
        assert "all outputs off" in trace.read_text()


@pytest.mark.parametrize(
    ("body", "options", "marks"),
    [
        ("while True: pass", ("--hil-test-timeout", "1"), OURS),
        pytest.param(C_CODE, ("--hil-test-timeout", "1"), "", marks=thorough),
        (C_CODE_WITH_GIL, (), ""),
        pytest.param(
            "while True: pass", (*TIMEOUT, "--timeout-method", "signal"), "", marks=thorough
        ),
        (WAIT, (*TIMEOUT, "--timeout-method", "thread"), ""),
        (C_CODE, ("-p", "pytest_timeout"), "@pytest.mark.timeout(1)"),
    ],
    ids=["loop", "C", "C with the GIL", "timeout signal", "timeout thread", "marker in C"],
)
def test_hung(tmp_path: Path, part: Part, body: str, options: tuple[str, ...], marks: str) -> None:
    with a_run(tmp_path, part, body, *options, marks=marks) as run:
        run.wait_on()
        has_time_s = 1.0 if options else 0.0
        run.wait_off(time.monotonic(), IN_TIME_S + has_time_s)
        report = run.report()
        assert report.proven
        stuck = body in (C_CODE, C_CODE_WITH_GIL)
        assert bool(report.reason) == (stuck or "thread" in options)
        if not stuck:
            assert run.code() == 1
            assert "passed" not in run.output()
        if marks == OURS:
            assert "PASS 0  FAIL 0  INCONCLUSIVE 0  ERROR 1" in run.output()


def test_a_lost_worker(tmp_path: Path, part: Part) -> None:
    with a_run(tmp_path, part, WAIT, "-p", "xdist", "-n", "1") as run:
        worker = run.wait_on()
        begun = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        run.wait_off(begun)
        while "switched off by its watchdog" not in run.output():  # said at once
            assert time.monotonic() - begun < 20
            time.sleep(0.02)
        run.process.send_signal(signal.SIGINT)
        assert run.code() != 0
        assert f"NOT SAFE  gw0: power supply {part.resource}" in run.output()
        assert f"process {worker}" in run.output()


def test_nobody_reads_the_output_any_more(tmp_path: Path, part: Part) -> None:
    with a_run(tmp_path, part, UNTIL_GO, "-v", stdout=subprocess.PIPE) as run:
        run.wait_on()
        assert run.process.stdout is not None
        run.process.stdout.close()
        begun = time.monotonic()
        (tmp_path / "go").touch()
        run.wait_off(begun)
        assert run.code() != 0


def test_a_virtual_supply_lives_until_it_is_proven_off(tmp_path: Path, part: Part) -> None:
    with a_run(tmp_path, part, WAIT, way=f"virtual: {{serial: {SERIAL}}}") as run:
        run.wait_on()
        os.kill(run.process.pid, signal.SIGKILL)
        report = run.report()
        assert report.proven
        port = int(report.resource.split("::")[2])
        deadline = time.monotonic() + 20
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                assert time.monotonic() < deadline, "the virtual supply was left behind"
                with contextlib.suppress(ConnectionResetError):  # just as it ends
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                time.sleep(0.02)


def test_a_run_that_wakes_up_does_not_touch_the_supply_of_another(
    tmp_path: Path, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"{UNTIL_GO}\n    power_supply.channel(1).apply(1.0, 0.1)"
    with a_run(tmp_path, part, body) as run:
        run.wait_on()
        run.process.send_signal(signal.SIGSTOP)
        assert run.report().proven
        monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
        limits = {1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6)}
        with PowerSupply.open(part.resource, model="DP832", limits=limits) as supply:
            channel = supply.channel(1)
            channel.protect()
            channel.apply(4.2, 0.2)
            channel.on()
            (tmp_path / "go").touch()
            run.process.send_signal(signal.SIGCONT)
            assert run.code() == 1
            state = part.channel(1)
            assert (state["on"], state["set_volts"], state["set_amps"]) == (True, 4.2, 0.2)
            assert f"process {os.getpid()}" in run.output()
            assert "has it now" in run.output()


ALONE = {
    "fixture finaliser": ("Run.close = lambda self: []", "SafeState.make_safe = lambda self: []"),
    "end of the session": (
        "Run.outputs_off = lambda self: None",
        "SafeState.make_safe = lambda self: []",
    ),
    "exit of the interpreter": (
        "Run.outputs_off = lambda self: None",
        "Run.close = lambda self: []",
    ),
}
"""What is broken, so that one layer remains. The watchdog is waived in each case."""


@pytest.mark.parametrize("layer", ALONE)
def test_each_layer_does_it_alone(tmp_path: Path, part: Part, layer: str) -> None:
    more = 'watchdog: {waived: "one layer alone"}'
    with a_run(tmp_path, part, UNTIL_GO, more=more, broken=ALONE[layer]) as run:
        run.wait_on()
        (tmp_path / "go").touch()
        run.wait_off(time.monotonic())
        assert run.reports() == {}


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=thorough)],
    ids=lambda n: n.name,
)
def test_signals_are_a_layer_of_their_own(
    tmp_path: Path, part: Part, number: signal.Signals
) -> None:
    with a_run(tmp_path, part, WAIT, more='watchdog: {waived: "one layer alone"}') as run:
        run.wait_off(end(run, number))
        assert run.code() != 0
        assert "NO WATCHDOG: one layer alone" in run.output()
