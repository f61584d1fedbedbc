"""Shows a session while it runs: feeds the views of :mod:`hil.terminal` with hooks and journals.

In a process that runs tests, the notebook tells what happens; the controller of xdist, whose
workers have the benches, follows the journals that they write. Only the process that leads the
session writes to the terminal, and to a duplicate of it: pytest captures it while a test runs.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import pytest

from hil import plugin
from hil.pytest_cases import case_of
from hil.pytest_verdicts import VERDICT_ATTRIBUTE, reason_of, title_of
from hil.terminal.board import MAIN, Board, Happening, Result
from hil.terminal.estimate import Estimate
from hil.terminal.json_lines import JsonLines
from hil.terminal.live import Live
from hil.terminal.log import Log
from hil.terminal.screen import Screen
from hil.terminal.style import Style, shows_unicode
from hil.terminal.tail import LOOK_S, Tail
from hil.terminal.view import Session, View

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from hil.pytest_run import Run

_log = logging.getLogger(__name__)
MODES: Final = ("auto", "live", "plain", "json", "off")
DEFAULT_COLUMNS: Final = 80
HEARTBEAT_S: Final = 30.0
_NAMED: Final = re.compile(r"^(?:AssertionError|hil(?:\.\w+)+): ")
"""What stands before the reason of an error of ours; the verdict says as much."""
_WORDS: Final = {"passed": "PASS", "failed": "FAIL", "skipped": "NOT APPLICABLE"}


def mode_of(config: pytest.Config) -> tuple[str, str]:
    """Return the mode, and the file of ``json:FILE``; pytest.UsageError for a word that is none."""
    given = plugin.setting(config, "progress") or "auto"
    mode, _, file = given.partition(":")
    if mode not in MODES or (file and mode != "json"):
        raise pytest.UsageError(
            f"--hil-progress: {given!r} is none of {', '.join(MODES)} and json:FILE"
        )
    return mode, file


def heartbeat_of(config: pytest.Config) -> float:
    """Return the seconds of silence before a sign of life; pytest.UsageError for nonsense."""
    given = plugin.setting(config, "heartbeat")
    try:
        seconds = float(given) if given else HEARTBEAT_S
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < threading.TIMEOUT_MAX:
        raise pytest.UsageError(f"--hil-heartbeat: {given!r} is no number of seconds")
    return seconds


def show(config: pytest.Config, run: Run) -> None:
    """Register what shows this session, unless nobody wants to see it."""
    mode, file = mode_of(config)
    heartbeat_s = heartbeat_of(config)
    quiet = config.get_verbosity()
    off = mode == "off" or config.option.collectonly or (mode == "auto" and quiet < -1)
    if off or hasattr(config, "workerinput"):
        return
    progress = Progress(config, run, mode, file, heartbeat_s)
    config.pluginmanager.register(progress, "hil-progress")


class Progress:
    """Hooks that show a session; see the module."""

    def __init__(
        self, config: pytest.Config, run: Run, mode: str, file: str, heartbeat_s: float
    ) -> None:
        self._config = config
        self._run = run
        self._heartbeat_s = heartbeat_s
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._broken = False
        self._told: dict[str, Result] = {}
        """By test: what has been told of it before its teardown."""
        self._seconds: dict[str, float] = {}
        self._tail: Tail | None = None
        self._watches = False
        self._begun = False
        self._takes_over = False
        self._file = file
        self._stream = _open(file) if file else _duplicate(config)
        self._mode = mode
        self._board = Board(time.monotonic())
        limit_s = _limit_of(config)
        self._session = Session(self._board, Estimate(_history(config, run)), test_limit_s=limit_s)
        self._view: View | None = None

    # Before the tests

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take note of the tests that are going to run in this process."""
        for item in session.items:
            case = case_of(item)
            title = title_of(item) if case is None else case.title
            self._board.expect(item.nodeid, title, "" if case is None else case.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:  # noqa: ARG002
        """Take note of the tests that are going to run in workers."""
        with self._lock:
            for test in ids:
                self._board.expect(test)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:  # noqa: ARG002
        """Show the tests for as long as they run."""
        self._begin()
        try:
            return (yield)
        finally:
            self._finish()

    def _begin(self) -> None:
        workers = self._config.getoption("numprocesses", None)
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None and not self._file:
            return
        _let_no_line_wait(reporter)
        foreign = type(reporter).__module__ != "_pytest.terminal"
        verbose = self._config.get_verbosity(pytest.Config.VERBOSITY_TEST_CASES)
        self._board.workers = int(workers or 1)
        self._view = self._view_for(reporter, foreign=foreign, verbose=verbose)
        if not foreign and verbose <= 0 and not self._file:
            self._takes_over = True
            reporter.showfspath = False
            # Its percentages have no place in lines that are ours.
            reporter._show_progress_info = False
        if workers:
            self._tail = Tail(self._run.folder_of_workers() / "journal")
        else:
            self._watches = self._run.evidence.watch(self._watch)
        if not workers:  # the tests of workers are known later
            self._begin_view()
        self._thread = threading.Thread(target=self._keep_showing, name="hil-progress", daemon=True)
        self._thread.start()

    def _begin_view(self) -> None:
        if not self._begun:
            self._begun = True
            with self._shown() as view:
                view.begin()

    def _view_for(self, reporter: Any, *, foreign: bool, verbose: int) -> View:  # noqa: ANN401 - whoever reports
        colour = bool(getattr(reporter, "hasmarkup", False)) and not self._file
        style = Style(colour=colour, unicode=shows_unicode(self._stream.encoding))
        shares_lines = (verbose > 0 or foreign) and not self._file

        def interrupted() -> None:
            reporter.currentfspath = None

        screen = Screen(self._stream, style, interrupted=interrupted if shares_lines else None)
        mode = self._mode
        if mode == "auto":
            mode = "live" if self._can_repaint() and not foreign and verbose <= 0 else "plain"
        quiet = self._config.get_verbosity() < 0
        if mode == "json":
            return JsonLines(self._session, screen, heartbeat_s=self._heartbeat_s)
        if mode == "live":
            return Live(self._session, screen, passes=not quiet, columns=self._columns)
        # Where pytest itself shows a line for each test, ours would be the second.
        passes = not quiet and verbose <= 0
        heartbeat_s = self._heartbeat_s
        return Log(self._session, screen, heartbeat_s=heartbeat_s, steps=not quiet, passes=passes)

    def _columns(self) -> int:
        """Return the width of our own stream: the standard output is captured by now."""
        given = os.environ.get("COLUMNS", "")
        if given.isdecimal() and int(given):
            return int(given)
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or DEFAULT_COLUMNS
        except OSError:
            return DEFAULT_COLUMNS

    def _can_repaint(self) -> bool:
        term = os.environ.get("TERM", "dumb")
        shared = self._config.getoption("capture") == "no" or self._config.getoption("usepdb")
        return self._stream.isatty() and term not in ("", "dumb") and not shared

    # While tests run

    def _watch(self, event: str, test: str, body: Mapping[str, Any]) -> None:
        """Take one event of our own notebook; called from any thread."""
        self._feed(Happening(MAIN, event, test, body, time.monotonic()))

    def _feed(self, happening: Happening) -> None:
        with self._shown() as view:
            self._board.take(happening)
            view.happened(happening)

    def _keep_showing(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._look()
            with self._shown() as view:
                view.tick(time.monotonic())

    def _look(self) -> None:
        """Read what workers have written since."""
        if self._tail is not None:
            with self._lock:
                for happening in self._tail.poll():
                    self._feed(happening)

    @contextlib.contextmanager
    def _shown(self) -> Generator[View, None, None]:
        """Have the view to oneself; a display that breaks is given up, and the tests go on."""
        with self._lock:
            view = self._view
            if view is None or self._broken:
                view = _NOTHING
            try:
                yield view
            except Exception:  # noqa: BLE001 - whatever it is, no test may fail by its display
                self._broken = True
                _log.exception("the display of the run broke, and is given up")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin the view when the first test begins, and a test that no notebook tells of."""
        self._begin_view()
        if not self._watches and self._tail is None:
            self._feed(Happening(MAIN, "test-begin", nodeid, {}, time.monotonic()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell what came of a test: a failure at once, a PASS when its teardown is over."""
        self._look()
        test = report.nodeid
        process = str(getattr(report, "worker_id", MAIN)).replace("master", MAIN)
        final = report.when == "teardown"
        self._seconds[test] = self._seconds.get(test, 0.0) + report.duration
        word, requirements = _verdict_of(report)
        if report.outcome not in _WORDS or not (final or word != "PASS"):
            return
        told = self._told.pop(test, None) if final else None
        reason = "" if report.passed else _NAMED.sub("", reason_of(report))
        result = Result(
            test,
            word,
            tuple(requirements),
            told.reason if told is not None and told.reason else reason,
            self._board.broken_steps.get(test, ""),
            self._seconds[test],
            process,
            final=final,
            repeated=told is not None and told.verdict == word,
        )
        with self._shown() as view:
            self._board.ended(result)
            view.ended(result)
            if final:
                self._session.estimate.ended(test, self._seconds.pop(test))
                if not self._watches and process == MAIN:
                    self._board.take(Happening(MAIN, "test-end", test, {}, time.monotonic()))
        if not final:
            self._told[test] = result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Leave out pytest's letters where the line of a test is ours."""
        status = yield
        if self._takes_over and status is not None:
            return (status[0], "", status[2])
        return status

    # Where others write

    def make_room(self) -> None:
        """Have nothing painted where somebody else is about to write."""
        with self._shown() as view:
            view.yield_terminal()

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self) -> None:
        """Make room for whoever shows it."""
        self.make_room()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self) -> None:
        """Make room for xdist."""
        self.make_room()

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Stop painting: the summary comes."""
        self._finish()

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self) -> None:
        """Stop painting: a traceback comes."""
        self._finish()

    @pytest.hookimpl(tryfirst=True)
    def pytest_enter_pdb(self) -> None:
        """Leave the terminal to a person."""
        self._finish()

    # Behind the tests

    def _finish(self) -> None:
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(10)
        self.make_room()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Show the end."""
        self._look()
        with self._shown() as view:
            aborted = _ABORTS.get(int(exitstatus), "")
            view.end(exit_status=int(exitstatus), aborted=aborted)
            self._view = None

    def pytest_unconfigure(self) -> None:
        """Let go of the terminal."""
        self._finish()
        self._view = None
        self._stream.close()


_ABORTS: Final = {
    int(pytest.ExitCode.INTERRUPTED): "interrupted",
    int(pytest.ExitCode.INTERNAL_ERROR): "internal error",
}


class _Nothing:
    """Shows nothing: before the tests, behind them, and where the display broke."""

    def begin(self) -> None:
        pass

    def happened(self, happening: Happening) -> None:
        pass

    def ended(self, result: Result) -> None:
        pass

    def tick(self, now_s: float) -> None:
        pass

    def yield_terminal(self) -> None:
        pass

    def end(self, *, exit_status: int, aborted: str) -> None:
        pass


_NOTHING: Final = _Nothing()


def _verdict_of(report: pytest.TestReport) -> tuple[str, list[str]]:
    given = getattr(report, VERDICT_ATTRIBUTE, None)
    if given is not None:
        return str(given[0]), list(given[1])
    if report.failed and report.when != "call":
        return "ERROR", []
    return _WORDS.get(report.outcome, report.outcome), []


def _duplicate(config: pytest.Config) -> TextIO:
    """Return a stream of our own to where the standard output really goes."""
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    released = capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()
    encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    with released:
        try:
            number = os.dup(1)
        except OSError:  # closed: nobody looks
            number = os.open(os.devnull, os.O_WRONLY)
    return os.fdopen(number, "w", encoding=encoding, errors="backslashreplace")


def _let_no_line_wait(reporter: Any) -> None:  # noqa: ANN401 - whoever reports
    """Have the reporter's lines written as they end: into a pipe they go in blocks, and ours first.

    It is called while nothing is captured, so what waits goes where it should.
    """
    writer = getattr(reporter, "_tw", None)
    reconfigure = getattr(getattr(writer, "_file", None), "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)


def _open(file: str) -> TextIO:
    try:
        return Path(file).expanduser().open("w", encoding="utf-8")
    except OSError as err:
        raise pytest.UsageError(
            f"--hil-progress: {file}: cannot be written: {err.strerror}"
        ) from None


def _limit_of(config: pytest.Config) -> float:
    from hil.pytest_deadline import test_timeout  # noqa: PLC0415 - only where a session is shown

    return test_timeout(config)


def _history(config: pytest.Config, run: Run) -> Callable[[str], float | None]:
    """Return what tells how long a test took in runs before; it says None for what it never saw."""
    lab = run.load()
    if lab is None:
        return _never_seen
    from hil.history import FILE, Expected, History, HistoryError  # noqa: PLC0415 - brings SQLite

    file = Path(os.environ.get("HIL_RUNS") or config.rootpath / "runs") / FILE
    try:
        with History(file, timeout_s=0.5) as history:
            return Expected(history, lab.name).seconds
    except HistoryError:  # there is none yet, or `hil history` says what is wrong with it
        return _never_seen


def _never_seen(_test: str) -> float | None:
    return None
