"""Prompts in real sessions: at a terminal, by a script, and where nobody is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.terminal.sessions import at_a_terminal, journalled, on_a_pipe
from tests.thorough import thorough

SOURCE = '''
import pytest

@pytest.mark.requirement("R-12")
@pytest.mark.operator("look at the LED")
def test_it(operator):
    """The LED is green."""
    assert operator.confirm("LED green?", timeout_s={timeout})
'''
AT_LEISURE = SOURCE.format(timeout=60)
HURRIED = SOURCE.format(timeout=0.4)
VERDICT = "PASS {}  FAIL {}  INCONCLUSIVE {}  ERROR {}"


def answers(folder: Path, word: str) -> tuple[str, ...]:
    (folder / "answers.toml").write_text(f'[[answer]]\nquestion = "LED*"\nanswer = "{word}"\n')
    return ("--hil-operator-script", "answers.toml")


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("yes", (1, 0, 0, 0)),
        ("no", (0, 1, 0, 0)),
        ("abort", (0, 0, 1, 0)),
        ("maybe", (0, 0, 0, 1)),
    ],
)
def test_scripted(tmp_path: Path, word: str, verdict: tuple[int, ...]) -> None:
    done = on_a_pipe(tmp_path, AT_LEISURE, *answers(tmp_path, word))
    assert VERDICT.format(*verdict) in done.stdout
    (prompt,) = journalled(tmp_path, "prompt")
    assert prompt["question"] == "LED green?"
    assert prompt["options"] == "yes, no or abort"
    assert prompt["answer"] == ("" if word == "maybe" else word)
    assert prompt["operator"] == "script answers.toml"
    assert prompt["seconds"] >= 0
    assert len(journalled(tmp_path, "prompt-begin")) == 1
    assert "operator: 1 prompt expected: look at the LED; answered by script" in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=str)
def test_a_script_that_is_none_is_told_before_anything_runs(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    done = on_a_pipe(tmp_path, AT_LEISURE, *workers, "--hil-operator-script", "none.toml")
    assert done.returncode == 4
    assert "--hil-operator-script: none.toml: cannot be read" in done.stdout


@pytest.mark.parametrize(
    ("variables", "options", "why"),
    [
        ({}, (), "there is no terminal"),
        ({"CI": "true"}, (), "this is CI"),
        ({}, ("-n2",), "2 workers would compete for one terminal"),
        pytest.param({}, ("-n1",), "there is no terminal", marks=thorough),
    ],
    ids=str,
)
def test_nobody_is_there(
    tmp_path: Path, variables: dict[str, str], options: tuple[str, ...], why: str
) -> None:
    done = on_a_pipe(tmp_path, AT_LEISURE, *options, **variables)
    assert VERDICT.format(0, 0, 1, 0) in done.stdout
    assert "operator needed: LED green?" in done.stdout
    assert why in done.stdout
    announced = "operator: 1 prompt expected: look at the LED; NOBODY ANSWERS, "
    before, found, behind = done.stdout.partition(announced)
    assert found
    assert announced not in behind
    assert why in behind.partition("\n")[0]
    assert "test_it.py::test_it" not in before
    assert done.returncode == 1
    ran_in = "gw0" if options else "main"
    prompts = journalled(tmp_path, "prompt", ran_in)
    prompts += journalled(tmp_path, "prompt", "gw1") if "-n2" in options else []
    (prompt,) = prompts
    assert (prompt["answer"], prompt["operator"]) == ("", "nobody")


def test_ci_is_asked_nothing_even_at_a_terminal(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, AT_LEISURE, CI="1") as terminal:
        assert terminal.code() == 1
    assert "this is CI" in terminal.written
    assert "type yes" not in terminal.written


@pytest.mark.parametrize(
    ("options", "word", "verdict"),
    [
        ((), "yes", (1, 0, 0, 0)),
        ((), "no", (0, 1, 0, 0)),
        ((), "abort", (0, 0, 1, 0)),
        (("-n1",), "yes", (1, 0, 0, 0)),
        pytest.param(("-n1",), "no", (0, 1, 0, 0), marks=thorough),
        (("-n1",), "abort", (0, 0, 1, 0)),
        pytest.param(("-s",), "yes", (1, 0, 0, 0), marks=thorough),
        pytest.param(("-s",), "no", (0, 1, 0, 0), marks=thorough),
        pytest.param(("-s",), "abort", (0, 0, 1, 0), marks=thorough),
    ],
    ids=str,
)
def test_at_a_terminal(
    tmp_path: Path, options: tuple[str, ...], word: str, verdict: tuple[int, ...]
) -> None:
    given = (*options, "--hil-operator", "j.doe")
    with at_a_terminal(tmp_path, AT_LEISURE, *given) as terminal:
        terminal.wait_for("type yes, no or abort (within 60 s)\n> ")
        asked = len(terminal.written)
        terminal.types(f"\n{word}\n")
        assert terminal.code() == (0 if word == "yes" else 1)
    assert VERDICT.format(*verdict) in terminal.written
    announced = "operator: 1 prompt expected: look at the LED; answered by j.doe"
    assert terminal.written[:asked].count(announced) == 1
    meanwhile = terminal.written[asked:].partition("does not answer it")[0]
    assert "\x1b[2K" not in meanwhile, "painted over the question"
    (prompt,) = journalled(tmp_path, "prompt", "gw0" if "-n1" in options else "main")
    assert (prompt["answer"], prompt["operator"]) == (word, "j.doe")


def test_nobody_answers_in_time(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, HURRIED) as terminal:
        assert terminal.code() == 1
    assert VERDICT.format(0, 0, 1, 0) in terminal.written
    assert "no answer within 0.4 s: LED green?" in terminal.written
    (prompt,) = journalled(tmp_path, "prompt")
    assert prompt["answer"] == ""
    assert prompt["operator"].startswith("user ")
    assert 0.4 <= prompt["seconds"] < 30


WAITS = """
import time
from pathlib import Path
import pytest
from hil.evidence import step

def until_there_is(name):
    until = time.monotonic() + 20
    while not Path(name).exists() and time.monotonic() < until:
        time.sleep(0.05)

def test_it(operator):
    until_there_is("stopped")
    with step("go on for a while"):
        time.sleep(1.2)
    with pytest.raises(Exception, match="the terminal takes no text"):
        operator.confirm("LED green?", timeout_s=0.4)
    Path("went-on").touch()
    until_there_is("released")
    assert "it went on"
"""


@pytest.mark.parametrize("options", [(), ("--hil-progress=plain",)], ids=str)
def test_a_terminal_that_is_stopped_holds_up_no_test(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with at_a_terminal(tmp_path, WAITS, *options, "--hil-heartbeat=0.3") as terminal:
        terminal.wait_for("alive  " if options else "0/1")
        terminal.types("\x13")
        terminal.is_silent_for(1.0)
        (tmp_path / "stopped").touch()
        until = time.monotonic() + 30
        while not (tmp_path / "went-on").exists():
            assert time.monotonic() < until, terminal.written
            terminal.is_silent_for(0.2)
        terminal.types("\x11")
        if options:
            terminal.wait_for('step 1 "go on for a while"')
        (tmp_path / "released").touch()
        assert terminal.code() == 0
    assert VERDICT.format(1, 0, 0, 0) in terminal.written


def test_interrupted_at_a_prompt(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, AT_LEISURE) as terminal:
        terminal.wait_for("> ")
        terminal.types("\x03")
        assert terminal.code() == 2
    assert "ABORTED" in terminal.written
    (prompt,) = journalled(tmp_path, "prompt")
    assert prompt["answer"] == ""


THINKS = """
import time
import pytest

def test_it(operator):
    with pytest.raises(Exception, match="no answer within"):
        operator.confirm("LED green?", timeout_s=2.5)
    {then}
    assert "it went on"
"""


@pytest.mark.parametrize(
    "keeper",
    [
        ("--hil-test-timeout", "2"),
        pytest.param(
            ("-p", "pytest_timeout", "--timeout", "2", "--timeout-method", "signal"),
            marks=thorough,
        ),
        ("-p", "pytest_timeout", "--timeout", "2", "--timeout-method", "thread"),
    ],
    ids=lambda keeper: keeper[-1],
)
@pytest.mark.parametrize("over", [False, True])
def test_the_test_s_time_stands_still_meanwhile(
    tmp_path: Path, keeper: tuple[str, ...], over: bool
) -> None:
    source = THINKS.format(then="time.sleep(60)" if over else "pass")
    with at_a_terminal(tmp_path, source, *keeper) as terminal:
        code = terminal.code()
    if over:
        assert code != 0
        assert "imeout" in terminal.written, "the time did not go on behind the prompt"
    else:
        assert code == 0, terminal.written
