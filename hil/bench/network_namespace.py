"""A network of its own for a process and its children (Linux network namespace).

The virtual reader driver listens on all addresses of the machine and cannot be told otherwise.
In a private network "all addresses" is a loopback interface that nobody else can reach.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP_RUNNING: Final = 0x1 | 0x40
_LOOPBACK_UP: Final = struct.pack("16sh22x", b"lo", _IFF_UP_RUNNING)


def available() -> bool:
    """Whether this process may enter a private network; tried in a child, nothing is changed.

    For a process with one thread; others run this module, whose exit code 0 means yes.
    """
    pid = os.fork()
    if pid == 0:
        try:
            enter()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def enter() -> None:
    """Move this process, with one thread only, to a new network whose loopback is up.

    Root enters directly, anybody else through a user namespace in which only the own user exists.
    Sockets that are open already stay in the old network. Raises :class:`OSError` where the
    kernel or the container forbids it; the process may then be half way: ask :func:`available`.
    """
    uid, gid = os.geteuid(), os.getegid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_CLONE_NEWNET if uid == 0 else _CLONE_NEWNET | _CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, f"private network refused: {os.strerror(number)}")
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, _LOOPBACK_UP)


def main() -> int:
    """Return 0 where a private network can be entered, else 1."""
    return 0 if available() else 1
