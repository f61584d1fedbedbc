"""How well the host places the edges of a pulse: as reported, and as the copper carried them.

A pulse of 50 ms on the virtual DP832, host-timed. The truth is the law on the wires between supply
and device; what the player reports must contain it every time.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hil.equipment.power_supply import CableLimits, PowerSupply
from hil.equipment.power_supply.stimulus import Pulse, Stamp, Track
from hil.virtual.probe import Probe

PULSES = 40
WIDTH_S = 0.050
BASE_V, LEVEL_V, EDGE_V = 1.5, 1.8, 1.65
LIMIT_S = 0.005
LIMITS = {1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6)}
PULSE = Pulse(LEVEL_V, WIDTH_S, base=BASE_V, lead_s=0.02, tail_s=0.02)


def run() -> list[dict[str, Any]]:
    """Measure; rows of name, value, unit, reference, ratio, limit, ok."""
    reported: list[float] = []
    true: list[float] = []
    uncertain: list[float] = []
    outside = 0
    with _virtual_supply() as ready, Probe(ready["copper"]) as probe, _opened(ready) as supply:
        for _ in range(PULSES):
            track = Track(1, PULSE, amps=0.4)
            for stamp in supply.play([track], command_time_s=0.0).stamps:
                began = probe.change(1, stamp.before_ns)
                reported.append((stamp.span.middle_ns - stamp.due_ns) / 1e9)
                true.append((began - stamp.due_ns) / 1e9)
                uncertain.append(stamp.span.uncertainty_s)
                outside += not _holds(stamp, began, probe)
    return [
        _row("edges: 50 ms pulse, placement error, as reported", reported),
        _row("edges: the same, as the virtual device sees it", true),
        _row("edges: the same, reported uncertainty", uncertain),
        {
            "name": "edges: true edges outside their reported span",
            "value": outside,
            "unit": f"of {2 * PULSES}",
            "reference": None,
            "ratio": None,
            "limit": 0,
            "ok": outside == 0,
        },
    ]


def _holds(stamp: Stamp, began_ns: int, probe: Probe) -> bool:
    passed = probe.crossings(1, EDGE_V, stamp.before_ns)[0]
    return began_ns in stamp.span and passed in stamp.passes(EDGE_V)


def _row(name: str, seconds: list[float]) -> dict[str, Any]:
    median = statistics.median(seconds)
    worst = max(seconds, key=abs)
    return {
        "name": name,
        "value": median * 1e6,
        "unit": "µs",
        "reference": None,
        "ratio": None,
        "limit": LIMIT_S * 1e6,
        "ok": abs(median) <= LIMIT_S,
        "note": f"median of {len(seconds)}; worst {worst * 1e6:.0f} µs",
    }


@contextmanager
def _opened(ready: dict[str, str]) -> Iterator[PowerSupply]:
    with PowerSupply.open(ready["resource"], model="DP832", limits=LIMITS) as supply:
        yield supply


@contextmanager
def _virtual_supply() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "hil.virtual.power_supply", "--lifeline"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready: dict[str, str] = json.loads(process.stdout.readline())
            yield ready
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    for row in run():
        print(row)
