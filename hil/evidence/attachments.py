"""Attachments of a run: stored under their digest, whole before anybody names them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.evidence.journal.errors import EvidenceError
from hil.evidence.whole_file import write_whole

FOLDER: Final = "attachments"
"""Where in a run's folder they are."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Largest attachment that is kept; of a larger one the journal holds digest and size only."""
_CHUNK: Final = 1024 * 1024
_KIND: Final = re.compile(r"[a-z0-9][a-z0-9.]{0,15}")
_EXTENSIONS: Final = {"text": "txt"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One attachment: where it is in the run's folder ("" if too large), and its digest."""

    file: str
    sha256: str
    size: int


def store(run_folder: Path, body: bytes | Path, kind: str) -> Stored:
    """Keep ``body`` (bytes, or the file that holds them) and return where; the same bytes once.

    Raises EvidenceError if it cannot be read or written, ValueError for a ``kind`` that is no
    name such as ``text``, ``csv`` or ``csv.gz``.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} is no kind of attachment: text, json, csv, svg, png, …")
    folder = run_folder / FOLDER
    try:
        return _store(folder, body, _EXTENSIONS.get(kind, kind))
    except OSError as err:
        raise EvidenceError(
            f"{folder}: an attachment ({kind}) cannot be kept: {err.strerror or err}"
        ) from err


def digest_of_file(path: Path) -> tuple[str, int]:
    """Return SHA-256 (hex) and size of a file; memory stays flat. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _store(folder: Path, body: bytes | Path, extension: str) -> Stored:
    if isinstance(body, Path):
        sha256, size = digest_of_file(body)
    else:
        sha256, size = hashlib.sha256(body).hexdigest(), len(body)
    if size > MOST_BYTES:
        return Stored("", sha256, size)
    name = f"{sha256}.{extension}"
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, body)
    return Stored(f"{FOLDER}/{name}", sha256, size)
