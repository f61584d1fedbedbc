"""One notebook a process: exchanges on every link, steps, checks and measurements, on one clock.

Each entry goes into the journal as it happens, so what stands there survives a run that is killed.
The views (Allure) are told at the same moment.
"""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from hil.evidence.attachments import store
from hil.evidence.journal.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from hil.evidence.journal.writer import Journal
    from hil.observer import Exchange

KEEP_IN_MEMORY: Final = 20_000
"""Exchanges kept for the attachment of one test; the journal keeps all of them."""


TEXTS: Final = ("text", "json", "csv")
"""Kinds of attachments whose bytes are read as UTF-8."""
COUNTED: Final = "counted"
"""What stands for the instrument of a number that nothing has measured."""


class View(Protocol):
    """A report that is written while the run goes on."""

    def step(self, title: str) -> AbstractContextManager[Any]:
        """Show a step for as long as the context lasts."""

    def attach(self, name: str, body: str | bytes, *, kind: str = "text") -> None:
        """Show ``text``, ``json``, ``csv``, ``svg`` or ``csv.gz`` with the present step or test."""


class Watcher(Protocol):
    """Whoever shows what happens while it happens."""

    def __call__(self, event: str, test: str, body: Mapping[str, object]) -> None:
        """Take note of one event; must return at once and never raise."""


class Notebook:
    """Takes notes for one process of one run; an :class:`~hil.observer.Observer`.

    Without a ``journal`` notes stay in memory, for the view. Attachments are kept in the folder of
    the run, ``folder``; None keeps none. What the author of a test words (titles, checks,
    questions, texts that are attached) goes through ``scrub``, which takes known secrets out.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        view: View | None = None,
        *,
        folder: Path | None = None,
        scrub: Callable[[str], str] = str,
    ) -> None:
        self.view = view
        self._scrub = scrub
        self.journal = journal
        self.watcher: Watcher | None = None
        """Whoever is told of each event as it happens, from whatever thread."""
        self._folder = folder
        self._lock = threading.Lock()
        self._test = ""
        self._started_ns = time.monotonic_ns()
        self._lines: list[str] = []
        self._left_out = 0
        self._steps: list[int] = []
        self._last_step = 0
        self.checked = 0
        """Checks of the present test so far."""
        self.not_met = ""
        """The first of them that was not met."""

    @property
    def keeps(self) -> bool:
        """Whether anybody will see what is attached."""
        return self.view is not None or self._folder is not None

    @property
    def failed(self) -> bool:
        """Whether a check of the present test was not met."""
        return bool(self.not_met)

    @property
    def test(self) -> str:
        """The present test (a pytest node id), "" between tests."""
        return self._test

    def begin_test(self, name: str, attempt: int = 1) -> None:
        """From now on, notes belong to the test ``name`` (a pytest node id)."""
        with self._lock:
            self._test = name
            self._started_ns = time.monotonic_ns()
            self._lines.clear()
            self._left_out = 0
        self._steps.clear()
        self._last_step, self.checked, self.not_met = 0, 0, ""
        self._write("test-begin", {"attempt": attempt})

    def end_test(self, ended: Mapping[str, object]) -> None:
        """Close the present test's page with what it ended as; its trace goes to the view."""
        text = self.trace()
        # With a journal, what went over the links is decoded from it when the run is over.
        if text and self.view is not None and self.journal is None:
            self.view.attach("What went over the links", text)
        told = {"checks": self.checked, "fail_seen": self.failed, **ended}
        self._write("test-end", told)
        if self.journal is not None:
            self.journal.sync()
        with self._lock:
            self._test = ""
            self._lines.clear()

    def phase(self, body: Mapping[str, object]) -> None:
        """Note how setup, call or teardown of the present test went."""
        self._write("phase", body)

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
        if self.journal is not None or self.watcher is not None:
            body = {
                "link": exchange.link,
                "equipment": exchange.equipment,
                "direction": exchange.direction,
                "text": exchange.text,
                "note": exchange.note,
            }
            self._write("exchange", body, mono_ns=exchange.at_ns)

    def check(self, text: str, *, ok: bool = True) -> None:
        """Note that something was checked, and whether it was as required."""
        self._check(self._scrub(text), ok=ok)

    def asserted(self, source: str) -> None:
        """Note that an assertion held, by its source."""
        self._check(source)

    def _check(self, text: str, *, ok: bool = True) -> None:
        self.checked += 1
        if not ok:
            self.not_met = self.not_met or text or "a check without a name"
        self._write("check", {"text": text, "ok": ok})

    def measure(
        self, name: str, value: float, unit: str, *, instrument: str, **details: str | float
    ) -> None:
        """Note a measured value: ``value`` in ``unit``, by ``instrument``, and what explains it.

        One that was judged (``verdict``) is a check as well.
        """
        name = self._scrub(name)
        details = {**details, "instrument": instrument}
        self._write("measurement", {"name": name, "value": value, "unit": unit, **details})
        verdict = details.get("verdict")
        if verdict is not None:
            text = f"{name} {value:g} {unit} within {details.get('limits', 'its limits')}"
            self._check(text, ok=verdict != "FAIL")
        if self.view is not None:
            more = "".join(f"\n{key}: {given}" for key, given in details.items())
            self.view.attach(name, f"{value:g} {unit}{more}")

    def proof(self, name: str, text: str) -> None:
        """Note what was read to prove a state, such as that all outputs are off."""
        text = self._scrub(text)
        self._write("proof", {"name": name, "text": text})
        if self.view is not None:
            self.view.attach(name, text)

    def unsafe(self, text: str) -> None:
        """Note that something was not proven off, or had to be switched off for the run."""
        self._write("unsafe", {"text": text})

    def prompt_begins(self, question: str, options: str, limit_s: float) -> None:
        """Note that a person is being asked, and has ``limit_s`` to answer."""
        question = self._scrub(question)
        self._write("prompt-begin", {"question": question, "options": options, "limit_s": limit_s})

    def prompt(
        self, question: str, options: str, answer: str, operator: str, asked_ns: int
    ) -> None:
        """Note what a person was asked (at ``asked_ns``, :func:`time.monotonic_ns`) and said."""
        question, answer = self._scrub(question), self._scrub(answer)
        body = {"question": question, "options": options, "answer": answer, "operator": operator}
        self._write("prompt", {**body, "seconds": (time.monotonic_ns() - asked_ns) / 1e9})

    def attach(self, name: str, body: str | bytes | Path, *, kind: str = "text") -> None:
        """Keep ``body`` (a text, bytes, or the file that holds them) with the present test.

        Texts (of the kinds in TEXTS) are scrubbed, a file is taken as it is. What cannot be kept is
        said in the journal, and raises EvidenceError. To the view goes what is in memory.
        """
        name, body = self._scrub(name), self._scrubbed(body, kind)
        raw = body.encode("utf-8", "backslashreplace") if isinstance(body, str) else body
        if self._folder is not None:
            try:
                stored = store(self._folder, raw, kind)
            except EvidenceError as err:
                self._write("note", {"text": f"attachment {name!r} is lost: {err}"})
                raise
            kept = {"file": stored.file, "sha256": stored.sha256, "size": stored.size}
            self._write("attachment", {"name": name, "kind": kind, **kept})
        if self.view is not None and isinstance(body, str | bytes):
            self.view.attach(name, body, kind=kind)

    def _scrubbed(self, body: str | bytes | Path, kind: str) -> str | bytes | Path:
        if isinstance(body, bytes) and kind in TEXTS:
            # Any byte comes back as it was: no text is told by its encoding here.
            return self._scrub(body.decode("utf-8", "surrogateescape")).encode(
                "utf-8", "surrogateescape"
            )
        return self._scrub(body) if isinstance(body, str) else body

    @contextmanager
    def step(self, title: str, *, limit_s: float | None = None) -> Iterator[None]:
        """Run the context as one step of the test; ``limit_s`` is shown while it goes on."""
        title = self._scrub(title)
        self._last_step = number = self._last_step + 1
        begun: dict[str, object] = {"step": number, "title": title}
        if self._steps:
            begun["parent"] = self._steps[-1]
        if limit_s is not None:
            begun["limit_s"] = limit_s
        self._write("step-begin", begun)
        self._steps.append(number)
        started = time.monotonic_ns()
        status = "broken"
        try:
            with self.view.step(title) if self.view is not None else nullcontext():
                yield
            status = "passed"
        except AssertionError:
            status = "failed"
            raise
        finally:
            if number in self._steps:
                del self._steps[self._steps.index(number) :]
            seconds = (time.monotonic_ns() - started) / 1e9
            self._write("step-end", {"step": number, "status": status, "seconds": seconds})

    def trace(self) -> str:
        """Return the present test's exchanges, a line each; times are from the test's start."""
        with self._lock:
            lines = list(self._lines)
            left_out = self._left_out
        if left_out:
            lines.append(f"… and {left_out} more, in the run's journal")
        return "\n".join(lines)

    def close(self, exit_status: str = "closed") -> None:
        """End the journal; later notes stay in memory."""
        if self.journal is not None:
            self.journal.close(exit_status)

    def _write(self, event: str, body: Mapping[str, object], mono_ns: int | None = None) -> None:
        if self.journal is not None:
            self.journal.write(event, body, test=self._test, mono_ns=mono_ns)
        if self.watcher is not None:
            self.watcher(event, self._test, body)


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


def step(title: str, *, limit_s: float | None = None) -> AbstractContextManager[None]:
    """Open a step of the running test; a context manager. ``title`` reads as a sentence.

    ``limit_s`` is how long it may take at most, as far as the caller knows: it is shown.
    """
    return current_notebook().step(title, limit_s=limit_s)


def check(text: str, *, ok: bool = True) -> None:
    """Note that something was checked in the running test, and whether it was as required."""
    current_notebook().check(text, ok=ok)


def measured(
    name: str, value: float, unit: str, *, instrument: str, **details: str | float
) -> None:
    """Note a measured value in the running test, and by which ``instrument``.

    :func:`hil.bench.judge.noted` does so with all that stands behind the value.
    """
    current_notebook().measure(name, value, unit, instrument=instrument, **details)


def counted(name: str, count: int, unit: str) -> None:
    """Note how many there were in the running test: exact, and by no instrument."""
    measured(
        name,
        count,
        unit,
        instrument=COUNTED,
        expanded_uncertainty=0.0,
        coverage_factor=2.0,
        calibration="none needed",
        accuracy="exact",
    )
