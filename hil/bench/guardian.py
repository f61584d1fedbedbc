"""A tiny process that keeps one child only as long as whoever started it lives.

The guardian holds the reading end of a *lifeline*: a pipe whose writing end only the starter has.
It ends the child when the pipe closes (the starter is gone, also by SIGKILL), on SIGTERM or
SIGINT, and it ends itself when the child ends, with the child's exit code. It reaps the child, so
that no zombie stays; should the guardian be killed, the kernel kills the child (PR_SET_PDEATHSIG).

From Python use :class:`Guarded`; by hand ``python -m hil.bench.guardian -- COMMAND ...``. Runs on
the standard library alone, so that it is up in some 50 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG: Final = 1
_FIRST_PASSED_FD: Final = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
_GRACE_S: Final = 1.0
_CANNOT_START: Final = 127
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[2]
_BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); module = sys.argv.pop(1); "
    "import importlib; sys.exit(importlib.import_module(module).main())"
)


def python_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module.main()`` of this package without ``site``.

    It needs neither the current folder nor PYTHONPATH, and starts in half the time. Only for
    modules that use the standard library alone.
    """
    return [sys.executable, "-I", "-S", "-c", _BOOT, str(_PACKAGE_ROOT), module, *arguments]


@dataclass(frozen=True, slots=True)
class User:
    """Whom to run a child as; the caller must be root."""

    uid: int
    gid: int


class Child:
    """One child of this process: own session, ended with us, reaped by :meth:`end`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.fd = os.pidfd_open(pid)
        self._code: int | None = None

    @classmethod
    def spawn(
        cls,
        command: Sequence[str],
        *,
        user: User | None = None,
        listen: socket.socket | None = None,
        output: int | None = None,
    ) -> Self:
        """Start ``command``; ``listen`` is handed over by the protocol of sd_listen_fds(3).

        Standard input is empty; output and errors go to the file ``output``, else where ours go.
        Call it while the process has one thread only: the child runs Python between fork and exec.
        """
        ours = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(command, user, listen, output, ours)
        return cls(pid)

    def ended(self) -> int | None:
        """Return the exit code (128 + n after signal n), ``None`` while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self._code = code if code >= 0 else 128 - code
        return self._code

    def end(self, *, grace_s: float = _GRACE_S) -> int:
        """End the child and its process group: SIGTERM, then SIGKILL after ``grace_s`` seconds."""
        for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
            if self.ended() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            select.select([self.fd], [], [], wait_s)
        code = self.ended()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # what the child itself left behind
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        return _CANNOT_START if code is None else code


def _become(
    command: Sequence[str],
    user: User | None,
    listen: socket.socket | None,
    output: int | None,
    parent: int,
) -> NoReturn:
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
        if user is not None:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
        # After the change of user: a change of credentials clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(_CANNOT_START)
        if listen is not None:
            if listen.fileno() == _FIRST_PASSED_FD:
                os.set_inheritable(_FIRST_PASSED_FD, True)
            else:
                os.dup2(listen.fileno(), _FIRST_PASSED_FD)
            os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
        os.execvp(command[0], list(command))  # noqa: S606  (no shell wanted)
    except OSError as err:
        os.write(2, f"guardian: cannot start {command[0]}: {err}\n".encode())
    finally:
        os._exit(_CANNOT_START)


class EndSignals:
    """A file that becomes readable at SIGTERM or SIGINT (the self-pipe of select(2))."""

    def __init__(self) -> None:
        self.fd, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)


def guard(child: Child, *, lifeline: int) -> int:
    """Wait for the end of the lifeline, a signal, or the child; return the child's exit code."""
    signals = EndSignals()
    while child.ended() is None:
        ready, _, _ = select.select([lifeline, signals.fd, child.fd], [], [])
        if signals.fd in ready or (lifeline in ready and not os.read(lifeline, 4096)):
            break
    return child.end()


class Guarded:
    """A child with its guardian, seen by the starter. A context manager; :meth:`stop` ends both."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        user: str | None = None,
        remove: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Self:
        """Start ``command`` under a guardian, as ``user`` if given; ``remove`` goes at the end."""
        options = [
            *(("--user", user) if user else ()),
            *(("--remove", str(remove)) if remove else ()),
        ]
        return cls(
            subprocess.Popen(
                python_command("hil.bench.guardian", *options, "--", *command),
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                env=None if environment is None else dict(environment),
                # Ctrl-C must not end what the starter still needs to switch things off.
                start_new_session=True,
            )
        )

    def ended(self) -> int | None:
        """Return the exit code, ``None`` while it runs."""
        return self.process.poll()

    def stop(self, *, timeout_s: float = 5.0) -> int:
        """Cut the lifeline and wait; return the exit code. May be called again."""
        return close_lifeline(self.process, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def close_lifeline(process: subprocess.Popen[bytes], *, timeout_s: float) -> int:
    """Close the pipe to a process that watches it, wait, and kill it if it stays."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(timeout_s)
    finally:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def remove_folder(folder: Path, *, timeout_s: float = 1.0) -> None:
    """Remove a folder and what is in it, also when a dying process still writes there."""
    deadline = time.monotonic() + timeout_s
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)


def user_named(name: str) -> User:
    """Return user and group id of an account; :class:`KeyError` if there is none."""
    import pwd  # noqa: PLC0415  (only where another user is asked for)

    entry = pwd.getpwnam(name)
    return User(entry.pw_uid, entry.pw_gid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command under guard; the lifeline is standard input."""
    parser = argparse.ArgumentParser(prog="hil.bench.guardian", description=__doc__)
    parser.add_argument("--user", help="account to run the command as (needs root)")
    parser.add_argument("--remove", type=Path, help="folder to remove at the end")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    options = parser.parse_args(arguments)
    user = user_named(options.user) if options.user else None
    try:
        return guard(Child.spawn(options.command, user=user), lifeline=0)
    finally:
        if options.remove is not None:
            remove_folder(options.remove)


if __name__ == "__main__":
    sys.exit(main())
