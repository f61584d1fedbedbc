"""Writes views: whole or not at all, so that nobody ever opens half a report."""

from __future__ import annotations

from pathlib import Path

from hil.evidence import whole_file
from hil.evidence.journal.errors import EvidenceError


def write_whole(path: Path, content: str | bytes) -> Path:
    """Put ``content`` in place of ``path``, in a folder that is made; return ``path``.

    Raises EvidenceError if it cannot be written; what stood there before stays then.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole_file.write_whole(path, data)
    except OSError as err:
        raise EvidenceError(f"{path}: the report cannot be written: {err.strerror}") from err
    return path
