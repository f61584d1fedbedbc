"""docs/terminal.md shows what a run really shows."""

from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path

from hil.operator.script import Script
from hil.terminal.board import Board, Happening, Result
from hil.terminal.estimate import Estimate
from hil.terminal.live import Live
from hil.terminal.screen import Screen
from hil.terminal.style import Style
from hil.terminal.view import Session
from tests.docs.pages import ROOT, blocks
from tests.terminal.screen import shown
from tests.terminal.sessions import on_a_pipe

BLOCKS = blocks(ROOT / "docs" / "terminal.md")


def block(tag: str) -> str:
    (found,) = (one.text for one in BLOCKS if one.tag == tag)
    return found


def test_the_terminal() -> None:
    board = Board(100.0)
    card = "testcases/test_card.py::test_"
    board.expect(f"{card}01", "Enable a disabled profile", "EUICC-ES5-ENABLE-01")
    board.expect(f"{card}03", "Enable a profile that is enabled", "EUICC-ES5-ENABLE-03")
    board.expect(f"{card}04", "Enable a profile over the air", "EUICC-ES5-ENABLE-04")
    board.expect(f"{card}05", "Delete a profile", "EUICC-ES5-DELETE-01")
    for number in range(6, 14):
        board.expect(f"{card}{number:02d}", "Something else")
    board.workers = 2
    expected = {f"{card}04": 60.0, f"{card}05": 20.0}
    session = Session(board, Estimate(lambda test: expected.get(test, 58.0)), test_limit_s=600.0)
    stream = io.StringIO()
    live = Live(session, Screen(stream, Style(unicode=True)), columns=lambda: 101)
    for process, test, began_s in (("gw0", f"{card}04", 130.0), ("gw1", f"{card}05", 169.0)):
        board.take(Happening(process, "test-begin", test, {"attempt": 1}, began_s))
    step = {"step": 3, "title": "download the profile", "limit_s": 120.0}
    board.take(Happening("gw0", "step-begin", f"{card}04", step, 140.0))
    asked = {"link": "at", "equipment": "device", "direction": "out", "text": "AT"}
    board.take(Happening("gw0", "exchange", f"{card}04", asked, 146.0))
    failed = ("R-12",), "SW 6A82, expected 9000", 'step 2 "enable"', 4.0
    for result in (Result(f"{card}01", "PASS", seconds=2.1), Result(f"{card}03", "FAIL", *failed)):
        board.ended(result)
        live.ended(result)
    live.tick(181.0)
    assert shown(stream.getvalue(), 1000) == block("live").splitlines()


def masked(lines: str) -> list[str]:
    """Return the lines without what differs from run to run: times."""
    times = re.compile(r"\d+\.\d s|\b\d\d:\d\d\b")
    return [times.sub("#", line) for line in lines.splitlines()]


def without_repeats(lines: list[str]) -> list[str]:
    """Leave out heartbeats after the first: on a slow machine there are more of them."""
    return [one for at, one in enumerate(lines) if "alive" not in one or one not in lines[:at]]


def test_the_log(tmp_path: Path) -> None:
    (tmp_path / "answers.toml").write_text(block("file=answers.toml"), encoding="utf-8")
    source = block("file=test_it.py")
    options = ("--hil-heartbeat", "1.4", "--hil-operator-script", "answers.toml")
    output = on_a_pipe(tmp_path, source, *options).stdout
    given = [line for line in output.splitlines() if re.match(r"\d\d:\d\d  ", line)]
    assert without_repeats(masked("\n".join(given))) == masked(block("log"))
    told = "2 prompts expected: look at the LED, scan the label; answered by script answers.toml"
    assert f"operator: {told}" in output


def test_the_objects(tmp_path: Path) -> None:
    (example,) = (json.loads(one.text) for one in BLOCKS if one.language == "json")
    options = ("--hil-progress", "json", "-k", "select", "--hil-heartbeat", "0.01")
    output = on_a_pipe(tmp_path, block("file=test_it.py"), *options).stdout
    told = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    *_, result = (one for one in told if one["event"] == "result")
    assert result.keys() == example.keys()
    fixed = {"utc", "seconds"}
    assert {name: one for name, one in result.items() if name not in fixed} == {
        name: one for name, one in example.items() if name not in fixed
    }
    page = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
    for one in told:
        (row,) = (
            line for line in page.splitlines() if re.match(rf"\|.*`{one['event']}`.*\|", line)
        )
        assert not [name for name in set(one) - {"event", "utc"} if f"`{name}`" not in row]


def test_the_script(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(block("file=answers.toml"), encoding="utf-8")
    Script(path)
    assert len(tomllib.loads(path.read_text())["answer"]) == 2
