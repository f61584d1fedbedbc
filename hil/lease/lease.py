"""A lease: the right of one process to drive one thing, until it lets go, dies or falls silent.

The lock file names the owner. Its end is seen at once (process number and start), its silence (a
stopped or hung process, another machine or container) by a heartbeat that fails for ``TTL_S``.

Each owner has a token, a number that only grows. Every message goes out within
:meth:`Lease.sending`, which holds the file shared and compares the token; it grows under an
exclusive lock only. So an owner that was paused and wakes up after another has taken over sends
nothing more: there is no moment between the look at the token and the message in which it could
grow. Should an owner be stopped within that moment, the next one ends it by SIGKILL, or waits.
What was sent before is out of reach: two connections to one instrument have no order.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn, Self

from hil.errors import BenchError
from hil.lease.heart import BEAT_S, HEART
from hil.lease.lock_file import Entry, LockFile, token_text
from hil.lease.owner import Owner

TTL_S: Final = 3.0
"""A lease whose heartbeat has failed for so long has lapsed."""
_LOCK_S: Final = 1.0
_WATCH_S: Final = 0.1
_POLL_S: Final = 0.005
_LOG = logging.getLogger(__name__)


class OwnedError(BenchError):
    """Another process drives this thing; the text names its user, host and process."""


class SucceededError(OwnedError):
    """Another has taken over; ``proven``: it has given the thing back since, proven safe."""

    def __init__(self, text: str, *, proven: bool) -> None:
        super().__init__(text)
        self.proven = proven


def lock_directory() -> Path:
    """Return where lock files are: ``HIL_LOCK_DIR``, else the user's runtime or temp directory."""
    stated = os.environ.get("HIL_LOCK_DIR")
    if stated:
        return Path(stated)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "hil"
    return Path(tempfile.gettempdir()) / f"hil-{os.getuid()}"


def lock_path(name: str, directory: Path | None = None) -> Path:
    """Return the lock file of a thing; upper and lower case are one name."""
    folder = directory or lock_directory()
    return folder / (re.sub(r"[^A-Za-z0-9.]+", "-", name.upper()) + ".lock")


class Lease:
    """The right to drive one thing, named by ``name``. Make it with :meth:`claim`."""

    def __init__(self, name: str, file: LockFile, token: int) -> None:
        self.name = name
        self.token = token
        self._file = file
        self._token = token_text(token)
        self._beating: LockFile | None = None
        self._lost = False

    @property
    def path(self) -> Path:
        """The lock file."""
        return self._file.path

    @classmethod
    def claim(cls, name: str, *, directory: Path | None = None) -> Self:
        """Become the owner, or raise :class:`OwnedError` naming who is.

        An owner that has ended, or has fallen silent for ``TTL_S``, is followed at once; one on
        another machine is watched as long before it counts as silent.
        """
        file = LockFile.open(name, lock_path(name, directory))
        try:
            token = _take(name, file)
            lease = cls(name, file, token)
            lease._beating = LockFile.open(name, file.path)
        except BaseException:
            file.close()
            raise
        HEART.add(lease, lease._beat)
        return lease

    @classmethod
    def fence(cls, name: str, path: Path, token: int, *, note: str) -> Self:
        """Take the right away from the owner of ``token``, for nobody: the thing is free then.

        For whoever acts in the place of an owner that can no longer act. ``note`` tells the owner
        why, should it wake up.

        Raises :class:`SucceededError` if another has taken over, or the owner has given the thing
        back proven safe; :class:`OwnedError` if the file is held (an owner stopped in the middle
        of a message, another program).
        """
        file = LockFile.open(name, path)
        try:
            if not file.lock(_LOCK_S / 5):
                raise OwnedError(f"{name}: {path} is held by {file.other_holders() or 'somebody'}")
            entry = file.read()
            owned = entry.owner is not None and not _has_ended(entry.owner, entry)
            if (owned and entry.token != token) or (entry.owner is None and entry.proven):
                raise SucceededError(f"{name}: {_describe(entry)}", proven=not owned)
            new = max(_next(entry), token + 1)
            file.write(Entry(new, last=entry.owner or entry.last, note=note))
            file.unlock()
        except BaseException:
            file.close()
            raise
        return cls(name, file, new)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Keep everybody from taking over within the context, in which one message goes out.

        Raises :class:`OwnedError` if somebody has, or if the file has been spoilt: it says who.
        """
        descriptor = self._file.descriptor
        if descriptor < 0:
            raise OwnedError(f"{self.name}: given back already; open it again")
        if self._lost:
            self._raise_lost()
        self._share(descriptor)
        try:
            if os.pread(descriptor, len(self._token), 0) != self._token:
                raise OwnedError(
                    f"{self.name}: no longer this run's: {_describe(self._file.read())}; "
                    f"nothing was sent, end this run (lock {self.path})"
                )
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def check(self) -> None:
        """Raise :class:`OwnedError` unless the right is still ours and its file still there."""
        if self._file.descriptor >= 0 and os.fstat(self._file.descriptor).st_nlink == 0:
            self._raise_lost()
        with self.sending():
            pass

    def _raise_lost(self) -> NoReturn:
        raise OwnedError(
            f"{self.name}: its lock file {self.path} has been removed, so another may have taken "
            f"over unseen; end this run"
        )

    def release(self, *, proven: bool = False, note: str = "") -> None:
        """Give the right back; may be called again.

        ``proven``: the thing was proven safe before; whoever watches over it need not act.
        ``note`` is for whoever once had it.
        """
        if self._file.descriptor < 0:
            return
        HEART.remove(self)
        if self._beating is not None:
            self._beating.close()
        # The file stays: removing it would let two processes lock two files of one name.
        if self._file.lock(_LOCK_S):
            entry = self._file.read()
            if entry.token == self.token:
                last, said = entry.owner or entry.last, note or entry.note or "given back"
                self._file.write(Entry(self.token, last=last, proven=proven, note=said))
        else:
            _LOG.warning("%s: cannot be given back in %s: it is held", self.name, self.path)
        self._file.close()

    def _share(self, descriptor: int) -> None:
        deadline = 0.0
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                deadline = deadline or time.monotonic() + _LOCK_S
                if time.monotonic() > deadline:
                    raise OwnedError(
                        f"{self.name}: its lock file {self.path} is held by "
                        f"{self._file.other_holders() or 'another program'}; end that program"
                    ) from None
                time.sleep(_POLL_S)

    def _beat(self) -> bool:
        beating = self._beating
        if beating is None or beating.beat(self._token):
            return True
        # Remembered here, so that no message has to look whether the file is still there.
        self._lost = os.fstat(beating.descriptor).st_nlink == 0
        _LOG.error("%s: the lease is lost: %s", self.name, _describe(beating.read()))
        return False


def holder_of(name: str, *, directory: Path | None = None) -> str:
    """Return who holds a thing, for people; "" if nobody does or that cannot be told."""
    path = lock_path(name, directory)
    try:
        entry = Entry.read(path.read_bytes())
    except OSError:
        return ""
    owner = entry.owner
    return str(owner) if owner is not None and not _has_ended(owner, entry) else ""


def _take(name: str, file: LockFile) -> int:
    """Write this process into the file; return its token."""
    watched: tuple[int, float] | None = None
    while True:
        entry = _locked(name, file)
        silent = watched is not None and (
            watched[0] == entry.beat_ns and time.monotonic() > watched[1]
        )
        if entry.owner is None or silent or _has_ended(entry.owner, entry):
            token = _write_down(name, file, entry)
            file.unlock()
            return token
        file.unlock()
        if entry.owner.shares_clock or (watched is not None and watched[0] != entry.beat_ns):
            raise OwnedError(
                f"{name}: in use by {entry.owner}; wait for it to end, or end it (lock {file.path})"
            )
        watched = watched or (entry.beat_ns, time.monotonic() + TTL_S + BEAT_S)
        time.sleep(_WATCH_S)


def _locked(name: str, file: LockFile) -> Entry:
    """Hold the file exclusively and return what it says; an owner stopped within it is ended."""
    if not file.lock(_LOCK_S):
        entry = file.read()
        owner = entry.owner
        stopped = owner is not None and _has_ended(owner, entry)
        if owner is not None and stopped and owner.kill(timeout_s=_LOCK_S):
            _LOG.warning("%s: ended its stopped owner in mid-message: %s", name, owner)
        if not file.lock(_LOCK_S):
            holders = file.other_holders() or "a process that cannot be seen from here"
            raise OwnedError(
                f"{name}: its lock file {file.path} is held by {holders}; end that program"
            )
    return file.read()


def _write_down(name: str, file: LockFile, entry: Entry) -> int:
    if entry.token < 0:
        _LOG.warning(
            "%s: its last owner has not written its name in %s; outputs may have been left on",
            name,
            file.path,
        )
    elif entry.owner is not None:
        _LOG.warning(
            "%s: its last owner ended without releasing it, or fell silent: %s; outputs may have "
            "been left on",
            name,
            entry.owner,
        )
    token = _next(entry)
    mine = Owner.this_process()
    file.write(Entry(token, time.monotonic_ns(), owner=mine, last=entry.owner or entry.last))
    return token


def _next(entry: Entry) -> int:
    # Behind every counter there may have been, where the last one cannot be read.
    return entry.token + 1 if entry.token >= 0 else time.time_ns()


def _has_ended(owner: Owner, entry: Entry) -> bool:
    if owner.is_over:
        return True
    silence_s = (time.monotonic_ns() - entry.beat_ns) / 1e9
    return owner.shares_clock and silence_s > TTL_S


def _describe(entry: Entry) -> str:
    if entry.owner is not None:
        return f"{entry.owner} has it now"
    if entry.token < 0:
        return "its lock file was overwritten by somebody"
    last = f" (last owner {entry.last})" if entry.last else ""
    return f"{entry.note or 'given back'}{last}"
