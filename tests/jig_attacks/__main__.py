"""Runs the jig's test cases on the correct device with one seed after the other.

``python -m tests.jig_attacks [--seeds N] [--from N] [-n N] [--keep DIR]``: a seed draws the
supply's errors, noise and drift, and the noise of the device's converter. Every case must PASS with
each of them. Ends with 1 if one does not; ``--keep`` keeps what each run left.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.jig_attacks.pin_bench import pin_bench, verdicts_of

RUN: Final = (
    "jig_attacks",
    "authentication/test_jig_window.py",
    "authentication/test_jig_thresholds.py",
)
TIMEOUT_S: Final = 1800


def tried(seed: int, folder: Path, workers: int) -> dict[str, str]:
    """Run all cases with one seed in a folder of its own; return their verdicts."""
    bench = pin_bench(folder / "lab", {"seed": seed}, {"seed": seed})
    options = ("-n", str(workers), "--dist", "loadfile") if workers else ()
    return verdicts_of(bench, folder, RUN, "-p", "no:randomly", *options, timeout_s=TIMEOUT_S)


def main() -> int:
    """Do what the module's docstring says."""
    parser = argparse.ArgumentParser(prog="tests.jig_attacks", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first of them")
    parser.add_argument("-n", type=int, default=0, help="workers of each run")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what each run left there")
    given = parser.parse_args()
    other: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hil-seeds-") as scratch:
        for seed in range(given.first, given.first + given.seeds):
            folder = (given.keep or Path(scratch)) / f"seed-{seed}"
            folder.mkdir(parents=True)
            began = time.monotonic()
            found = tried(seed, folder, given.n)
            rest = {case: verdict for case, verdict in found.items() if verdict != "PASS"}
            if not found:
                rest = {"NOTHING": "RAN"}
            other += [f"seed {seed}: {case} {verdict}" for case, verdict in rest.items()]
            counts = ", ".join(f"{n} {what}" for what, n in Counter(found.values()).items())
            sys.stdout.write(f"seed {seed}: {counts} in {time.monotonic() - began:.0f} s\n")
            sys.stdout.write("".join(f"    {v} {case}\n" for case, v in rest.items()))
            sys.stdout.flush()
    sys.stdout.write(f"{len(other)} verdicts are no PASS\n")
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
