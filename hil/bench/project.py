"""Where the suite is and where its runs go."""

from __future__ import annotations

import os
from pathlib import Path

from hil.errors import UsageError


def project_root() -> Path:
    """Return the folder that holds ``testcases/``: this one, one above it, or the checkout.

    Raises UsageError if there is none.
    """
    here = Path.cwd()
    checkout = Path(__file__).resolve().parents[2]
    for folder in (here, *here.parents, checkout):
        if (folder / "testcases").is_dir() and (folder / "conftest.py").is_file():
            return folder
    raise UsageError(
        f"there is no folder testcases/ in {here} or above it: go to the checkout, or run pytest "
        "with your own tests and --hil-bench"
    )


def runs_folder() -> Path:
    """Return the folder for runs: HIL_RUNS, else ``runs/`` in the project."""
    given = os.environ.get("HIL_RUNS")
    return Path(given).expanduser().absolute() if given else project_root() / "runs"
