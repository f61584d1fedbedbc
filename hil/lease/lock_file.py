"""The file of one lease: token and heartbeat in its first line, the owner's record in its second.

The first line has a fixed width (20 digits, a blank, 20 digits): the token is compared at every
message, the heartbeat written twice a second, both in place. Whoever changes the token holds the
file exclusively (flock); whoever sends a message holds it shared while it goes out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from hil.errors import BenchError
from hil.lease.owner import Owner

_DIGITS: Final = 20
_HEAD: Final = 2 * _DIGITS + 2
_MAX_RECORD: Final = 65_536
_POLL_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Entry:
    """What a lock file says. ``token`` 0: none yet; -1: unreadable.

    ``owner`` is the present one, else None; ``last`` is then who was it. ``proven`` says that the
    last one proved the thing safe before letting go. ``note`` is for people.
    """

    token: int = 0
    beat_ns: int = 0
    owner: Owner | None = None
    last: Owner | None = None
    proven: bool = False
    note: str = ""

    @property
    def text(self) -> bytes:
        """Return the file's content."""
        record = {
            "owner": self.owner.record() if self.owner else None,
            "last": self.last.record() if self.last else None,
            "proven": self.proven,
            "note": self.note,
        }
        return token_text(self.token) + b" %020d\n" % self.beat_ns + json.dumps(record).encode()

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Return what the content says; an unreadable one has the token -1."""
        if not text:
            return cls()
        try:
            token, beat = text[:_DIGITS], text[_DIGITS + 1 : _HEAD - 1]
            record = json.loads(text[_HEAD:])
            if not (token.isdigit() and beat.isdigit()):
                raise ValueError("no token")
            return cls(
                int(token),
                int(beat),
                owner=Owner.read(record["owner"]) if record["owner"] else None,
                last=Owner.read(record["last"]) if record["last"] else None,
                proven=record["proven"] is True,
                note=str(record["note"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(token=-1)


def token_text(token: int) -> bytes:
    """Return a token as it stands at the beginning of the file."""
    return b"%020d" % token


class LockFile:
    """An open lock file. Two of them in one process exclude each other like two processes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def open(cls, name: str, path: Path) -> Self:
        """Open or make the file; BenchError that names it and its cure."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(path, _opened(path))
        except OSError as err:
            raise BenchError(
                f"{name}: cannot open its lock file {path}: {err.strerror}; set HIL_LOCK_DIR "
                f"to a directory this user can write"
            ) from err

    def close(self) -> None:
        """Close it, and with it free what is held."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def lock(self, timeout_s: float) -> bool:
        """Hold the file exclusively; False if somebody else holds it for longer than that."""
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)

    def unlock(self) -> None:
        """Let the file go."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def read(self) -> Entry:
        """Return what the file says."""
        return Entry.read(os.pread(self.descriptor, _MAX_RECORD, 0))

    def write(self, entry: Entry) -> None:
        """Write the file; it must be held exclusively."""
        text = entry.text
        os.pwrite(self.descriptor, text, 0)
        os.ftruncate(self.descriptor, len(text))

    def beat(self, token: bytes) -> bool:
        """Write the heartbeat; False if the token has changed or the file is gone.

        A beat is left out while the file is held: whoever looks at it now does not wait for us.
        """
        if os.fstat(self.descriptor).st_nlink == 0:
            return False
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        try:
            if os.pread(self.descriptor, _DIGITS, 0) != token:
                return False
            os.pwrite(self.descriptor, b"%020d" % time.monotonic_ns(), _DIGITS + 1)
        finally:
            self.unlock()
        return True

    def other_holders(self) -> str:
        """Return which processes hold the file by a lock, for people; "" if that is not known."""
        inode = f":{os.fstat(self.descriptor).st_ino}"
        try:
            lines = Path("/proc/locks").read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            return ""
        rows = [line.replace("->", "").split() for line in lines]
        pids = {row[4] for row in rows if len(row) > 5 and row[5].endswith(inode)}
        return ", ".join(f"process {pid}{_command(pid)}" for pid in sorted(pids - {"-1", "0"}))


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    for _ in range(2):
        # In a folder of all users (/tmp) the kernel may refuse O_CREAT for another one's file.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(descriptor, 0o666)  # the folder says who may share it, not our umask
            return descriptor
    return os.open(path, flags)


def _command(pid: str) -> str:
    try:
        return f" ({Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()})"
    except (OSError, UnicodeDecodeError):
        return ""
