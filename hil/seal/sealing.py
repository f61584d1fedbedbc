"""Seals a run: looks whether its evidence is whole, then writes manifest and signed statement."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import HilError, UsageError
from hil.evidence.gate import gate
from hil.evidence.journal.errors import EvidenceError
from hil.seal import dsse, manifest
from hil.seal.attestation import PAYLOAD_TYPE, statement
from hil.seal.files import MANIFEST, SEAL, digest, look, read_plain
from hil.seal.inspection import attachments, inspect
from hil.seal.links import Break

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord
    from hil.seal.keys import SigningKey

    Waived = Callable[[RunRecord], Callable[[TestRecord], bool]]

_NEW: Final = ".new"
_MOST_NAMED: Final = 5


class BrokenEvidenceError(HilError):
    """Evidence that is not whole is not sealed; ``breaks`` says what is wrong."""

    def __init__(self, folder: Path, breaks: list[Break]) -> None:
        named = "; ".join(map(str, breaks[:_MOST_NAMED]))
        more = f"; and {len(breaks) - _MOST_NAMED} more" if len(breaks) > _MOST_NAMED else ""
        super().__init__(
            f"{folder}: its evidence is not whole, so it is not sealed: {named}{more}; a run that "
            f"was broken off is closed with 'hil recover', anything else stays as it is"
        )
        self.breaks = tuple(breaks)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed: number of files and journal records, exit code of the gate, the key."""

    run: str
    files: int
    records: int
    exit_code: int
    keyid: str


def seal_run(
    folder: Path,
    key: SigningKey,
    *,
    waived: Waived = lambda _run: lambda _test: False,
    replace: bool = False,
) -> Sealed:
    """Write ``manifest.json`` and ``seal.dsse.json``.

    ``waived`` gives, for a run, what tells of a test whether a waiver covers its verdict.
    ``replace`` makes a new seal where one is, and names the old one in it. Raises UsageError if
    there is one and ``replace`` is not given, BrokenEvidenceError if the evidence is not whole,
    EvidenceError if the folder cannot be read or written.
    """
    before = _seal_before(folder)
    if before and not replace:
        raise UsageError(
            f"{folder / SEAL}: this run is sealed already; to seal what has come since, such as a "
            f"report, give --replace"
        )
    try:
        return _seal(folder, key, waived, before)
    except OSError as err:
        raise EvidenceError(f"{folder}: cannot be sealed: {err.strerror or err}") from err


def _seal(folder: Path, key: SigningKey, waived: Waived, before: str) -> Sealed:
    _remove_new(folder)
    there = look(folder)
    if there.odd:
        raise BrokenEvidenceError(folder, there.odd)
    files = {name: manifest.SealedFile(*digest(folder, name)) for name in there.sizes}
    found = inspect(folder)
    breaks = [*found.breaks, *found.without_end, *attachments(found, files)]
    if found.run is None or breaks:
        raise BrokenEvidenceError(folder, breaks)
    covered = waived(found.run)
    judged = gate(found.run, covered)
    body = manifest.encode(found.run, judged, files)
    payload = statement(
        found.run,
        judged,
        body,
        signer=key.public,
        sealed_ns=time.time_ns(),
        waived=covered,
        replaces=before,
    )
    envelope = dsse.sign(PAYLOAD_TYPE, payload, key).encode()
    again = look(folder).sizes
    moved = [name for name, one in files.items() if again.get(name) != one.size]
    moved += [name for name in again if name not in files]
    if moved:
        what = "it was written while the run was being sealed"
        raise BrokenEvidenceError(folder, [Break(name, what) for name in moved])
    _write(folder, {MANIFEST: body, SEAL: envelope})
    records = sum(one.lines for one in found.run.files)
    return Sealed(found.run.run, len(files), records, judged.code, key.public.keyid)


def _seal_before(folder: Path) -> str:
    """Return the digest of the seal that is there, "" for none."""
    try:
        return hashlib.sha256(read_plain(folder, SEAL, dsse.MOST_BYTES)).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as err:
        raise EvidenceError(
            f"{folder / SEAL}: what stands in the seal's place cannot be read "
            f"({err.strerror or err}): remove it"
        ) from err


def _write(folder: Path, bodies: dict[str, bytes]) -> None:
    """Put all in place together, as far as a file system can: whole before any is renamed."""
    try:
        for name, body in bodies.items():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(folder / f"{name}{_NEW}", flags, 0o644)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(descriptor)
        for name in bodies:
            (folder / f"{name}{_NEW}").replace(folder / name)
    except BaseException:  # Ctrl-C too: beside the old seal they are files that it does not know
        _remove_new(folder)
        raise


def _remove_new(folder: Path) -> None:
    for name in (MANIFEST, SEAL):
        (folder / f"{name}{_NEW}").unlink(missing_ok=True)
