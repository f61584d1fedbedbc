from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.bench.safe_state import SafeState, Terminated

ROOT = Path(__file__).parents[2]


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_last_registered_is_made_safe_first_and_once() -> None:
    done: list[str] = []
    state = SafeState()
    state.register("first", lambda: done.append("first"))
    state.register("second", lambda: done.append("second"))
    assert state.make_safe() == []
    assert state.make_safe() == []
    assert done == ["second", "first"]


def test_what_failed_is_told_and_tried_again_and_hides_nobody() -> None:
    done: list[str] = []
    state = SafeState()

    def fail() -> None:
        done.append("try")
        if done.count("try") == 1:
            raise OSError("link is down")

    state.register("other", lambda: done.append("other"))
    state.register("supply", fail)
    assert state.make_safe() == ["supply: link is down"]
    assert done == ["try", "other"]
    assert state.make_safe() == []
    assert done == ["try", "other", "try"]


def test_interrupt_waits_until_every_action_had_its_turn() -> None:
    done: list[str] = []
    state = SafeState()
    state.register("supply", lambda: done.append("supply"))

    def interrupted() -> None:
        raise KeyboardInterrupt

    forget = state.register("card", interrupted)
    with pytest.raises(KeyboardInterrupt):
        state.make_safe()
    assert done == ["supply"]
    forget()


def test_forgotten_actions_are_not_run() -> None:
    state = SafeState()
    forget = state.register("supply", lambda: pytest.fail("was forgotten"))
    forget()
    forget()
    assert state.make_safe() == []


def test_handlers_stand_only_while_something_is_registered() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    state = SafeState()
    forget = state.register("a", lambda: None)
    forget_other = state.register("b", lambda: None)
    assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    forget()
    assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    forget_other()
    assert {number: signal.getsignal(number) for number in before} == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_signals_become_an_interrupt_once_and_call_who_was_there(number: signal.Signals) -> None:
    seen: list[int] = []
    before = signal.signal(number, lambda received, _frame: seen.append(received))
    state = SafeState()
    try:
        forget = state.register("a", lambda: None)
        with pytest.raises(Terminated, match=number.name):
            signal.raise_signal(number)
        signal.raise_signal(number)
        assert seen == [number]
        forget()
        signal.raise_signal(number)
        assert seen == [number, number]
    finally:
        signal.signal(number, before)


def test_whoever_ignores_hangups_goes_on_ignoring() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        state = SafeState()
        forget = state.register("a", lambda: None)
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        forget()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_at_exit_and_at_sigterm_the_action_runs() -> None:
    script = """
import os, signal
from hil.bench.safe_state import SAFE_STATE
SAFE_STATE.register("supply", lambda: print("off", flush=True))
"""
    plain = run(script)
    assert (plain.returncode, plain.stdout) == (0, "off\n")
    raised = run(script + "raise RuntimeError('original')")
    assert raised.stdout == "off\n"
    assert "original" in raised.stderr
    ended = run(script + "os.kill(os.getpid(), signal.SIGTERM)\nprint('went on')")
    assert ended.stdout == "off\n"
    assert ended.returncode != 0
