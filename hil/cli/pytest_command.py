"""How this tool calls pytest: the same Python, our plugin loaded exactly once."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Final

_CHILD: Final = """
import ctypes, os, signal, sys
parent = int(sys.argv.pop(1))
try:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
except (OSError, AttributeError):
    pass
if os.getppid() != parent:
    sys.exit(2)
import pytest
sys.exit(pytest.main())
"""
"""Ties pytest's life to ours: the kernel sends SIGTERM when we are killed (PR_SET_PDEATHSIG,
Linux), which is an orderly teardown while a bench is open. Nothing of this package is imported
before pytest, or it could not rewrite the assertions in our plugin.
"""


def plugin_options() -> list[str]:
    """Return what loads the plugin where it is not installed (a bare checkout on the path)."""
    installed = any(point.value == "hil.plugin" for point in entry_points(group="pytest11"))
    return [] if installed else ["-p", "hil.plugin"]


def pytest_command(*, child_of: int | None = None) -> list[str]:
    """Return the start of a pytest command line; ``child_of`` ties its life to that process."""
    start = ["-m", "pytest"] if child_of is None else ["-c", _CHILD, str(child_of)]
    return [sys.executable, *start, *plugin_options()]
