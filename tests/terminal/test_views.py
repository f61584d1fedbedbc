"""The three ways to show a session, on a board that stands still."""

from __future__ import annotations

import io
import json
import time

import pytest

from hil.terminal.board import Board, Happening, Result
from hil.terminal.estimate import Estimate
from hil.terminal.json_lines import JsonLines
from hil.terminal.live import Live
from hil.terminal.log import Log
from hil.terminal.screen import Screen
from hil.terminal.style import Style, shows_unicode
from hil.terminal.text import columns
from hil.terminal.view import Session, View
from tests.terminal.screen import shown

TEST = "testcases/esim/test_card.py::test_0"
FAILED = Result(
    TEST,
    "FAIL",
    ("R-12",),
    "expected 9000, got 6A82",
    'step 3 "download the profile"',
    41.0,
    final=False,
)


def feed(session: Session, view: View, happens: str, at_s: float, **body: object) -> None:
    happening = Happening("main", happens, TEST, body, at_s)
    session.board.take(happening)
    view.happened(happening)


def test_live_shows_what_goes_on_below(session: Session, stream: io.StringIO) -> None:
    live = Live(session, Screen(stream, Style(80)), columns=lambda: 80)
    live.tick(181.0)
    assert shown(stream.getvalue()) == [
        'step 3 "download the profile"  41 s / limit 02:00  in EUICC-ES5-ENABLE-03  E...',
        "....................  0/12  01:21  about 11 min left",
    ]
    live.ended(FAILED)
    live.tick(182.0)
    assert shown(stream.getvalue(), width=200)[:2] == [
        f"FAIL            {TEST}  EUICC-ES5-ENABLE-03  R-12  expected 9000, got 6A82  "
        'step 3 "download the profile"  41 s',
        'step 3 "download the profile"  42 s / limit 02:00  in EUICC-ES5-ENABLE-03  E...',
    ]
    live.end(exit_status=1, aborted="")
    assert len(shown(stream.getvalue(), width=200)) == 1


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_what_is_repainted_fits_the_terminal(
    session: Session, stream: io.StringIO, width: int
) -> None:
    for number in range(30):
        test = f"testcases/esim/test_card.py::test_読む{number}"
        session.board.take(Happening(f"gw{number}", "test-begin", test, {}, 150.0))
    style = Style(width, colour=True, unicode=True)
    live = Live(session, Screen(stream, style), columns=lambda: width)
    live.tick(181.0)
    painted = shown(stream.getvalue(), 10_000)
    assert len(painted) == 14
    assert all(columns(line) < width for line in painted)
    for second in range(1, 5):
        live.tick(181.0 + second)
    assert len(shown(stream.getvalue(), width)) == 14
    live.yield_terminal()
    assert shown(stream.getvalue(), width) == []


def test_live_does_not_repaint_more_often_than_anybody_sees(
    session: Session, stream: io.StringIO
) -> None:
    live = Live(session, Screen(stream, Style(80)), columns=lambda: 80)
    live.tick(181.0)
    once = len(stream.getvalue())
    for hundredths in range(1, 20):
        live.tick(181.0 + hundredths / 100)
    assert len(stream.getvalue()) == once


def test_live_leaves_the_terminal_to_the_operator(session: Session, stream: io.StringIO) -> None:
    live = Live(session, Screen(stream, Style(80)), columns=lambda: 80)
    live.tick(181.0)
    feed(session, live, "prompt-begin", 182.0, question="LED green?")
    asked = len(stream.getvalue())
    live.tick(190.0)
    assert len(stream.getvalue()) == asked
    assert shown(stream.getvalue()) == []
    feed(session, live, "prompt", 195.0, question="LED green?", answer="yes")
    live.tick(196.0)
    assert shown(stream.getvalue())


def test_an_uncoloured_stream_gets_no_escape_code(session: Session, stream: io.StringIO) -> None:
    log = Log(session, Screen(stream, Style()), heartbeat_s=0.001)
    log.begin()
    log.ended(FAILED)
    feed(session, log, "step-end", 190.0, step=3, status="failed", seconds=50.0)
    log.tick(time.monotonic() + 1)
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INCONCLUSIVE", "ERROR", "NOT APPLICABLE"])
def test_colour_changes_nothing_but_colour(session: Session, verdict: str) -> None:
    written = []
    for colour in (False, True):
        stream = io.StringIO()
        log = Log(session, Screen(stream, Style(colour=colour)), heartbeat_s=0)
        log.ended(FAILED._replace(verdict=verdict))
        written.append(stream.getvalue())
    assert written[1] != written[0]
    assert [line[5:] for line in shown(written[1], 500)] == [
        line[5:] for line in shown(written[0], 500)
    ]


def test_a_short_step_is_one_line_and_a_long_one_two(session: Session, stream: io.StringIO) -> None:
    log = Log(session, Screen(stream, Style()), heartbeat_s=0)
    feed(session, log, "step-end", 181.0, step=3, status="passed", seconds=41.0)
    feed(session, log, "step-begin", 181.0, step=4, title="quick")
    feed(session, log, "step-end", 181.2, step=4, status="passed", seconds=0.2)
    feed(session, log, "step-begin", 182.0, step=5, title="slow", limit_s=9.0)
    log.tick(182.5)
    log.tick(183.5)
    log.tick(184.5)
    feed(session, log, "step-end", 187.0, step=5, status="failed", seconds=5.0)
    assert [line.partition("  ")[2] for line in shown(stream.getvalue())] == [
        '  step 4 "quick"  0.2 s',
        '  step 5 "slow"  begun, limit 9.0 s',
        '  step 5 "slow"  5.0 s  FAILED',
    ]


def test_a_heartbeat_tells_of_silence(session: Session, stream: io.StringIO) -> None:
    now = time.monotonic()
    log = Log(session, Screen(stream, Style()), heartbeat_s=30)
    body = {"link": "at", "equipment": "device", "direction": "out", "text": "AT"}
    feed(session, log, "exchange", now - 5, **body)
    log.tick(now + 20)
    assert stream.getvalue() == ""
    log.tick(now + 30.5)
    first, second = shown(stream.getvalue(), 500)
    assert "alive" in first
    assert "0/12" in first
    assert "no answer from device for 36 s" in second
    assert 'step 3 "download the profile"' in second
    log.tick(now + 31)
    assert len(shown(stream.getvalue(), 500)) == 2


def test_quiet_tells_of_failures_only(session: Session) -> None:
    for make in (
        lambda screen: Log(session, screen, heartbeat_s=0, steps=False, passes=False),
        lambda screen: Live(session, screen, passes=False, columns=lambda: 80),
    ):
        stream = io.StringIO()
        view: View = make(Screen(stream, Style()))
        view.begin()
        view.ended(FAILED._replace(verdict="PASS"))
        feed(session, view, "step-begin", 150.0, step=9, title="a step")
        feed(session, view, "step-end", 151.0, step=9, status="passed", seconds=1.0)
        assert stream.getvalue() == ""
        view.ended(FAILED)
        assert "expected 9000" in stream.getvalue()


def test_json_is_one_object_a_line(session: Session, stream: io.StringIO) -> None:
    view = JsonLines(session, Screen(stream, Style()), heartbeat_s=30)
    view.begin()
    feed(session, view, "step-begin", 181.0, step=4, title="Über\n", event="mine", test="mine")
    body = {"link": "at", "equipment": "device", "direction": "out", "text": "AT"}
    feed(session, view, "exchange", time.monotonic(), **body)
    view.tick(time.monotonic() + 40)
    view.ended(FAILED)
    view.end(exit_status=2, aborted="interrupted")
    assert stream.getvalue().isascii()
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    events = [one["event"] for one in told]
    assert events == ["begin", "step-begin", "heartbeat", "result", "end"]
    assert told[1]["title"] == "Über\n"
    assert told[1]["test"] == TEST
    assert list(told[2]["doing"][0]["silent"]) == ["device"]
    assert told[3]["verdict"] == "FAIL"
    assert told[3]["reason"] == "expected 9000, got 6A82"
    assert (told[4]["exit_code"], told[4]["not_run"]) == (2, 11)


def test_a_reason_of_any_length_and_kind_is_one_line(session: Session, stream: io.StringIO) -> None:
    log = Log(session, Screen(stream, Style()), heartbeat_s=0)
    log.ended(FAILED._replace(reason="\x1b[2J\n" + "x" * 100_000))
    assert len(stream.getvalue()) < 600
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_a_stream_that_has_gone_disturbs_nobody(session: Session, board: Board) -> None:
    stream = io.StringIO()
    screen = Screen(stream, Style())
    stream.close()
    screen.line("a")
    screen.paint(["b"])
    screen.clear()


def test_steps_inside_steps(board: Board) -> None:
    test = "t"
    board.take(Happening("gw1", "test-begin", test, {}, 1.0))
    for number, title in ((1, "outer"), (2, "inner")):
        board.take(Happening("gw1", "step-begin", test, {"step": number, "title": title}, 2.0))
    step = board.doing["gw1"].step
    assert step is not None
    assert step.title == "inner"
    for number in (2, 1):
        body = {"step": number, "status": "failed"}
        board.take(Happening("gw1", "step-end", test, body, 3.0))
    assert board.broken_steps[test] == 'step 2 "inner"'


@pytest.mark.parametrize(
    ("encoding", "shows"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False)]
)
def test_what_an_encoding_shows(encoding: str | None, shows: bool) -> None:
    assert shows_unicode(encoding) is shows


def test_a_heartbeat_before_any_test_is_known(stream: io.StringIO) -> None:
    session = Session(Board(time.monotonic()), Estimate(lambda _test: None))
    Log(session, Screen(stream, Style()), heartbeat_s=30).tick(time.monotonic() + 31)
    assert "alive  collecting tests  00:3" in stream.getvalue()
