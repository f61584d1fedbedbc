"""Each session on a bench leaves a journal that tells every test, however the session ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil.evidence.gate import BENCH, FAILED, INCOMPLETE, gate
from hil.evidence.recovery import recover
from hil.evidence.run_record import RunRecord, read_run
from tests.plugin.conftest import Session

COUNTED = ("-o", "enable_assertion_pass_hook=true")
ON_BENCH = ("--hil-bench", "virtual", "--hil-run-dir", "run", *COUNTED)
MIXED = '''
import pytest
from types import SimpleNamespace
pytest.register_assert_rewrite("hil.bench.recorder")
from hil.bench.recorder import window_of
from hil.checks import check, refusal
from hil.evidence import current_notebook, step

SECRET = "465B5CE8B199B49FAA5F0A2EE238A6BC"

@pytest.mark.requirement("R-12")
@pytest.mark.severity("critical")
def test_pass():
    """A key is compared."""
    with step("the step"):
        key = SECRET
        assert key == SECRET

@pytest.mark.requirement("R-12", refusal=True)
def test_refused():
    with refusal(ValueError, match="no"):
        raise ValueError("no")

def test_nothing():
    # What this package asserts of itself is no check of a product.
    jig = dict(nominal_voltage=1.8, nominal_current=None, window=0.05, hysteresis=0.05)
    window_of(SimpleNamespace(debounce=0.01, dwell=1.0, revoke=0.1, **jig))

def test_hidden_failure():
    try:
        check("the window is kept", ok=False)
        raise AssertionError("swallowed")
    except AssertionError:
        check("something else")

def test_fail_then_error(late):
    assert 1 == 2, "too high"

@pytest.fixture
def late():
    yield
    raise RuntimeError("teardown broke")

@pytest.mark.parametrize("volts", [1.8, 3.3])
def test_row(volts):
    assert volts > 0
'''
EXPECTED = {
    "test_pass": "PASS",
    "test_refused": "PASS",
    "test_nothing": "ERROR",
    "test_hidden_failure": "FAIL",
    "test_fail_then_error": "FAIL",
    "test_row[1.8]": "PASS",
    "test_row[3.3]": "PASS",
}


def verdicts(run: RunRecord) -> dict[str, str]:
    return {name.partition("::")[2]: test.verdict for name, test in run.tests.items()}


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["plain", "xdist"])
def test_every_test_is_told_with_its_verdict(
    session: Session, tmp_path: Path, workers: list[str]
) -> None:
    done = session(MIXED, *ON_BENCH, *workers, "-k", "not 3.3")
    assert done.returncode == 1, done.stdout
    run = read_run(tmp_path / "run")
    assert run.faults == ()
    assert run.ended
    expected = {name: word for name, word in EXPECTED.items() if "3.3" not in name}
    assert verdicts(run) == expected
    assert [name.partition("::")[2] for name in run.not_selected] == ["test_row[3.3]"]
    assert gate(run).code == FAILED
    assert run.begin["bench"] == "virtual"
    assert len(run.begin["lab_config"]["sha256"]) == 64
    passed = run.tests["test_it.py::test_pass"]
    assert passed.title == "A key is compared"
    assert passed.requirements == ("R-12",)
    assert passed.severity == "critical"
    assert passed.check_texts == ("key == SECRET",)
    assert [step.title for step in passed.steps] == ["the step"]
    assert run.tests["test_it.py::test_refused"].ways == {"R-12": ("refusal",)}
    assert run.tests["test_it.py::test_refused"].check_texts == ("refused: ValueError (no)",)
    assert run.tests["test_it.py::test_row[1.8]"].parameters == {"volts": 1.8}
    assert "checked nothing" in run.tests["test_it.py::test_nothing"].reason
    hidden = run.tests["test_it.py::test_hidden_failure"]
    assert hidden.reason == "a check was not met: the window is kept"
    assert "too high" in run.tests["test_it.py::test_fail_then_error"].reason
    assert "checked nothing" in done.stdout
    for journal in (tmp_path / "run" / "journal").iterdir():
        assert "465B5CE8" not in journal.read_text()


def test_what_did_not_run_stands_as_not_run(session: Session, tmp_path: Path) -> None:
    session(MIXED, *ON_BENCH, "-x")
    run = read_run(tmp_path / "run")
    assert verdicts(run)["test_row[3.3]"] == "NOT RUN"
    assert run.ended


def test_a_run_writes_into_no_other_runs_folder(session: Session, tmp_path: Path) -> None:
    session(MIXED, *ON_BENCH, "-k", "test_pass")
    before = (tmp_path / "run" / "journal" / "main.jsonl").read_bytes()
    again = session(MIXED, *ON_BENCH, "-k", "test_pass")
    assert again.returncode == pytest.ExitCode.USAGE_ERROR
    assert "evidence of another run" in again.stderr
    assert "Traceback" not in again.stderr
    assert (tmp_path / "run" / "journal" / "main.jsonl").read_bytes() == before


def test_assertions_that_were_compiled_uncounted_are_compiled_again(
    session: Session, tmp_path: Path
) -> None:
    # Leaves compiled tests behind, as pytest without the option does.
    session(MIXED, "--hil-bench", "virtual", "-k", "test_pass", PYTHONDONTWRITEBYTECODE="")
    assert list((tmp_path / "__pycache__").glob("test_it.*.pyc"))
    session(MIXED, *ON_BENCH, "-k", "test_pass")
    assert verdicts(read_run(tmp_path / "run")) == {"test_pass": "PASS"}


def test_where_they_cannot_be_it_is_said(session: Session, tmp_path: Path) -> None:
    session(MIXED, "--hil-bench", "virtual", "-k", "test_pass", PYTHONDONTWRITEBYTECODE="")
    # As a pytest of another version, which reads what it has compiled by another name.
    (tmp_path / "conftest.py").write_text(
        "import _pytest.assertion.rewrite as r\nimport hil.pytest_counting as c\n"
        "c._READ = '_read_by_another_name'\n"
    )
    done = session(MIXED, *ON_BENCH, "-k", "test_pass")
    assert "delete the __pycache__ folders" in done.stdout
    assert verdicts(read_run(tmp_path / "run")) == {"test_pass": "ERROR"}


def test_without_counting_no_test_is_blamed(session: Session) -> None:
    done = session(MIXED, "--hil-bench", "virtual", "-k", "test_nothing")
    assert done.returncode == 0


KILLED = """
import os, time

def test_before(): assert True
def test_killed():
    assert os.getpid() > 0
    open("going", "w").close()
    time.sleep(60)
def test_after(): assert True
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_in_a_test_passes_nothing_of_it(
    tmp_path: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    (tmp_path / "test_it.py").write_text(KILLED)
    boot = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    boot += "sys.exit(pytest.main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", boot, "-p", "hil.plugin", *ON_BENCH, "test_it.py"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "going").exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, number)
        process.wait(60)
    finally:
        process.kill()
    run = read_run(tmp_path / "run")
    said = {"test_before": "PASS", "test_killed": "INCONCLUSIVE", "test_after": "NOT RUN"}
    assert verdicts(run) == said
    assert run.ended == (number == signal.SIGINT)
    recover(tmp_path / "run", by="test", why="it was killed")
    run = read_run(tmp_path / "run")
    assert verdicts(run) == said
    assert run.faults == ()
    assert gate(run).code == INCOMPLETE


FILLING = """
import hil.evidence.room as room

def test_before(): assert room.LEAST_BYTES
def test_that_fills_the_disk():
    assert True
    room.LEAST_BYTES = 2**60
def test_after(): assert True
"""


def test_a_disk_that_fills_up_ends_the_run_while_it_can_say_so(
    session: Session, tmp_path: Path
) -> None:
    done = session(FILLING, *ON_BENCH)
    assert "evidence cannot be written" in done.stdout
    assert "make room" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    run = read_run(tmp_path / "run")
    said = {"test_before": "PASS", "test_that_fills_the_disk": "PASS", "test_after": "NOT RUN"}
    assert verdicts(run) == said
    assert run.ended
    assert gate(run).code == INCOMPLETE


def test_what_is_not_proven_off_stands_in_the_journal(session: Session, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from hil.pytest_run import Run\n"
        "Run.lost_watchdogs = lambda self: ['gw0: NOT PROVEN OFF']\n"
    )
    done = session(MIXED, *ON_BENCH, "-k", "test_pass")
    assert "NOT SAFE  gw0: NOT PROVEN OFF" in done.stdout
    run = read_run(tmp_path / "run")
    assert verdicts(run) == {"test_pass": "PASS"}
    assert gate(run).code == BENCH
