"""One owner for each instrument: a lock file of the operating system for each resource name.

VISA locks do not exist on a LAN socket, so the owners agree on a file. The system frees the lock
when its owner dies, however it dies; what the dead owner wrote into the file is then reported.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import logging
import os
import re
import socket
import tempfile
import time
from pathlib import Path

from hil.equipment.power_supply.errors import OwnedError
from hil.errors import BenchError

_LOG = logging.getLogger(__name__)


def lock_directory() -> Path:
    """Return where lock files are: ``HIL_LOCK_DIR``, else the user's runtime or temp directory.

    A lab whose users share instruments points ``HIL_LOCK_DIR`` at one directory for all of them.
    """
    stated = os.environ.get("HIL_LOCK_DIR")
    if stated:
        return Path(stated)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "hil"
    return Path(tempfile.gettempdir()) / f"hil-{os.getuid()}"


class Ownership:
    """The right of this process to drive one resource, until :meth:`release` or its death."""

    def __init__(self, resource: str, path: Path, descriptor: int) -> None:
        self.resource = resource
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def claim(cls, resource: str, *, directory: Path | None = None) -> Ownership:
        """Become the owner of ``resource``, or raise :class:`OwnedError` naming who is."""
        folder = directory or lock_directory()
        path = folder / (re.sub(r"[^A-Za-z0-9.]+", "-", resource.upper()) + ".lock")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except OSError as err:
            raise BenchError(
                f"{resource}: cannot open its lock file {path}: {err.strerror}; set HIL_LOCK_DIR "
                f"to a directory this user can write"
            ) from err
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            owner = _describe(os.pread(descriptor, 4096, 0))
            os.close(descriptor)
            raise OwnedError(
                f"{resource}: in use by {owner}; wait for it to end, or end it (lock {path})"
            ) from err
        previous = os.pread(descriptor, 4096, 0)
        if previous:
            _LOG.warning(
                "%s: its last owner ended without releasing it: %s; outputs may have been left on",
                resource,
                _describe(previous),
            )
        record = {
            "user": _user(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode(), 0)
        return cls(resource, path, descriptor)

    def release(self) -> None:
        """Give the right back; may be called again."""
        if self._descriptor < 0:
            return
        # The file stays: removing it would let two processes lock two files of one name.
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = -1


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"


def _describe(record: bytes) -> str:
    try:
        owner = json.loads(record)
        return f"{owner['user']}@{owner['host']}, process {owner['pid']}, since {owner['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not written its name"
