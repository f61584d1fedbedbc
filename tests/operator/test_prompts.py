"""What a person may be asked, and what counts as an answer."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.errors import ConfigError, Inconclusive, UsageError
from hil.operator import Asked, Operator, Prompt
from hil.operator.prompt import NoAnswer, OperatorAbort
from hil.operator.refusing import Refusing
from hil.operator.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterator


class Surroundings:
    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.safe = 0
        self.waits = 0

    @contextmanager
    def waiting(self, prompt: Prompt, timeout_s: float) -> Iterator[None]:
        self.waits += 1
        yield
        self.waits -= 1

    def note(self, asked: Asked) -> None:
        self.asked.append(asked)

    def make_safe(self) -> None:
        self.safe += 1


class Answers:
    operator = "j.doe"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.timeouts: list[float] = []

    def ask(self, prompt: Prompt, timeout_s: float) -> str:
        self.timeouts.append(timeout_s)
        return self.answers.pop(0)


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.mark.parametrize(("word", "means"), [("yes", True), ("no", False)])
def test_confirm(around: Surroundings, word: str, means: bool) -> None:
    assert Operator(Answers(word), around).confirm("LED green?") is means
    (asked,) = around.asked
    assert (asked.question, asked.options) == ("LED green?", "yes, no or abort")
    assert (asked.answer, asked.operator) == (word, "j.doe")
    assert 0 < asked.asked_ns <= time.monotonic_ns()
    assert around.safe == 0


def test_choose(around: Surroundings) -> None:
    assert Operator(Answers("blue"), around).choose("Which LED?", ["red", "blue"]) == "blue"
    assert around.asked[0].options == "red, blue or abort"


def test_a_serial_number_is_confirmed_or_asked_again(around: Surroundings) -> None:
    answers = Answers("SN0042", "no", "SN0043", "yes")
    operator = Operator(answers, around)
    assert operator.read_serial("Scan the device", r"SN\d{4}", timeout_s=60) == "SN0043"
    assert [one.question for one in around.asked] == [
        "Scan the device",
        "Is SN0042 right?",
        "Scan the device",
        "Is SN0043 right?",
    ]
    assert answers.timeouts == sorted(answers.timeouts, reverse=True), "one limit for all of it"
    assert answers.timeouts[0] <= 60


def test_abort_makes_safe_and_is_inconclusive(around: Surroundings) -> None:
    with pytest.raises(OperatorAbort, match=r"broke the test off.*LED green") as caught:
        Operator(Answers("abort"), around).confirm("LED green?")
    assert isinstance(caught.value, Inconclusive)
    assert around.safe == 1
    assert around.asked[0].answer == "abort"


def test_nobody_there_makes_safe_and_is_written_down(around: Surroundings) -> None:
    operator = Operator(Refusing("there is no terminal"), around)
    with pytest.raises(NoAnswer, match=r"operator needed: LED green.*no terminal"):
        operator.confirm("LED green?")
    assert around.safe == 1
    assert (around.asked[0].answer, around.asked[0].operator) == ("", "nobody")


@pytest.mark.parametrize("word", ["", "y", "YES", "yes ", "ja", "1", "yesno"])
def test_only_whole_words_answer(word: str) -> None:
    assert not Prompt("sure?", ("yes", "no")).accepts(word)


@pytest.mark.parametrize("word", ["", "SN1", "xSN0001", "SN0001\n", "SN00011", "yes"])
def test_only_what_matches_all_of_the_pattern_answers(word: str) -> None:
    assert not Prompt("serial?", pattern=r"SN\d{4}").accepts(word)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"question": " ", "options": ("yes",)}, "needs a question"),
        ({"question": "q"}, "options or a pattern"),
        ({"question": "q", "options": ("a",), "pattern": "b"}, "options or a pattern"),
        ({"question": "q", "options": ("a", "a")}, "different words"),
        ({"question": "q", "options": ("a", "")}, "different words"),
        ({"question": "q", "options": ("a", "abort")}, "different words"),
        ({"question": "q", "pattern": "("}, "pattern"),
        ({"question": "q", "options": ("a",), "picture": Path("/nowhere.png")}, "no such file"),
    ],
)
def test_a_prompt_that_nobody_could_answer_is_a_mistake(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Prompt(**wrong)  # type: ignore[arg-type]


def test_options_are_not_one_text() -> None:
    with pytest.raises(UsageError, match="a list of words"):
        Operator(Answers("a")).choose("q", "ab")


def script(folder: Path, text: str) -> Script:
    path = folder / "answers.toml"
    path.write_text(text, encoding="utf-8")
    return Script(path)


ANSWERS = """
[[answer]]
question = "LED*"
answer = ["no", "yes"]

[[answer]]
question = "*serial*"
answer = "SN0042"
"""


def test_a_script_answers_in_turn_and_says_when_it_is_used_up(tmp_path: Path) -> None:
    operator = Operator(script(tmp_path, ANSWERS))
    assert operator.confirm("LED green?") is False
    assert operator.confirm("LED red?") is True
    with pytest.raises(NoAnswer, match="answer 1 is used up"):
        operator.confirm("LED blue?")
    with pytest.raises(NoAnswer, match="has no answer to it"):
        operator.confirm("Card swapped?")
    prompt = Prompt("the serial number", pattern=r"SN\d+")
    one = script(tmp_path, ANSWERS)
    assert [one.ask(prompt, 1.0) for _ in range(3)] == ["SN0042"] * 3
    assert one.operator == "script answers.toml", "no person gave that answer"


def test_a_wrong_answer_in_a_script_is_the_script_s_mistake(tmp_path: Path) -> None:
    operator = Operator(script(tmp_path, '[[answer]]\nquestion = "*"\nanswer = "maybe"\n'))
    with pytest.raises(ConfigError, match=r"answer 1: 'maybe' does not answer 'sure.'"):
        operator.confirm("sure?")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("answer = 3", "list of"),
        ("", "list of"),
        ("[[answer]]\nquestion='q'\n", "has the keys"),
        ("[[answer]]\nquestion='q'\nanswer='a'\nonce=true\n", "has the keys"),
        ("[[answer]]\nquestion='q'\nanswer=true\n", "a text or a list"),
        ("[[answer]]\nquestion='q'\nanswer=[]\n", "a text or a list"),
        ("[[answer]]\nquestion=''\nanswer='a'\n", "a text or a list"),
        ("[[answer]]\nquestion='q'\nanswer=['a', 1]\n", "a text or a list"),
        ("other = 1\nanswer = []", "nothing else"),
        ("[[answer]", "is no TOML"),
    ],
)
def test_a_script_that_is_none(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        script(tmp_path, text)
    assert "answers.toml" in str(caught.value)


def test_a_script_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Script(tmp_path / "none.toml")
    (tmp_path / "raw.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is no TOML"):
        Script(tmp_path / "raw.toml")
