"""Waiting for what a server does by itself, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

JOB_TIMEOUT_S: Final = 60.0
"""How long a job on a card, or a call of ES2, may take."""

_POLL_S: Final = 0.02


def until(condition: Callable[[], bool], *, timeout_s: float, otherwise: str) -> None:
    """Wait until ``condition`` holds, or fail at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise} within {timeout_s:g} s"
        time.sleep(_POLL_S)
