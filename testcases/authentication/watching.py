"""Watching a device until something holds, or for as long as something must hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.jig import Jig
    from hil.equipment.device.device import Device

SUPPLY_UNCERTAINTY_V: Final = 0.030
"""How far a DP832's output may lie from its set point at 1.8 V, k = 2, rounded up (program
accuracy 0.05 % + 20 mV), with the device's own converter on top."""

_POLL_S: Final = 0.01
_LINK_S: Final = 1.0


def until(condition: Callable[[], bool], *, timeout_s: float, otherwise: str) -> float:
    """Wait until ``condition`` holds; return the seconds it took, or fail at the deadline."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout_s, f"{otherwise} within {timeout_s:g} s"
        time.sleep(_POLL_S)
    return time.monotonic() - began


def for_longer_than(seconds: float, condition: Callable[[], bool], otherwise: str) -> None:
    """Watch for ``seconds`` that ``condition`` holds without a break."""
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        assert condition(), f"{otherwise} after {elapsed:.3f} s"
        time.sleep(_POLL_S)


def until_accepted(device: Device, jig: Jig) -> float:  # noqa: ARG001 - whose pin it is
    """Wait until the device accepts its jig: debounce, dwell, and time for the link."""
    limit = jig.spec.debounce + jig.spec.dwell + _LINK_S
    return until(lambda: jig.sense().accepted, timeout_s=limit, otherwise="jig not accepted")


def until_not_accepted(device: Device, jig: Jig) -> float:  # noqa: ARG001 - whose pin it is
    """Wait until the device no longer accepts its jig: revocation, and time for the link."""
    limit = jig.spec.revoke + _LINK_S
    return until(lambda: not jig.sense().accepted, timeout_s=limit, otherwise="jig not revoked")
