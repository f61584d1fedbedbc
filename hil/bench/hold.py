"""One owner for a real bench: a lock on this machine that names who holds it.

It is released by the kernel when the owner ends, however it ends. It keeps two runs on one machine
apart, no more: a bench that several machines can reach needs an agreement among its users.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hil.errors import BenchError

if TYPE_CHECKING:
    from hil.bench.lab import Lab


class BusyError(BenchError):
    """Somebody else has the bench; the text names them."""


class Hold:
    """Holds what is real on one bench, until :meth:`release`."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    @classmethod
    def take(cls, lab: Lab) -> Self:
        """Take the bench's real equipment; BusyError naming the owner if it is taken."""
        held = cls([])
        try:
            for name in _real_things(lab):
                held._descriptors.append(_lock(name, lab.name))
        except BaseException:
            held.release()
            raise
        return held

    def release(self) -> None:
        """Let the equipment go. Idempotent."""
        while self._descriptors:
            os.close(self._descriptors.pop())


def _real_things(lab: Lab) -> list[str]:
    bench = lab.file
    names = []
    if bench.power_supply and bench.power_supply.visa:
        names.append(f"power supply {bench.power_supply.visa}")
    if bench.card and bench.card.pcsc:
        names.append(f"reader {bench.card.pcsc.reader}")
    if bench.device and bench.device.serial:
        names.append(f"device {Path(bench.device.serial.port).resolve()}")
    return names


def _lock(name: str, bench: str) -> int:
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"hil-bench-{digest}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as err:
        raise BenchError(f"{name}: cannot take the lock {path}: {err.strerror}") from err
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = _owner(os.pread(descriptor, 4096, 0))
        os.close(descriptor)
        raise BusyError(
            f"{name} of bench '{bench}' is in use by {owner}; wait for that run, or end it. "
            "A real bench serves one process: run it without -n"
        ) from None
    text = {
        "user": getpass.getuser(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "job": os.environ.get("CI_JOB_URL") or os.environ.get("BUILD_URL") or "",
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(text).encode(), 0)
    return descriptor


def _owner(raw: bytes) -> str:
    try:
        owner = json.loads(raw)
        job = f", job {owner['job']}" if owner["job"] else ""
        return f"{owner['user']} on {owner['host']}, process {owner['pid']}{job}"
    except (ValueError, KeyError, TypeError):
        return "another process"
