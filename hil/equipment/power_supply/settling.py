"""Waits for an output to come to rest: by readings and a deadline, never by a blind sleep.

``*OPC?`` is of no use here: bench supplies answer it before the output has settled.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hil.equipment.power_supply.readings import Reading

POLL_S = 0.005
"""Rest between two readings; real supplies take longer to answer than that."""


def wait_for_run(
    measure: Callable[[], Reading],
    good: Callable[[Reading], bool],
    *,
    times: int,
    timeout_s: float,
) -> tuple[bool, Reading]:
    """Measure until ``times`` readings in a row are good, or ``timeout_s`` seconds are over.

    Returns whether they were, and the last reading. At least one reading is always taken.
    """
    deadline = time.monotonic() + timeout_s
    run = 0
    while True:
        reading = measure()
        run = run + 1 if good(reading) else 0
        if run >= times:
            return True, reading
        if time.monotonic() >= deadline:
            return False, reading
        time.sleep(POLL_S)
