"""Writes views: whole or not at all, so that nobody ever opens half a report."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hil.evidence.journal.errors import EvidenceError


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write ``content`` to a temporary name beside ``path``, then rename it; return ``path``.

    Raises EvidenceError if it cannot be written; what stood there before stays then.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(data)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as err:
        raise EvidenceError(f"{path}: the report cannot be written: {err.strerror}") from err
    return path
