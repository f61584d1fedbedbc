"""The watchdog alone, against a virtual supply: when it acts, when it must not, what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.equipment.power_supply import (
    CableLimits,
    OwnedError,
    PowerSupply,
    SafetyError,
    Watchdog,
    WatchReport,
)
from hil.equipment.power_supply import watchdog_process as process_module
from hil.equipment.power_supply.watch_orders import Orders
from hil.lease import Lease
from tests.power_supply.part import SERIAL, Part
from tests.power_supply.test_serial_resource import SerialSupply
from tests.safety.run import on

LIMITS = {1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6)}


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))


@pytest.fixture
def supply(part: Part) -> Iterator[PowerSupply]:
    supply = PowerSupply.open(part.resource, model="DP832", limits=LIMITS)
    yield supply
    part.well()
    supply.close()


def bring_up(supply: PowerSupply) -> None:
    channel = supply.channel(1)
    channel.protect()
    channel.apply(3.3, 0.1)
    channel.on()


def until(done: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def last_word(watchdog: Watchdog) -> WatchReport:
    until(lambda: (found := watchdog.report()) is not None and found.state == "done", 30)
    report = watchdog.report()
    assert report is not None
    return report


def test_it_does_not_act_once_released(tmp_path: Path, part: Part, supply: PowerSupply) -> None:
    watchdog = Watchdog.start(tmp_path / "report.json")
    with pytest.raises(SafetyError, match="does not watch any supply"):
        watchdog.require()
    supply.watched_by(watchdog)
    bring_up(supply)
    supply.all_off()
    begun = part.control({"state": True})["clients"]
    supply.close()
    assert watchdog.process.wait(5) == 0
    report = last_word(watchdog)
    assert (report.proven, report.reason, report.attempts) == (True, "", 0)
    assert begun == 1, "its connection was closed after the look"
    with pytest.raises(SafetyError, match="was let go"):
        watchdog.require()


def test_closed_without_proof_it_acts(
    tmp_path: Path, part: Part, supply: PowerSupply, capfd: pytest.CaptureFixture[str]
) -> None:
    watchdog = Watchdog.start(tmp_path / "report.json")
    supply.watched_by(watchdog)
    bring_up(supply)
    supply.close()
    report = last_word(watchdog)
    assert report.proven
    assert "let go without proof" in report.reason
    assert [channel.proven for channel in report.channels] == [True] * 3
    assert on(part) == set()
    assert watchdog.process.wait(5) == 0
    assert "switched off by its watchdog" in capfd.readouterr().err


def test_an_output_that_stays_on_is_reported_loudly(
    tmp_path: Path, part: Part, supply: PowerSupply, capfd: pytest.CaptureFixture[str]
) -> None:
    watchdog = Watchdog.start(tmp_path / "report.json", retry_s=0.2)
    supply.watched_by(watchdog)
    bring_up(supply)
    part.control({"stuck": 1, "value": True})
    supply.close()
    report = last_word(watchdog)
    assert not report.proven
    assert watchdog.process.wait(5) == 1
    assert on(part) == {1}
    told = capfd.readouterr().err
    assert "NOT PROVEN OFF" in told
    assert "CUT THE MAINS BY HAND" in told
    assert [channel.proven for channel in report.channels] == [False, True, True]


def test_a_supply_that_restarts_meanwhile_is_waited_for(
    tmp_path: Path, part: Part, supply: PowerSupply
) -> None:
    watchdog = Watchdog.start(tmp_path / "report.json")
    supply.watched_by(watchdog)
    bring_up(supply)
    part.control({"identity": "RIGOL TECH"})  # what a unit says that is still booting
    supply.close()
    until(lambda: (found := watchdog.report()) is not None and found.state == "acting")
    part.control({"reboot": True})
    part.control({"identity": f"RIGOL TECHNOLOGIES,DP832,{SERIAL},00.01.14"})
    report = last_word(watchdog)
    assert report.proven
    assert report.attempts > 1


def test_what_it_cannot_reach_is_not_switched_on(
    tmp_path: Path, part: Part, supply: PowerSupply
) -> None:
    part.control({"fault": "refuse"})
    watchdog = Watchdog.start(tmp_path / "report.json")
    with pytest.raises(SafetyError, match="its watchdog is not ready"):
        supply.watched_by(watchdog)
    part.control({"clear": True})
    with pytest.raises(SafetyError, match="nothing is switched on without one"):
        bring_up(supply)
    assert on(part) == set()


def test_a_report_that_cannot_be_written_is_known_before(
    tmp_path: Path, supply: PowerSupply
) -> None:
    watchdog = Watchdog.start(tmp_path / "gone" / "report.json")
    with pytest.raises(SafetyError, match="No such file"):
        supply.watched_by(watchdog)


def test_without_one_the_log_warns_once(
    part: Part, supply: PowerSupply, caplog: pytest.LogCaptureFixture
) -> None:
    bring_up(supply)
    supply.channel(1).off()
    bring_up(supply)
    assert caplog.text.count("no watchdog") == 1


def test_a_watchdog_that_is_gone_is_noticed(
    tmp_path: Path, part: Part, supply: PowerSupply
) -> None:
    told: list[str] = []
    watchdog = Watchdog.start(tmp_path / "report.json", lost=told.append)
    supply.watched_by(watchdog)
    bring_up(supply)
    watchdog.process.kill()
    until(lambda: told)
    assert "signal 9" in told[0]
    with pytest.raises(SafetyError, match="ended by itself"):
        supply.channel(1).on()


def test_told_to_end_it_acts_and_fences_the_owner_out(
    tmp_path: Path, part: Part, supply: PowerSupply
) -> None:
    watchdog = Watchdog.start(tmp_path / "report.json")
    supply.watched_by(watchdog)
    bring_up(supply)
    for number in (signal.SIGINT, signal.SIGHUP):
        watchdog.process.send_signal(number)
    time.sleep(0.1)
    watchdog.require()
    watchdog.process.send_signal(signal.SIGTERM)
    assert last_word(watchdog).proven
    assert on(part) == set()
    with pytest.raises(OwnedError, match="told to end"):
        supply.channel(1).apply(3.0, 0.1)


def test_it_leaves_the_supply_to_a_new_owner(
    tmp_path: Path, part: Part, supply: PowerSupply
) -> None:
    watchdog = Watchdog.start(tmp_path / "report.json")
    supply.watched_by(watchdog)
    bring_up(supply)
    part.control({"fault": "refuse"})
    part.control({"fault": "reset"})
    os.kill(watchdog.process.pid, signal.SIGTERM)
    until(lambda: (found := watchdog.report()) is not None and found.attempts > 0)
    new = Lease.claim(part.resource)
    attempts = 0
    report = watchdog.report()
    until(lambda: (found := watchdog.report()) is not None and "has it now" in found.text)
    report = watchdog.report()
    assert report is not None
    attempts = report.attempts
    part.control({"clear": True})
    time.sleep(0.3)
    assert on(part) == {1}, "what the new owner has on is not for the old watchdog to touch"
    new.release(proven=False)
    report = last_word(watchdog)
    assert report.proven
    assert report.attempts > attempts
    assert on(part) == set()


def test_orders_and_reports_survive_their_files(tmp_path: Path) -> None:
    orders = Orders("r", "m", "s", "@py", None, 1, "lock", "owner", "report")
    assert Orders.read(orders.line()) == orders
    with pytest.raises(ValueError, match="no orders"):
        Orders.read(b'{"resource": 1}')
    report = WatchReport("r", "owner", 7, state="done", reason="why", text="text")
    report.save(tmp_path / "report")
    loaded = WatchReport.load(tmp_path / "report")
    assert loaded.at
    assert str(loaded) == str(report)
    assert "CUT THE MAINS" in str(loaded)


class Said(process_module.Input):
    """An input of which a test says what comes, without a process behind it."""

    def __init__(
        self,
        lines: list[bytes],
        *,
        is_stopped: bool = False,
        late_s: float = 0.0,
        is_starved: bool = False,
    ) -> None:
        self.lines = lines
        self.is_starved = is_starved
        self.is_stopped = is_stopped
        self.late_s = late_s
        self.now = 100.0

    def wait(self, timeout_s: float) -> tuple[list[bytes], str]:
        self.now += timeout_s + self.late_s
        return ([self.lines.pop(0)], "") if self.lines else ([], "")

    def stopped(self) -> bool:
        return self.is_stopped

    def cpu_s(self) -> float:
        return 0.0

    def starved(self, cpu_before_s: float, silent_s: float) -> bool:
        return self.is_starved and cpu_before_s <= silent_s


@pytest.mark.parametrize(
    ("source", "reason", "between"),
    [
        (Said([b"beat 0"]), "no sign of life", (101.5, 102.0)),
        (Said([b"beat 0"], late_s=0.2), "no sign of life", (102.2, 105.3)),
        (Said([b"beat 0"], is_starved=True), "no sign of life", (104.5, 105.0)),
        (Said([b"beat 0"], is_stopped=True, late_s=0.2), "has been stopped", (101.5, 102.3)),
        (Said([b"beat 101"] * 9), "beyond its time", (101.7, 102.0)),
        (Said([b"beat 101", *[b"beat 0"] * 8, b"released"]), "", (102.0, 103.0)),
        (Said([b"beat x", b"nonsense"]), "no sign of life", (106.0, 107.5)),
    ],
    ids=["silent", "on a busy machine", "starved", "stopped", "deadline", "released", "nonsense"],
)
def test_when_it_acts(
    monkeypatch: pytest.MonkeyPatch, source: Said, reason: str, between: tuple[float, float]
) -> None:
    monkeypatch.setattr("time.monotonic", lambda: source.now)
    given = process_module.Vigil(source, 1.5).reason()
    assert (reason in given) if reason else given == ""
    assert between[0] <= source.now <= between[1]


def test_a_stopped_process_is_told_from_a_slow_one() -> None:
    source = Said([])
    with subprocess.Popen(["sleep", "60"]) as child:
        source._pid = child.pid
        assert not process_module.Input.stopped(source)
        child.send_signal(signal.SIGSTOP)
        until(lambda: process_module.Input.stopped(source))
        child.kill()
    assert not process_module.Input.stopped(source)


def test_a_starved_process_is_told_from_an_idle_and_from_a_busy_one() -> None:
    source = process_module.Input.__new__(process_module.Input)  # without signals and a pipe
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            source._pid = child.pid
            until(lambda: not source.starved(source.cpu_s(), 10.0))
        finally:
            child.kill()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            source._pid = child.pid
            until(lambda: source.cpu_s() > 0.1)
            until(lambda: source.starved(source.cpu_s(), 10.0))
            assert not source.starved(0.0, 0.1)
        finally:
            child.kill()
    assert not source.starved(0.0, 10.0)


def test_many_at_once_start_side_by_side(tmp_path: Path) -> None:
    """The process is started before its orders are known: starting one never waits for it."""
    begun = threading.active_count()
    dogs = [Watchdog.start(tmp_path / f"{n}.json") for n in range(2)]
    for dog in dogs:
        assert dog.let_act() is None
        assert dog.process.wait(20) == 0
    assert threading.active_count() == begun


def test_a_serial_line_is_left_to_it_for_its_look_and_for_its_act(tmp_path: Path) -> None:
    part = SerialSupply()
    try:
        supply = PowerSupply.open(part.resource, model="DP832", limits=LIMITS)
        watchdog = Watchdog.start(tmp_path / "report.json")
        supply.watched_by(watchdog)
        bring_up(supply)
        assert part.supply.outputs[1].on
        supply.close()
        report = last_word(watchdog)
        assert report.proven
        assert not part.supply.outputs[1].on
    finally:
        part.close()
