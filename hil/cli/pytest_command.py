"""How this tool calls pytest: the same Python, our plugin loaded exactly once."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points


def plugin_options() -> list[str]:
    """Return what loads the plugin where it is not installed (a bare checkout on the path)."""
    installed = any(point.value == "hil.plugin" for point in entry_points(group="pytest11"))
    return [] if installed else ["-p", "hil.plugin"]


def pytest_command(*, child_of: int | None = None) -> list[str]:
    """Return the start of a pytest command line; ``child_of`` ties its life to that process."""
    module = ["pytest"] if child_of is None else ["hil.cli.child", str(child_of)]
    return [sys.executable, "-m", *module, *plugin_options()]
