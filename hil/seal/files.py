"""Which files of a run's folder are evidence, and their digests; no link is ever followed.

Everything in the folder is evidence but what :data:`EXCLUDED` says: manifest and seal themselves.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hil.seal.links import Break

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = "manifest.json"
SEAL: Final = "seal.dsse.json"
EXCLUDED: Final = (MANIFEST, SEAL)
"""What is not sealed; the list stands in every manifest."""
MOST_FILES: Final = 1_000_000
_CHUNK: Final = 1024 * 1024
_ODD: Final = "only plain files inside the folder are evidence, and no link is followed"


@dataclass(slots=True)
class Folder:
    """What lies in a run's folder: size of each file of evidence by path, and what is no file."""

    sizes: dict[str, int] = field(default_factory=dict)
    odd: list[Break] = field(default_factory=list)


def look(folder: Path) -> Folder:
    """Go through a run's folder. Raises OSError if it cannot be read."""
    found = Folder()
    _look(folder, "", found)
    found.sizes = dict(sorted(found.sizes.items()))
    return found


def _look(folder: Path, inside: str, found: Folder) -> None:
    with os.scandir(folder / inside if inside else folder) as entries:
        for entry in entries:
            name = inside + entry.name
            if name in EXCLUDED:
                continue
            state = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(state.st_mode):
                _look(folder, f"{name}/", found)
            elif stat.S_ISREG(state.st_mode):
                found.sizes[name] = state.st_size
            else:
                found.odd.append(Break(name, f"it is {kind_of(state.st_mode)}", _ODD))
            if len(found.sizes) > MOST_FILES:
                raise OSError(f"more than {MOST_FILES} files are no folder of a run")


def kind_of(mode: int) -> str:
    """Return what a mode of :func:`os.lstat` says, in words."""
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a plain file" if stat.S_ISREG(mode) else "a pipe, socket or device"


def open_plain(folder: Path, name: str) -> int:
    """Open a file of the folder for reading; its descriptor. Raises OSError for anything else."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(folder / name, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is no plain file")
    return descriptor


def read_plain(folder: Path, name: str, most: int) -> bytes:
    """Return a file's bytes, at most ``most`` + 1 of them. Raises OSError."""
    with os.fdopen(open_plain(folder, name), "rb") as file:
        return file.read(most + 1)


def digest(folder: Path, name: str) -> tuple[str, int]:
    """Return SHA-256 (hex) and size of a file; memory stays flat. Raises OSError."""
    one, size = hashlib.sha256(), 0
    with os.fdopen(open_plain(folder, name), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            one.update(chunk)
            size += len(chunk)
    return one.hexdigest(), size
