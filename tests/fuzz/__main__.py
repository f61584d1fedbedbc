"""``python -m tests.fuzz NAME --seconds N``: go on with one target, or with ``all`` in turn."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import corpus, mutator
from tests.fuzz.engine import try_input

try:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]
except ImportError:  # optional: without it the mutations are blind
    atheris = None

if atheris is None:
    from tests.fuzz.targets import TARGETS
else:
    with atheris.instrument_imports(include=["hil"]):
        from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run; exit code 1 and the input kept in the corpus when a parser broke its word."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=["all", *sorted(TARGETS)])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--blind", action="store_true", help="without coverage")
    arguments = parser.parse_args()
    logging.getLogger("hil").setLevel(logging.CRITICAL)
    names = sorted(TARGETS) if arguments.name == "all" else [arguments.name]
    if atheris is None or arguments.blind or len(names) > 1:
        return max([_blind(name, arguments.seconds) for name in names])
    return _guided(names[0], arguments.seconds)


def _blind(name: str, seconds: float) -> int:
    target = TARGETS[name]
    end = time.monotonic() + seconds
    count = 0
    for data in mutator.mutations([*target.seeds(), *corpus.kept(name)], time.time_ns()):
        if time.monotonic() > end:
            break
        count += 1
        try:
            try_input(target, data)
        except Exception as err:  # noqa: BLE001 - whatever it is, it is a find
            kept = corpus.keep(name, data)
            sys.stdout.write(f"{name}: {type(err).__name__}: {err}; kept as {kept}\n")
            return 1
    sys.stdout.write(f"{name}: {count} inputs, nothing found\n")
    return 0


def _guided(name: str, seconds: float) -> int:
    target = TARGETS[name]

    def one(data: bytes) -> None:
        try:
            try_input(target, data)
        except BaseException:
            sys.stderr.write(f"kept as {corpus.keep(name, data)}\n")
            raise

    # libFuzzer ends the process itself: the folder of what it found interesting stays behind.
    folder = Path(tempfile.mkdtemp(prefix=f"hil-fuzz-{name}-"))
    for number, seed in enumerate([*target.seeds(), *corpus.kept(name)]):
        (folder / f"seed{number}").write_bytes(seed)
    limits = ("-max_len=4096", "-timeout=20", "-rss_limit_mb=2048")
    options = (f"-max_total_time={int(seconds)}", *limits)
    atheris.Setup([sys.argv[0], str(folder), *options], one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
