"""pytest as a child of ``hil run``: it is told to end when its parent is killed.

The kernel sends SIGTERM at the parent's death (prctl PR_SET_PDEATHSIG, Linux); with a bench open
that is an orderly teardown. Elsewhere the child ends with its terminal.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    """Bind this process's life to its parent's, then run pytest with the arguments."""
    parent = int(sys.argv.pop(1))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 2
    import pytest  # noqa: PLC0415 - after the life line is tied

    return int(pytest.main())


if __name__ == "__main__":
    sys.exit(main())
