"""How long a profile package takes to be read: all of it, and one element of it.

Measured in processor time, so that a busy machine does not blur it. The package is a GSMA TS.48
one where ``HIL_TS48_DIR`` names a folder with them, else a generated one of the same size.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hil.wire.profile_package.elements import decode, decode_package
from hil.wire.profile_package.generate import ProfileData, generate
from hil.wire.profile_package.package import first

ROUNDS: Final = 41
CALLS: Final = 5
DECODE_LIMIT_MS: Final = 8.0
ONE_ELEMENT: Final = "akaParameter"
ONE_ELEMENT_LIMIT: Final = 0.1
"""Of the time of the whole package; the element stands in its middle."""

Row = dict[str, Any]


def run() -> list[Row]:
    """Return the rows of this benchmark."""
    name, package = _package()

    def one() -> None:
        element = first(package, ONE_ELEMENT)
        if element is None:
            raise RuntimeError(f"{name} has no {ONE_ELEMENT}")
        decode(element)

    pairs = [(_ms(lambda: decode_package(package)), _ms(one)) for _ in range(ROUNDS)]
    whole_ms = statistics.median(whole for whole, _ in pairs)
    one_ms = statistics.median(single for _, single in pairs)
    ratio = statistics.median(single / whole for whole, single in pairs)
    return [
        {
            "name": f"decode of a package of {len(package)} bytes",
            "value": whole_ms,
            "unit": "ms",
            "reference": None,
            "ratio": None,
            "limit": DECODE_LIMIT_MS,
            "ok": whole_ms <= DECODE_LIMIT_MS,
            "note": name,
        },
        {
            "name": f"decode of its first {ONE_ELEMENT} alone",
            "value": one_ms,
            "unit": "ms",
            "reference": whole_ms,
            "ratio": ratio,
            "limit": ONE_ELEMENT_LIMIT,
            "ok": ratio <= ONE_ELEMENT_LIMIT,
            "note": "reference: the whole package",
        },
    ]


def _package() -> tuple[str, bytes]:
    folder = os.environ.get("HIL_TS48_DIR")
    for path in sorted(Path(folder).glob("*.der"), reverse=True) if folder else ():
        return path.name, path.read_bytes()
    data = ProfileData("8900100000000000017", "001010000000017", bytes(range(16)))
    return "generated", generate(data, profile_class="test")


def _ms(work: Callable[[], object]) -> float:
    started = time.process_time_ns()
    for _ in range(CALLS):
        work()
    return (time.process_time_ns() - started) / CALLS / 1e6


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row))
