from __future__ import annotations

import pytest

from tests.plugin.conftest import Session

TEST = "def test_it(): pass"


@pytest.mark.parametrize("given", ["soon", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(session: Session, given: str) -> None:
    done = session(TEST, "--hil-bench", "virtual", f"--hil-test-timeout={given}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"--hil-test-timeout: '{given}' is no number of seconds" in done.stderr


def test_the_time_is_each_tests_own_and_the_alarm_is_given_back(session: Session) -> None:
    source = """
import signal, time

def test_hangs():
    while True: pass

def test_is_quick():
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.5

def test_sleeps_in_teardown(request):
    def slowly():
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        time.sleep(0.6)
    request.addfinalizer(slowly)
"""
    done = session(source, "--hil-bench", "virtual", HIL_TEST_TIMEOUT="0.5")
    assert "2 passed" in done.stdout
    assert "1 failed" in done.stdout
    assert "test_hangs ran longer than 0.5 s (--hil-test-timeout)" in done.stdout


def test_whoever_uses_the_alarm_keeps_it(session: Session) -> None:
    source = """
import signal

def test_it():
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
"""
    conftest = "\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
    done = session(source.replace("\n\ndef", f"{conftest}\ndef"), "--hil-bench", "virtual")
    assert done.returncode == 0, done.stdout


def test_nobody_who_handles_errors_takes_the_end_for_one_of_theirs(session: Session) -> None:
    source = """
import time

def test_hangs():
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass
"""
    done = session(source, "--hil-bench", "virtual", HIL_TEST_TIMEOUT="0.5")
    assert "ERROR 1" in done.stdout
    assert "test_hangs ran longer than 0.5 s" in done.stdout
    assert "display" not in done.stderr
