"""Files written whole or not at all, so that nobody ever reads, seals or hands on half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_NAME: Final = 40
"""Characters of the name that the temporary one begins with: together they have to fit."""


def write_whole(path: Path, body: bytes | Path) -> None:
    """Put ``body`` (bytes, or the file that holds them) in place of ``path``, readable by all.

    It is written to a temporary name beside ``path`` and renamed. Raises OSError if that fails;
    then, as when it is interrupted, what stood there before stays and nothing is left beside it.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_NAME]}-")
    try:
        with os.fdopen(descriptor, "wb") as out:
            if isinstance(body, Path):
                with body.open("rb") as source:
                    shutil.copyfileobj(source, out)
            else:
                out.write(body)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:  # Ctrl-C too: what is left in a run's folder would be sealed with it
        Path(temporary).unlink(missing_ok=True)
        raise
