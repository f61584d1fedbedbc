"""Whether there is room left for evidence: a run stops while it can still say so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LEAST_BYTES: Final = 16 * 1024 * 1024
"""Below this a run does not begin, and ends behind the present test: what is still to be written
(the end of the journal, results, JUnit) needs some, and others write to the disk as well."""


def lacking(folder: Path) -> str:
    """Return why there is too little room in ``folder``, in one line; "" if there is enough."""
    try:
        found = os.statvfs(folder)
    except OSError as err:
        return f"{folder}: cannot be looked at: {err.strerror}"
    free = found.f_bavail * found.f_frsize
    if free >= LEAST_BYTES:
        return ""
    return (
        f"{folder}: only {free / 2**20:.1f} MiB are free, and evidence needs "
        f"{LEAST_BYTES / 2**20:g}; make room, or give the run a folder on another disk"
    )
