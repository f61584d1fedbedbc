"""What our VISA link costs above a raw socket that does the same, in the same run.

``write, write, query`` is the pattern of every proven set, and the one that Nagle's algorithm
stalls for 40 ms. Both ways send the same bytes to the same virtual supply, in turn, so that a busy
machine slows both alike.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyvisa
from pyvisa.resources import MessageBasedResource

from hil.equipment.power_supply.link import VisaLink
from hil.equipment.power_supply.models import dialect_of
from hil.equipment.power_supply.visa_session import connected_socket
from hil.observer import NullObserver

ROUNDS = 2_000
WARM_UP = 200
STALL_S = 0.020
"""Half of what Nagle's algorithm and a delayed ACK cost together."""

SETS = (":SOUR1:VOLT 3.300", ":SOUR1:CURR 0.500")
QUERY = ":SOUR1:VOLT?"
EXPECTED = "3.300"


def run() -> list[dict[str, Any]]:
    """Measure; rows of name, value, unit, reference, ratio, limit, ok."""
    with _virtual_supply() as resource, _link(resource) as link, _raw(resource) as raw:
        sets, sets_raw = _interleaved(lambda: _through_link(link), lambda: _by_hand(raw))
    with _virtual_supply() as resource, _link(resource) as link, _pyvisa(resource) as visa:
        asks, asks_visa = _interleaved(lambda: link.query(QUERY), lambda: visa.query(QUERY))
    return [
        _row(
            "visa: write, write, query against a raw socket", _median(sets), _median(sets_raw), 1.5
        ),
        {
            "name": "visa: the same, 99th percentile",
            "value": _p99(sets) * 1e6,
            "unit": "µs",
            "reference": None,
            "ratio": None,
            "limit": STALL_S * 1e6,
            "ok": _p99(sets) < STALL_S,
            "note": f"{_p99(sets_raw) * 1e6:.0f} µs by the raw socket; Nagle's stall is 40 ms",
        },
        _row("visa: query against pyvisa-py alone", _median(asks), _median(asks_visa), 1.3),
    ]


def _row(name: str, took: float, reference: float, limit: float) -> dict[str, Any]:
    ratio = took / reference
    return {
        "name": name,
        "value": took * 1e6,
        "unit": "µs",
        "reference": reference * 1e6,
        "ratio": ratio,
        "limit": limit,
        "ok": ratio <= limit,
    }


def _median(took: list[float]) -> float:
    return statistics.median(took)


def _p99(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


def _interleaved(
    ours: Callable[[], object], theirs: Callable[[], object]
) -> tuple[list[float], list[float]]:
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + WARM_UP):
        for work, times in zip((ours, theirs), took, strict=True):
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
    return took[0][WARM_UP:], took[1][WARM_UP:]


def _through_link(link: VisaLink) -> None:
    for command in SETS:
        link.write(command)
    assert link.query(QUERY) == EXPECTED


def _by_hand(line: socket.socket) -> None:
    for command in SETS:
        line.sendall(command.encode() + b"\n")
    line.sendall(QUERY.encode() + b"\n")
    reply = line.recv(4096)
    while not reply.endswith(b"\n"):
        reply += line.recv(4096)
    assert reply.decode().strip() == EXPECTED


@contextmanager
def _virtual_supply() -> Iterator[str]:
    command = [sys.executable, "-m", "hil.virtual.power_supply", "--lifeline"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready: dict[str, str] = json.loads(process.stdout.readline())
            yield ready["resource"]
        finally:
            process.stdin.close()
            process.wait(10)


@contextmanager
def _link(resource: str) -> Iterator[VisaLink]:
    link = VisaLink.open(resource, dialect_of("DP832"), observer=NullObserver(), timeout_s=5.0)
    try:
        yield link
    finally:
        link.close()


@contextmanager
def _raw(resource: str) -> Iterator[socket.socket]:
    port = int(resource.split("::")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield line


@contextmanager
def _pyvisa(resource: str) -> Iterator[MessageBasedResource]:
    opened = pyvisa.ResourceManager("@py").open_resource(resource, open_timeout=5000)
    assert isinstance(opened, MessageBasedResource)
    opened.timeout, opened.write_termination, opened.read_termination = 5000, "\n", "\n"
    connection = connected_socket(opened)
    assert connection is not None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        yield opened
    finally:
        opened.close()


if __name__ == "__main__":
    for row in run():
        print(row)
