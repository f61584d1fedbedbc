"""A signal that another thread is given, or that comes just before a wait, ends the wait."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The system gives a signal to any thread; here to the one that the wait is not of.
ELSEWHERE = """
import signal, sys, threading, time
from hil.bench.safe_state import SafeState

signal.signal(signal.SIGINT, signal.default_int_handler)
state = SafeState()
done = []
forget = state.register("supply", lambda: done.append("off"))

def give():
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))

threading.Thread(target=give).start()
begun = time.monotonic()
try:
    time.sleep(25)
except KeyboardInterrupt as err:
    state.make_safe()
    print(type(err).__name__, *done, "late" if time.monotonic() - begun > 20 else "soon")
print(signal.set_wakeup_fd(-1), signal.getsignal(signal.SIGURG) is signal.SIG_DFL)
"""
NOT_OURS = """
import os, signal
from hil.bench.safe_state import SafeState

state = SafeState()
read, write = os.pipe()
os.set_blocking(write, False)
signal.set_wakeup_fd(write)
signal.signal(signal.SIGURG, print)
state.register("supply", print)()
print(signal.set_wakeup_fd(-1) == write, signal.getsignal(signal.SIGURG) is print)
signal.set_wakeup_fd(write)
signal.signal(signal.SIGURG, signal.SIG_DFL)
state.register("supply", print)()
print(signal.set_wakeup_fd(-1) == write, signal.getsignal(signal.SIGURG) is signal.SIG_DFL)
"""


def said(program: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("number", "raised"), [(15, "Terminated"), (1, "Terminated"), (2, "KeyboardInterrupt")]
)
def test_a_signal_given_to_another_thread_ends_the_wait(number: int, raised: str) -> None:
    assert said(ELSEWHERE, str(number)) == [f"{raised} off soon", "-1 True"]


def test_what_somebody_else_uses_stays_as_it_is() -> None:
    assert said(NOT_OURS) == ["True True", "True True"]
