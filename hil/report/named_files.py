"""Files that a journal names: inside the folder of its run, and what the journal says they are.

A journal may come from anywhere, so it is no reason to open, copy or write any other file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hil.evidence.test_record import Attachment


def inside(file: str, run_folder: Path) -> Path | None:
    """Return where a file of a run is.

    None for a path that leads out of the run's folder, or that no file can have.
    """
    if not file or "\0" in file:
        return None
    try:
        os.fsencode(file)
    except UnicodeEncodeError:
        return None
    folder = os.path.normpath(run_folder)
    target = Path(os.path.normpath(run_folder / file))
    return target if target != Path(folder) and target.is_relative_to(folder) else None


def is_as_named(path: Path, one: Attachment) -> bool:
    """Return whether ``path`` is a plain file, with the size and SHA-256 of an attachment.

    Raises OSError if it cannot be read.
    """
    if not path.is_file() or path.stat().st_size != one.size:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == one.sha256
