"""What a test costs a pytest session, by a clock that stands inside the session.

A difference of whole sessions drowns a hundredth of a millisecond a test in what the start of a
process costs. Here a plugin reads the CPU time of its process where collection begins, after each
test and at the end; the same session is run some times, and of each span between two readings the
least is kept: what else the machine does only ever adds, and what a test really costs (a garbage
collection at every hundredth of them, too) comes again at the same place.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
READINGS: Final = "SESSION_CLOCK_READINGS"
KINDS: Final = ("collect", "test", "around")


@dataclass(frozen=True, slots=True)
class Spans:
    """CPU seconds of a session: each collects, then runs each test; ``around`` is all else."""

    collect: tuple[float, ...]
    tests: tuple[float, ...]
    around: tuple[float, ...]

    def least(self, other: Spans) -> Spans:
        """Return the lesser of each span."""
        return Spans(
            _least(self.collect, other.collect),
            _least(self.tests, other.tests),
            _least(self.around, other.around),
        )

    def of_a_test(self, few: Spans) -> float:
        """Return the seconds of one test; what a session of ``few`` tests costs too is no part."""
        once = sum(self.around) - sum(few.around)
        first = len(few.tests)  # those carry what is loaded at first use
        return once / (len(self.tests) - first) + sum(
            sum(spans[first:]) / len(spans[first:]) for spans in (self.collect, self.tests)
        )


def _least(ones: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(min(pair) for pair in zip(ones, others, strict=True))


def session(folder: Path, file: str, options: Sequence[str]) -> Spans:
    """Run ``file`` in pytest with ``options`` alone, and return its spans.

    Raises:
        subprocess.CalledProcessError: a test failed.
    """
    readings = folder / "readings.txt"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HIL_LAB_CONFIG": str(ROOT / "lab-config"),
        READINGS: str(readings),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # containers often set it
    ours = ["-q", "-p", "no:cacheprovider", "-p", "benchmarks.session_clock"]
    command = [sys.executable, "-m", "pytest", *ours, *options, file]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    before, *read = readings.read_text().splitlines()
    spans: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for line in read:
        kind, seconds = line.split()
        spans[kind].append(float(seconds) - float(before.split()[1]))
        before = line
    return Spans(*(tuple(spans[kind]) for kind in KINDS))


class _Clock:
    def __init__(self) -> None:
        self._read: list[str] = []

    def _reads(self, kind: str) -> None:
        """Read the clock; ``kind`` is what ends now."""
        self._read.append(f"{kind} {time.process_time()!r}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        self._reads("around")
        result = yield
        self._reads("around")
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_itemcollected(self) -> None:
        self._reads("collect")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        result = yield
        self._reads("test")
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._reads("around")
        Path(os.environ[READINGS]).write_text("\n".join(self._read))


def pytest_configure(config: pytest.Config) -> None:
    """Let the clock stand in this session."""
    config.pluginmanager.register(_Clock())
