"""The card's non-volatile memory: key and value bytes, changed by all-or-nothing transactions.

On disk it is a journal: a head, then records of ``length ‖ checksum ‖ payload``, where a payload
holds the number of the transaction and its changes in CBOR. A transaction is done when its record
is wholly written and synced. Power lost before that leaves a torn tail, which the next start drops:
the old state. A journal that has grown is rewritten beside the old one and renamed over it.
"""

from __future__ import annotations

import bisect
import fcntl
import hashlib
import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import cbor2

from hil.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

_HEAD: Final = b"HILNVM1\n"
_LENGTH: Final = 4
_CHECKSUM: Final = 8
_COMPACT_ABOVE: Final = 1 << 18
_LOCK_WAIT_S: Final = 5.0


class NvmError(BenchError):
    """The card's memory on disk cannot be used."""


class Transaction:
    """Changes that come into force together, or not at all."""

    __slots__ = ("_nvm", "changes")

    def __init__(self, nvm: Nvm) -> None:
        self._nvm = nvm
        self.changes: dict[str, bytes | None] = {}

    def put(self, key: str, value: bytes) -> None:
        """Write a value."""
        self.changes[key] = bytes(value)

    def delete(self, key: str) -> None:
        """Remove a value; nothing happens if there is none."""
        self.changes[key] = None

    def delete_all(self, prefix: str) -> None:
        """Remove every value whose key starts with ``prefix``."""
        for key in self._nvm.keys(prefix):
            self.changes[key] = None
        for key in [key for key in self.changes if key.startswith(prefix)]:
            self.changes[key] = None


class Nvm:
    """One card's memory in a folder, held by one process at a time.

    ``timeout_s``: how long to wait for another process to let go of the folder. Not thread-safe:
    the card has one lock around everything.
    """

    def __init__(self, folder: Path, *, timeout_s: float = _LOCK_WAIT_S) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._path = folder / "memory.journal"
        self._values: dict[str, bytes] = {}
        self._areas: dict[str, set[str]] = {}
        self._ordered: dict[str, list[str]] = {}
        self._revisions: dict[str, int] = {}
        self._sequence = 0
        self._live = 0
        self._size = 0
        self._file = -1
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take_lock(timeout_s)
            self._load()
        except BaseException:
            self.close()
            raise

    def get(self, key: str) -> bytes | None:
        """Return a value, ``None`` if there is none."""
        return self._values.get(key)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with ``prefix``, in order."""
        area, slash, _ = prefix.partition("/")
        if not slash:
            return sorted(key for key in self._values if key.startswith(prefix))
        ordered = self._ordered.get(area)
        if ordered is None:
            ordered = self._ordered[area] = sorted(self._areas.get(area, ()))
        start = bisect.bisect_left(ordered, prefix)
        end = start
        while end < len(ordered) and ordered[end].startswith(prefix):
            end += 1
        return ordered[start:end]

    def revision(self, area: str) -> int:
        """Return how often keys ``area/…`` were changed: what was read of them then still holds."""
        return self._revisions.get(area, 0)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Collect changes and commit them when the block ends well; an exception drops them."""
        transaction = Transaction(self)
        yield transaction
        self._commit(transaction.changes)

    def close(self) -> None:
        """Let go of the folder; may be called again."""
        for name in ("_file", "_lock"):
            descriptor = getattr(self, name)
            if descriptor >= 0:
                os.close(descriptor)
                setattr(self, name, -1)

    def _take_lock(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise NvmError(
                        f"another process holds the card memory {self._folder}; end that card first"
                    ) from None
                time.sleep(0.02)
            else:
                return

    def _load(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        raw = self._path.read_bytes()
        if len(raw) < len(_HEAD) and _HEAD.startswith(raw):
            self._write(_HEAD[len(raw) :], at=len(raw))
            os.fsync(self._file)
            _sync_folder(self._folder)
            self._size = len(_HEAD)
            return
        if not raw.startswith(_HEAD):
            raise NvmError(f"{self._path} is not a card memory; give the card another folder")
        at = len(_HEAD)
        while at < len(raw):
            record = _read_record(raw, at, self._sequence + 1)
            if record is None:
                self._refuse_damage(raw, at)
                break
            changes, at = record
            self._sequence += 1
            self._apply(changes)
        if at < len(raw):
            log.warning("dropping %d bytes of a transaction cut by power loss", len(raw) - at)
            os.ftruncate(self._file, at)
            os.fsync(self._file)
        self._size = at

    def _refuse_damage(self, raw: bytes, at: int) -> None:
        # Every record is synced before the next one begins, so only the last can be torn.
        length = int.from_bytes(raw[at : at + _LENGTH], "big")
        end = at + _LENGTH + _CHECKSUM + length
        if end < len(raw) and _read_record(raw, end, self._sequence + 2) is not None:
            raise NvmError(
                f"{self._path} is damaged at byte {at}, before good transactions; "
                "restore the folder from a copy or remove it to start with a new card"
            )

    def _commit(self, changes: dict[str, bytes | None]) -> None:
        if not changes:
            return
        if self._file < 0:
            raise NvmError(f"the card memory {self._folder} is closed")
        record = _record(self._sequence + 1, changes)
        try:
            self._write(record, at=self._size)
            os.fsync(self._file)
        except BaseException:
            # What was half written must not stand before the next record.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(record)
        self._sequence += 1
        self._apply(changes)
        if self._size > _COMPACT_ABOVE and self._size > 4 * self._live:
            self._compact()

    def _apply(self, changes: dict[str, bytes | None]) -> None:
        for key, value in changes.items():
            old = self._values.pop(key, None)
            if old is not None:
                self._live -= len(key) + len(old)
            if value is not None:
                self._values[key] = value
                self._live += len(key) + len(value)
            self._index(key, was=old is not None, now=value is not None)

    def _index(self, key: str, *, was: bool, now: bool) -> None:
        """Note a change of a key for :meth:`keys` and :meth:`revision`."""
        area = key.partition("/")[0]
        self._revisions[area] = self._revisions.get(area, 0) + 1
        if was == now:
            return
        if now:
            self._areas.setdefault(area, set()).add(key)
        else:
            self._areas[area].discard(key)
        self._ordered.pop(area, None)

    def _compact(self) -> None:
        whole: dict[str, bytes | None] = dict(self._values)
        raw = _HEAD + _record(1, whole)
        beside = self._path.with_suffix(".new")
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        old, self._file = self._file, file
        try:
            self._write(raw, at=0)
            os.fsync(file)
            beside.replace(self._path)
        except BaseException:
            self._file = old
            os.close(file)
            raise
        os.close(old)
        _sync_folder(self._folder)
        self._size, self._sequence = len(raw), 1

    def _write(self, raw: bytes, *, at: int) -> None:
        done = 0
        while done < len(raw):
            done += os.pwrite(self._file, raw[done:], at + done)


def _record(sequence: int, changes: dict[str, bytes | None]) -> bytes:
    payload = cbor2.dumps([sequence, changes])
    return len(payload).to_bytes(_LENGTH, "big") + _checksum(payload) + payload


def _read_record(raw: bytes, at: int, sequence: int) -> tuple[dict[str, bytes | None], int] | None:
    """Return the changes and where the next record begins, ``None`` for a torn record."""
    start = at + _LENGTH + _CHECKSUM
    end = start + int.from_bytes(raw[at : at + _LENGTH], "big")
    payload = raw[start:end]
    if end > len(raw) or start > len(raw):
        return None
    if _checksum(payload) != raw[at + _LENGTH : start]:
        return None
    number, changes = cbor2.loads(payload)
    return (changes, end) if number == sequence else None


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECKSUM).digest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
