"""Writes the journal of one process, a line at a time, straight to the file.

Each line goes to the kernel by itself, so a process that is killed loses nothing that was said
before; what must outlive a loss of power is synced (:meth:`Journal.sync`).
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from hil.evidence.journal.chain import GENESIS, digest_of, line_of
from hil.evidence.journal.errors import EvidenceError
from hil.evidence.room import lacking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER: Final = "journal"
"""Where in a run's folder the journals are."""
CLOCK_STEP_NS: Final = 1_000_000_000
"""A system clock that moves by more than this against the monotonic one is worth a record."""
BETWEEN_SYNCS_S: Final = 0.2
"""The disk is not asked more often: a loss of power takes no more than that."""
MOST_WAITING: Final = 8 * 1024 * 1024
"""Bytes that wait in memory while the disk takes none; beyond that the journal ends, torn."""


class Journal:
    """The journal of one process. Safe to use from several threads.

    ``utc_ns`` of a record is the monotonic clock, moved to UTC at the start: a system clock that is
    set in the middle of a run does not turn the order around; it is noted instead.

    What cannot be written (a full disk) waits in memory, in order, and :attr:`fault` says so;
    nothing is raised in the middle of a test. Ask for it between tests.
    """

    def __init__(self, run_folder: Path, process: str, begin: Mapping[str, object]) -> None:
        """Make the file and write its ``run-begin``.

        Raises EvidenceError if the folder holds the journal of this process already, or cannot be
        written to.
        """
        self.path = run_folder / FOLDER / f"{process}.jsonl"
        self._unwritten = ""
        self._unsynced = ""
        self._lock = threading.Lock()
        self._waiting = b""
        self._syncing: threading.Thread | None = None
        self._wanted = threading.Event()
        self._ending = threading.Event()
        self._seq = 0
        self._head = GENESIS
        self._utc_ns = time.time_ns()
        self._mono_ns = time.monotonic_ns()
        self._stepped_ns = 0
        self._fd = self._open()
        self.write("run-begin", begin)
        self.sync()
        if self.fault:
            raise EvidenceError(f"{self.path}: evidence cannot be written here: {self.fault}")

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise self._no_place(err) from err
        too_full = lacking(self.path.parent)
        if too_full:
            raise EvidenceError(too_full)
        try:
            return os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
        except FileExistsError:
            raise EvidenceError(
                f"{self.path}: this folder holds the evidence of another run, which nobody may "
                f"write into; give this run a folder of its own"
            ) from None
        except OSError as err:
            raise self._no_place(err) from err

    def _no_place(self, err: OSError) -> EvidenceError:
        return EvidenceError(
            f"{self.path}: evidence cannot be written here: {err.strerror}; give the run another "
            f"folder"
        )

    @property
    def fault(self) -> str:
        """Why evidence cannot be kept just now, or not for long, "" while it can."""
        return self._unwritten or self._unsynced or lacking(self.path.parent)

    @property
    def lines(self) -> int:
        """Number of records so far."""
        return self._seq

    @property
    def head(self) -> str:
        """Digest of the last line."""
        return self._head

    def write(
        self, event: str, body: Mapping[str, object], *, test: str = "", mono_ns: int | None = None
    ) -> None:
        """Append one record; ``mono_ns`` is when it happened (:func:`time.monotonic_ns`)."""
        at_ns = time.monotonic_ns() if mono_ns is None else mono_ns
        with self._lock:
            self._append(event, body, test, at_ns)

    def sync(self) -> None:
        """Have the disk keep what was written, so that a loss of power does not take it.

        Another thread waits for the disk: a test does not. What is asked for while it waits, or
        within a fifth of a second, is done in one go.
        """
        with self._lock:
            if self._fd < 0:
                return
            self._mind_the_clock()
            if self._syncing is None or not self._syncing.is_alive():
                self._syncing = threading.Thread(
                    target=self._keep_synced, name="journal sync", daemon=True
                )
                self._syncing.start()
        self._wanted.set()

    def _keep_synced(self) -> None:
        while not self._ending.wait(BETWEEN_SYNCS_S):
            self._wanted.wait()
            self._wanted.clear()
            try:
                # A duplicate: the journal may be closed, and its number given away, meanwhile.
                with self._lock:
                    if self._fd < 0:
                        return
                    duplicate = os.dup(self._fd)
                try:
                    os.fdatasync(duplicate)
                finally:
                    os.close(duplicate)
            except OSError as err:
                self._unsynced = f"{err.strerror}"

    def close(self, exit_status: str) -> None:
        """Write ``run-end`` and close the file. Idempotent."""
        with self._lock:
            if self._fd < 0:
                return
            body = {"exit_status": exit_status, "records": self._seq + 1}
            self._append("run-end", body, "", time.monotonic_ns())
            try:
                os.fsync(self._fd)
            except OSError as err:
                self._unsynced = f"{err.strerror}"
            os.close(self._fd)
            self._fd = -1
        self._ending.set()
        self._wanted.set()

    def _append(self, event: str, body: Mapping[str, object], test: str, at_ns: int) -> None:
        if self._fd < 0:
            return
        line = line_of(
            {
                "seq": self._seq,
                "utc_ns": self._utc_ns + at_ns - self._mono_ns,
                "mono_ns": at_ns,
                "event": event,
                "test": test,
                "body": body,
                "prev": self._head,
            }
        )
        self._seq += 1
        self._head = digest_of(line)
        self._put(line + b"\n")

    def _put(self, data: bytes) -> None:
        """Write what waits and ``data``; a short write goes on where it ended."""
        data = self._waiting + data
        self._waiting = b""
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as err:
            self._unwritten = f"{err.strerror}"
            self._waiting = data
            if len(data) > MOST_WAITING:
                self._unwritten += ", and too much has happened since: the journal ends here"
                os.close(self._fd)
                self._fd = -1
            return
        self._unwritten = ""

    def _mind_the_clock(self) -> None:
        drift = time.time_ns() - (self._utc_ns + time.monotonic_ns() - self._mono_ns)
        if abs(drift - self._stepped_ns) > CLOCK_STEP_NS:
            self._stepped_ns = drift
            text = f"the system clock now differs by {drift / 1e9:+.1f} s from the run's own"
            self._append("note", {"text": text}, "", time.monotonic_ns())
