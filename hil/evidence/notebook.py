"""One notebook a run: exchanges on every link, steps and measurements, on one monotonic clock.

Each entry is appended to the file as it happens, so what stands there survives a run that is
killed. The views (Allure) are told at the same moment.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.observer import Exchange

KEEP_IN_MEMORY: Final = 20_000
"""Exchanges kept for the attachment of one test; the file keeps all of them."""


_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: a run notes a hundred thousand exchanges."""


class View(Protocol):
    """A report that is written while the run goes on."""

    def step(self, title: str) -> AbstractContextManager[Any]:
        """Show a step for as long as the context lasts."""

    def attach(self, name: str, body: str | bytes, *, kind: str = "text") -> None:
        """Show ``text``, ``json``, ``csv``, ``svg`` or ``csv.gz`` with the present step or test."""


class Notebook:
    """Takes notes for one process of one run; an :class:`~hil.observer.Observer`.

    ``file`` is appended to; its folder must exist. ``None`` keeps notes in memory only.
    """

    def __init__(self, file: Path | None = None, view: View | None = None) -> None:
        self.view = view
        self._file = file.open("ab") if file else None
        self._lock = threading.Lock()
        self._test = ""
        self._started_ns = time.monotonic_ns()
        self._lines: list[str] = []
        self._left_out = 0

    def begin_test(self, name: str) -> None:
        """From now on, notes belong to the test ``name`` (a pytest node id)."""
        with self._lock:
            self._test = name
            self._started_ns = time.monotonic_ns()
            self._lines.clear()
            self._left_out = 0
        self._write({"event": "test-begin"})

    def end_test(self) -> None:
        """Hand the present test's trace to the view."""
        self._write({"event": "test-end"})
        text = self.trace()
        with self._lock:
            self._test = ""
            self._lines.clear()
        if text and self.view is not None:
            self.view.attach("What went over the links", text)

    def exchange(self, exchange: Exchange) -> None:
        """Note one message of a link (see :class:`hil.observer.Observer`)."""
        arrow = "->" if exchange.direction == "out" else "<-"
        after_ms = (exchange.at_ns - self._started_ns) / 1e6
        line = (
            f"{after_ms:12.3f} ms  {exchange.link:<5} {exchange.equipment:<14} "
            f"{arrow} {exchange.text}"
        )
        if exchange.note:
            line += f"    ({exchange.note})"
        with self._lock:
            if len(self._lines) < KEEP_IN_MEMORY:
                self._lines.append(line)
            else:
                self._left_out += 1
        self._write(
            {
                "event": "exchange",
                "link": exchange.link,
                "equipment": exchange.equipment,
                "direction": exchange.direction,
                "text": exchange.text,
                "note": exchange.note,
            },
            at_ns=exchange.at_ns,
        )

    def measure(self, name: str, value: float, unit: str, **details: str | float) -> None:
        """Note a measured value: ``value`` in ``unit``, with whatever explains it."""
        self._write({"event": "measurement", "name": name, "value": value, "unit": unit, **details})
        if self.view is not None:
            more = "".join(f"\n{key}: {given}" for key, given in details.items())
            self.view.attach(name, f"{value:g} {unit}{more}")

    def proof(self, name: str, text: str) -> None:
        """Note what was read to prove a state, such as that all outputs are off."""
        self._write({"event": "proof", "name": name, "text": text})
        if self.view is not None:
            self.view.attach(name, text)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Run the context as one step of the test."""
        self._write({"event": "step-begin", "title": title})
        try:
            with self.view.step(title) if self.view is not None else nullcontext():
                yield
        finally:
            self._write({"event": "step-end", "title": title})

    def trace(self) -> str:
        """Return the present test's exchanges, a line each; times are from the test's start."""
        with self._lock:
            lines = list(self._lines)
            left_out = self._left_out
        if left_out:
            lines.append(f"… and {left_out} more, in the run's trace file")
        return "\n".join(lines)

    def close(self) -> None:
        """Close the file; later notes stay in memory."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, record: dict[str, Any], at_ns: int | None = None) -> None:
        with self._lock:
            if self._file is None:
                return
            record = {"at_ns": at_ns or time.monotonic_ns(), "test": self._test, **record}
            self._file.write(f"{_ENCODE(record)}\n".encode())
            self._file.flush()


_current: list[Notebook] = []


def current_notebook() -> Notebook:
    """Return the run's notebook; one that only remembers where no run has opened one."""
    if not _current:
        _current.append(Notebook())
    return _current[-1]


@contextmanager
def opened(notebook: Notebook) -> Iterator[Notebook]:
    """Make ``notebook`` the current one for the context, and close it after."""
    _current.append(notebook)
    try:
        yield notebook
    finally:
        _current.remove(notebook)
        notebook.close()


def step(title: str) -> AbstractContextManager[None]:
    """Open a step of the running test; a context manager. ``title`` reads as a sentence."""
    return current_notebook().step(title)


def measured(name: str, value: float, unit: str, **details: str | float) -> None:
    """Note a measured value in the running test."""
    current_notebook().measure(name, value, unit, **details)
