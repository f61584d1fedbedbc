"""Real sessions, as a person and as a CI job sees them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from hil.evidence.run_record import read_run
from hil.history import FILE, remember
from tests.terminal.screen import shown
from tests.terminal.sessions import ROOT, SOURCE, at_a_terminal, on_a_pipe
from tests.thorough import thorough

WAYS = [
    ((), {}),
    (("-s",), {}),
    (("-v",), {}),
    (("-n2",), {}),
    pytest.param((), {"NO_COLOR": "1"}, marks=thorough),
    ((), {"TERM": "dumb"}),
    pytest.param((), {"COLUMNS": "40"}, marks=thorough),
    ((), {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}),
]


@pytest.mark.parametrize(("options", "variables"), WAYS, ids=str)
def test_on_a_pipe(tmp_path: Path, options: tuple[str, ...], variables: dict[str, str]) -> None:
    done = on_a_pipe(tmp_path, SOURCE, *options, **variables)
    output = done.stdout
    assert done.returncode == 1, output
    assert "Traceback" not in output
    assert "\x1b" not in output
    assert "\r" not in output
    assert re.search(r'step 1 "do a short thing"  0\.\d s\n', output)
    assert re.search(r'step 2 "do a long thing"  begun, limit 9\.0 s\n', output)
    assert re.search(r'step 2 "do a long thing"  1\.[6-9] s\n|thing"  [2-9]\.\d s\n', output)
    (failed,) = re.findall(r"FAIL .*test_bad .*6A82.*", output.partition("= FAILURES")[0])
    assert re.search(r'R-13  SW 6A82, expected 9000  step 1 "judge it"  0\.\d s$', failed)
    assert output.index(failed) < output.index("= FAILURES"), "at once, not at the end"
    assert "PASS 1  FAIL 1" in output
    if "-s" not in options:
        captured = output.partition("Captured stdout call")[2]
        words = next(line for line in captured.splitlines()[1:] if line)
        assert words == "words of test_bad", "the display wrote into what pytest captured"


def test_quiet(tmp_path: Path) -> None:
    output = on_a_pipe(tmp_path, SOURCE, "-q").stdout
    before = output.partition("= FAILURES")[0]
    assert "step 2" not in before
    assert "PASS " not in before
    assert "SW 6A82" in before


@pytest.mark.parametrize("options", [("-qq",), ("--hil-progress", "off")], ids=str)
def test_off(tmp_path: Path, options: tuple[str, ...]) -> None:
    before = on_a_pipe(tmp_path, SOURCE, *options).stdout.partition("= FAILURES")[0]
    assert ".Fs" in before
    assert "step" not in before


@pytest.mark.parametrize("workers", [(), pytest.param(("-n1",), marks=thorough)], ids=str)
def test_heartbeats_in_a_log(tmp_path: Path, workers: tuple[str, ...]) -> None:
    source = SOURCE.replace("1.6", "3.0")
    output = on_a_pipe(tmp_path, source, *workers, "--hil-heartbeat", "0.8").stdout
    alive = re.findall(r"alive  .*", output)
    assert len([one for one in alive if re.search(r"0/3", one)]) >= 2, output
    assert any('step 2 "do a long thing"' in one and "limit 9.0 s" in one for one in alive)
    none = on_a_pipe(tmp_path / "run", source, *workers, HIL_HEARTBEAT="0")
    assert "alive" not in none.stdout


@pytest.mark.parametrize("options", [(), pytest.param(("-n2",), marks=thorough)], ids=str)
def test_json(tmp_path: Path, options: tuple[str, ...]) -> None:
    output = on_a_pipe(tmp_path, SOURCE, *options, "--hil-progress", "json").stdout
    told = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [told[0]["event"], told[-1]["event"]] == ["begin", "end"]
    assert told[0]["tests"] == 3
    final = {one["test"]: one for one in told if one["event"] == "result" and one["final"]}
    assert {test.partition("::")[2]: one["verdict"] for test, one in final.items()} == {
        "test_good": "PASS",
        "test_bad": "FAIL",
        "test_skipped": "INCONCLUSIVE",
    }
    assert final["test_it.py::test_bad"]["requirements"] == ["R-13"]
    steps = [one["title"] for one in told if one["event"] == "step-begin"]
    assert sorted(steps) == ["do a long thing", "do a short thing", "judge it"]
    assert told[-1]["exit_code"] == 1
    assert told[-1]["verdicts"] == {"PASS": 1, "FAIL": 1, "INCONCLUSIVE": 1}


def test_json_into_a_file_leaves_the_terminal_to_pytest(tmp_path: Path) -> None:
    done = on_a_pipe(tmp_path, SOURCE, "--hil-progress", "json:told.jsonl")
    assert ".Fs" in done.stdout
    assert '{"event"' not in done.stdout
    lines = (tmp_path / "told.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in (lines[0], lines[-1])] == ["begin", "end"]


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("--hil-progress", "loud", "none of auto, live, plain, json, off and json:FILE"),
        pytest.param("--hil-progress", "plain:x", "none of auto", marks=thorough),
        ("--hil-progress", "json:/nowhere/at/all", "cannot be written"),
        ("--hil-heartbeat", "-1", "is no number of seconds"),
        pytest.param("--hil-heartbeat", "often", "is no number of seconds", marks=thorough),
        ("--hil-heartbeat", "nan", "is no number of seconds"),
    ],
)
def test_what_is_no_setting(tmp_path: Path, option: str, value: str, why: str) -> None:
    done = on_a_pipe(tmp_path, SOURCE, option, value)
    assert done.returncode == 4
    assert why in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("columns", "options", "variables"),
    [
        ("80", (), {}),
        ("40", (), {}),
        pytest.param("80", (), {"NO_COLOR": "1"}, marks=thorough),
        pytest.param("80", ("-n2",), {}, marks=thorough),
        ("80", (), {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}),
        ("80", ("-q",), {}),
    ],
    ids=str,
)
def test_at_a_terminal(
    tmp_path: Path, columns: str, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    with at_a_terminal(tmp_path, SOURCE, *options, columns=columns, **variables) as terminal:
        terminal.wait_for('step 2 "do a long thing"')
        code = terminal.code()
    written = terminal.written
    assert code == 1, written
    assert "Traceback" not in written
    assert "\x1b[2K" in written, "nothing was repainted"
    assert ("\x1b[1;31m" in written) is ("NO_COLOR" not in variables)
    screen = shown(written, int(columns))
    before = screen[: next(i for i, line in enumerate(screen) if "= FAILURES" in line)]
    text = "\n".join(before)
    assert "SW 6A82" in "".join(before)
    assert "do a long thing" not in text, "a line that was painted stays"
    assert ("A good one" in text) is ("-q" not in options)
    assert "words of" not in text


@pytest.mark.parametrize(
    ("options", "variables"),
    [((), {"TERM": "dumb"}), (("-s",), {}), (("--hil-progress", "plain"), {})],
    ids=str,
)
def test_a_terminal_that_is_not_repainted(
    tmp_path: Path, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    with at_a_terminal(tmp_path, SOURCE, *options, **variables) as terminal:
        assert terminal.code() == 1
    assert "\x1b[2K" not in terminal.written
    assert 'step 2 "do a long thing"' in terminal.written
    if variables:
        assert "\x1b" not in terminal.written


FOREIGN = '''
import pytest
from _pytest.terminal import TerminalReporter

class Foreign(TerminalReporter):
    """A display of another plugin, such as pytest-sugar."""

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    standard = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.unregister(standard)
    config.pluginmanager.register(Foreign(config), "terminalreporter")
'''


def test_the_display_of_another_plugin_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "foreign.py").write_text(FOREIGN)
    options = ("-p", "foreign")
    with at_a_terminal(tmp_path, SOURCE, *options, PYTHONPATH=f"{tmp_path}:{ROOT}") as terminal:
        assert terminal.code() == 1
    assert "\x1b[2K" not in terminal.written
    assert "SW 6A82" in terminal.written.partition("= FAILURES")[0]


def test_a_reader_that_goes_away_does_not_break_the_run(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, SOURCE, "--junitxml=junit.xml") as terminal:
        terminal.wait_for("do a long thing")
    # Killed by leaving the context: what it had written by then was whole.
    assert shown(terminal.written)


INTERRUPTED = """
import pathlib, time
import pytest
from hil.evidence import step

@pytest.fixture
def slow():
    {setup}
    yield
    {teardown}

def test_before():
    assert "it ran"

def test_it(slow):
    {body}
    assert "it judged"

def test_after():
    assert "it ran"
"""
HANG = "print('waits'); pathlib.Path('waits').touch(); time.sleep(60)"


@pytest.mark.parametrize(
    ("place", "times"),
    [
        ("setup", 1),
        ("body", 1),
        ("body", 2),
        ("teardown", 2),
        pytest.param("setup", 2, marks=thorough),
        pytest.param("teardown", 1, marks=thorough),
    ],
)
def test_interrupt(tmp_path: Path, place: str, times: int) -> None:
    parts = {name: HANG if name == place else "pass" for name in ("setup", "body", "teardown")}
    if times == 2 and place != "teardown":
        # The second one comes while the first is torn down.
        parts["teardown"] = "pathlib.Path('torn').touch(); time.sleep(60)"
    source = INTERRUPTED.format(**parts)
    with at_a_terminal(tmp_path, source, "-s") as terminal:
        terminal.wait_for("waits")
        terminal.interrupts()
        if times == 2 and place == "body":
            _wait_for(tmp_path / "torn")
            terminal.interrupts()
        code = terminal.code()
    assert code != 0
    told = [line for line in terminal.written.splitlines() if "ABORTED" in line]
    (line,) = told
    assert "NOT RUN 1 of 3 tests" in line
    assert (
        "PASS 1  FAIL 0  INCONCLUSIVE 1  ERROR 0  NOT APPLICABLE 0  NOT RUN 1" in (terminal.written)
        or place == "teardown"
    )
    assert not re.search(r"PASS .*test_it", terminal.written)


def test_an_internal_error_is_told_with_the_verdicts(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "def pytest_runtest_logfinish(nodeid):\n    if 'test_bad' in nodeid:\n        1 / 0\n"
    )
    done = on_a_pipe(tmp_path, SOURCE, "-p", "broken", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == 3
    assert "INTERNALERROR" in done.stdout
    assert "PASS 1  FAIL 1" in done.stdout
    assert "ABORTED  internal error; NOT RUN 1 of 3 tests" in done.stdout


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_time_that_is_left_comes_from_history(tmp_path: Path) -> None:
    """A run is kept; the next one on the same bench knows from its start how long it takes."""
    first = on_a_pipe(tmp_path, SOURCE)
    assert "s left" not in first.stdout, "nothing is known yet"
    assert remember(read_run(tmp_path / "run"), tmp_path / FILE) == ""
    (tmp_path / "run").rename(tmp_path / "before")
    again = on_a_pipe(tmp_path, SOURCE, "--hil-heartbeat", "0.5").stdout
    assert re.search(r"alive  0/3  00:0\d  about 5 s left", again), again
    assert re.search(r"in A good one  \d\.\d s of about 5 s", again)
