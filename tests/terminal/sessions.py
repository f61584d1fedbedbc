"""Sessions of their own on a virtual bench that nothing opens: on a pipe, and on a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.evidence.journal import Event, read_journal

ROOT = Path(__file__).parents[2]
LONGEST_S = 120.0
CONFTEST = 'pytest_plugins = ("fixtures.evidence", "fixtures.bench", "fixtures.operator")\n'
INI = "[pytest]\nenable_assertion_pass_hook = true\n"
SOURCE = '''
import time
import pytest
from hil.evidence import step

@pytest.mark.requirement("R-12")
def test_good():
    """A good one."""
    print("words of test_good")
    with step("do a short thing"):
        pass
    with step("do a long thing", limit_s=9):
        time.sleep(1.6)
    assert "it did"

@pytest.mark.requirement("R-13")
def test_bad():
    """A bad one."""
    print("words of test_bad")
    with step("judge it"):
        assert 1 == 2, "SW 6A82, expected 9000"

def test_skipped():
    pytest.skip("no jig")
'''


def command(folder: Path, source: str, *options: str) -> list[str]:
    """Write the project, and return how pytest runs it."""
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(INI)
    # A job in the background of a shell ignores SIGINT, and its children do.
    program = (
        "import signal, sys, pytest; signal.signal(2, signal.default_int_handler); "
        "sys.exit(pytest.main())"
    )
    given = ["-p", "hil.plugin", "-p", "no:cacheprovider", "--hil-bench", "virtual-inprocess"]
    if any(option.startswith("-n") for option in options):
        given += ["-p", "xdist"]
    return [
        *(sys.executable, "-c", program, *given, "--hil-run-dir", "run", "--tb=short", "-rN"),
        *options,
        "test_it.py",
    ]


def environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    ours = ("HIL_", "PYTEST", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Without it, and so by default, lines of one writer may overtake those of another.
    kept.pop("PYTHONUNBUFFERED", None)
    fixed = {
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HIL_LAB_CONFIG": str(ROOT / "lab-config"),
        "HIL_LOCK_DIR": str(folder / "locks"),
        "HIL_RUNS": str(folder),
        "TERM": "xterm",
        "PYTHONUTF8": "1",
    }
    return kept | fixed | variables


def on_a_pipe(
    folder: Path, source: str, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run it with a pipe for its output, and no terminal at all."""
    done = subprocess.run(
        command(folder, source, *options),
        cwd=folder,
        env=environment(folder, variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        check=False,
        timeout=LONGEST_S,
    )
    output = done.stdout.decode("utf-8")
    return subprocess.CompletedProcess(done.args, done.returncode, output, "")


@dataclass
class Terminal:
    """A session at a terminal, whose other end the test has."""

    process: subprocess.Popen[bytes]
    master: int
    written: str = ""

    def wait_for(self, text: str) -> None:
        """Read until ``text`` has been written."""
        until = time.monotonic() + LONGEST_S
        while text not in self.written:
            assert time.monotonic() < until, self.written
            assert self._read(), f"it ended: {self.written}"

    def is_silent_for(self, seconds: float) -> None:
        """Read until nothing has come for so long."""
        until = time.monotonic() + LONGEST_S
        while select.select([self.master], [], [], seconds)[0]:
            assert time.monotonic() < until, self.written
            self._read()

    def types(self, text: str) -> None:
        os.write(self.master, text.encode())

    def interrupts(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def code(self) -> int:
        """Read to the end; return the exit code."""
        until = time.monotonic() + LONGEST_S
        while self._read():
            assert time.monotonic() < until, self.written
        return self.process.wait(LONGEST_S)

    def _read(self) -> bool:
        if not select.select([self.master], [], [], 0.5)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the last end of the terminal was closed
            return False
        self.written += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


@contextmanager
def at_a_terminal(
    folder: Path, source: str, *options: str, columns: str = "80", **variables: str
) -> Iterator[Terminal]:
    """Run it with a terminal of ``columns``, its controlling one."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(columns), 0, 0))

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command(folder, source, *options),
        cwd=folder,
        env=environment(folder, variables),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 - one system call, no lock taken
    )
    os.close(slave)
    with process:
        try:
            yield Terminal(process, master)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            os.close(master)


def journalled(folder: Path, event: str, process: str = "main") -> list[dict[str, Any]]:
    """Return the bodies of the events of a kind in a journal."""
    events: list[Event] = read_journal(folder / "run" / "journal" / f"{process}.jsonl")[1]
    return [dict(one.body) for one in events if one.event == event]
