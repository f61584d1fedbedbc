"""The guardian: its child lives no longer than whoever started it, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.bench.guardian import Guarded, close_lifeline, main, python_command

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\n"
    "time.sleep(60)",
]


def wait_until(condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def child_of(pid: int) -> int:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return int(text.split()[0])


def is_gone(pid: int) -> bool:
    """Gone altogether: a zombie is still there."""
    return not Path(f"/proc/{pid}").exists()


def start(command: list[str]) -> tuple[Guarded, int]:
    guarded = Guarded.start(command, stdout=subprocess.PIPE)
    assert guarded.process.stdout is not None
    assert guarded.process.stdout.readline() == b"up\n"
    return guarded, child_of(guarded.process.pid)


def test_stop_ends_child_and_guardian() -> None:
    guarded, child = start(SLEEPER)
    assert guarded.stop() == 128 + signal.SIGTERM
    assert is_gone(child)
    assert guarded.stop() == 128 + signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed() -> None:
    guarded, child = start(STUBBORN)
    assert guarded.stop() == 128 + signal.SIGKILL
    assert is_gone(child)


def test_sigterm_to_the_guardian_ends_the_child() -> None:
    guarded, child = start(SLEEPER)
    guarded.process.terminate()
    assert guarded.process.wait(5) == 128 + signal.SIGTERM
    assert is_gone(child)
    guarded.stop()


def test_a_killed_guardian_takes_its_child_along() -> None:
    guarded, child = start(SLEEPER)
    guarded.process.kill()
    guarded.process.wait(5)
    # Not ours to reap: the kernel kills it and init buries it.
    assert wait_until(lambda: is_gone(child) or is_zombie(child))
    guarded.stop()


def is_zombie(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return True


def test_the_exit_code_of_the_child_is_handed_on(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    guarded = Guarded.start([sys.executable, "-c", "raise SystemExit(7)"], remove=folder)
    assert guarded.process.wait(10) == 7
    assert not folder.exists()
    guarded.stop()


def test_grandchildren_end_too() -> None:
    script = (
        "import subprocess, sys, time\n"
        "kid = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(kid.pid, flush=True)\ntime.sleep(60)"
    )
    guarded = Guarded.start([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert guarded.process.stdout is not None
    grandchild = int(guarded.process.stdout.readline())
    guarded.stop()
    assert wait_until(lambda: is_gone(grandchild) or is_zombie(grandchild))


def test_a_starter_killed_takes_the_child_along() -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom hil.bench.guardian import Guarded\n"
            f"g = Guarded.start({SLEEPER!r})\nprint(g.process.pid, flush=True)\ntime.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert starter.stdout is not None
    guardian = int(starter.stdout.readline())
    assert starter.stdout.readline() == b"up\n"
    child = child_of(guardian)
    starter.kill()
    starter.wait(5)
    starter.stdout.close()
    assert wait_until(lambda: is_gone(child), 2.0)
    assert wait_until(lambda: is_gone(guardian) or is_zombie(guardian), 2.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a child as somebody else")
def test_the_child_runs_as_the_user_asked_for() -> None:
    guarded = Guarded.start(["/usr/bin/id", "-u"], user="nobody", stdout=subprocess.PIPE)
    assert guarded.process.stdout is not None
    assert guarded.process.stdout.read() == b"65534\n"
    assert guarded.stop() == 0


def test_a_command_that_does_not_exist_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    guarded = Guarded.start(["/nowhere/at-all"])
    assert guarded.process.wait(10) == 127
    guarded.stop()
    assert "cannot start /nowhere/at-all" in capfd.readouterr().err


def test_it_starts_without_the_package_on_the_path(tmp_path: Path) -> None:
    process = subprocess.Popen(
        python_command("hil.bench.guardian", "--", "/bin/true"), cwd=tmp_path, stdin=subprocess.PIPE
    )
    assert process.wait(10) == 0
    close_lifeline(process, timeout_s=1)


def test_a_command_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "COMMAND" in capsys.readouterr().err
