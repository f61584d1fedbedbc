"""Who owns something: a process by its user, machine, number and start, and the job it runs in."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import select
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Self

JOB_VARIABLES: Final = ("CI_JOB_URL", "BUILD_URL", "GITHUB_RUN_ID", "BUILD_BUILDURI", "CI_JOB_ID")
"""Where CI systems say which job this is: GitLab, Jenkins, GitHub, Azure; the first one counts."""
_ENDED: Final = ("Z", "X")
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Owner:
    """One process. ``boot`` and ``space`` (its PID namespace) say whose ``pid`` that is.

    ``started`` is field 22 of ``/proc/PID/stat``; a number that is used again has another one.
    """

    user: str
    host: str
    pid: int
    started: str
    boot: str
    space: str
    job: str
    since: str

    @classmethod
    def this_process(cls) -> Self:
        """Return this process."""
        pid = os.getpid()
        job = next((os.environ[name] for name in JOB_VARIABLES if os.environ.get(name)), "")
        return cls(
            user=_user(),
            host=socket.gethostname(),
            pid=pid,
            started=_state_and_start(pid)[1],
            boot=_boot(),
            space=_space(),
            job=job[:200],
            since=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        )

    @classmethod
    def read(cls, record: Mapping[str, object]) -> Self:
        """Return the owner that a lock file names; ValueError if it names none."""
        given = {field.name: record.get(field.name) for field in fields(cls)}
        pid = given.pop("pid")
        if not isinstance(pid, int) or not all(isinstance(text, str) for text in given.values()):
            raise ValueError("no owner")
        return cls(pid=pid, **{name: str(text) for name, text in given.items()})

    def record(self) -> dict[str, object]:
        """Return what a lock file says of it."""
        return asdict(self)

    @property
    def shares_clock(self) -> bool:
        """Whether its monotonic clock is ours: the same machine, not started anew since."""
        return bool(self.boot) and self.boot == _boot()

    @property
    def is_over(self) -> bool:
        """Whether it has provably ended; False if that cannot be told from here."""
        if self.host == socket.gethostname() and self.boot and _boot() and not self.shares_clock:
            return True  # the machine has been started anew
        if not self._is_seen:
            return False
        state, started = _state_and_start(self.pid)
        return state in _ENDED or started != self.started

    def kill(self, *, timeout_s: float) -> bool:
        """End it by SIGKILL if it is provably the very process; return whether it has ended."""
        if not self._is_seen:
            return False
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return self.is_over
        try:
            # Looked at behind the descriptor: from now on the number cannot become another's.
            if self.is_over:
                return True
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                select.select([descriptor], [], [], timeout_s)
        finally:
            os.close(descriptor)
        return self.is_over

    @property
    def _is_seen(self) -> bool:
        return bool(self.started) and self.shares_clock and self.space == _space()

    def __str__(self) -> str:
        """Return its name for people."""
        job = f", job {self.job}" if self.job else ""
        return f"{self.user}@{self.host}, process {self.pid}{job}, since {self.since}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return state and start of a process by proc(5); "" for both if there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "", ""
    after_name = text.rpartition(")")[2].split()
    return after_name[0], after_name[19]


@functools.cache
def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _space() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
