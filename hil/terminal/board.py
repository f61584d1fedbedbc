"""What is known of a running session: what each process is at, and what has come of the tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN: Final = "main"


class Happening(NamedTuple):
    """One event of a journal; ``at_s`` is monotonic. Events and bodies: :mod:`hil.evidence`."""

    process: str
    event: str
    test: str
    body: Mapping[str, Any]
    at_s: float


class Result(NamedTuple):
    """What came of a test: the verdict, and the line that matters where it is not PASS."""

    test: str
    verdict: str
    requirements: tuple[str, ...] = ()
    reason: str = ""
    step: str = ""
    seconds: float = 0.0
    process: str = MAIN
    final: bool = True
    """Whether nothing more comes: False for a failure that is told before the teardown."""
    repeated: bool = False
    """Whether the same verdict has been told before the teardown."""


@dataclass(slots=True)
class Step:
    """A step that is open; ``limit_s`` is 0 if nobody has said one."""

    number: int
    title: str
    began_s: float
    limit_s: float = 0.0


@dataclass(slots=True)
class Doing:
    """What one process is at; "" as ``test`` between tests."""

    process: str
    test: str = ""
    began_s: float = 0.0
    steps: list[Step] = field(default_factory=list)
    last: str = ""
    """The last word of the equipment, such as a status word."""
    unanswered: dict[str, float] = field(default_factory=dict)
    """By equipment: since when (monotonic seconds) it owes an answer."""
    prompt: str = ""
    """What a person is being asked."""

    @property
    def step(self) -> Step | None:
        """The innermost open step."""
        return self.steps[-1] if self.steps else None

    def silent(self, now_s: float, at_least_s: float) -> list[tuple[str, float]]:
        """Return the equipment that has kept silent so long, and how long (seconds)."""
        # A copy: the links of a bench have threads of their own.
        owed = [(name, now_s - since) for name, since in dict(self.unanswered).items()]
        return sorted(one for one in owed if one[1] >= at_least_s)


@dataclass(slots=True)
class Known:
    """What is known of a test before it runs."""

    title: str = ""
    case: str = ""


class Board:
    """Takes in events and results. Not thread-safe: whoever feeds it has the lock."""

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.tests: dict[str, Known] = {}
        self.verdicts: dict[str, str] = {}
        self.begun: set[str] = set()
        self.broken_steps: dict[str, str] = {}
        """By test: the innermost step that did not end well."""
        self.doing: dict[str, Doing] = {}
        self.workers = 1

    @property
    def counts(self) -> Counter[str]:
        """How many tests have which verdict."""
        return Counter(self.verdicts.values())

    @property
    def not_run(self) -> int:
        """How many tests have not begun."""
        return sum(test not in self.begun for test in self.tests)

    def expect(self, test: str, title: str = "", case: str = "") -> None:
        """Take note of a test that is going to run."""
        known = self.tests.setdefault(test, Known())
        known.title = title or known.title
        known.case = case or known.case

    def known(self, test: str) -> Known:
        """Return what is known of a test."""
        return self.tests.get(test) or Known()

    def running(self) -> list[Doing]:
        """Return what is going on, by name of the process."""
        return [self.doing[name] for name in sorted(self.doing) if self.doing[name].test]

    def at(self, process: str) -> Doing:
        """Return what a process is at."""
        return self.doing.setdefault(process, Doing(process))

    def ended(self, result: Result) -> None:
        """Take in what came of a test."""
        self.begun.add(result.test)
        if result.final:
            self.verdicts[result.test] = result.verdict
            self.broken_steps.pop(result.test, None)

    def take(self, happening: Happening) -> None:
        """Take one event in; one that is unknown is left aside."""
        handler = _HANDLERS.get(happening.event)
        if handler is not None:
            handler(self, self.at(happening.process), happening)

    def _registered(self, _doing: Doing, happening: Happening) -> None:
        case = happening.body.get("case") or {}
        title = str(happening.body.get("title", ""))
        self.expect(happening.test, title, str(case.get("id", "")))

    def _test_begin(self, doing: Doing, happening: Happening) -> None:
        self.begun.add(happening.test)
        doing.test, doing.began_s = happening.test, happening.at_s
        doing.steps.clear()
        doing.unanswered.clear()
        doing.last = doing.prompt = ""

    def _test_end(self, doing: Doing, _happening: Happening) -> None:
        doing.test = doing.prompt = ""
        doing.steps.clear()
        doing.unanswered.clear()

    def _step_begin(self, doing: Doing, happening: Happening) -> None:
        body = happening.body
        title, limit_s = str(body.get("title", "")), float(body.get("limit_s") or 0)
        doing.steps.append(Step(int(body.get("step", 0)), title, happening.at_s, limit_s))

    def _step_end(self, doing: Doing, happening: Happening) -> None:
        number = int(happening.body.get("step", 0))
        for index, step in enumerate(doing.steps):
            if step.number == number:
                if happening.body.get("status", "passed") != "passed":
                    self.broken_steps.setdefault(doing.test, f'step {number} "{step.title}"')
                del doing.steps[index:]
                return

    def _exchange(self, doing: Doing, happening: Happening) -> None:
        equipment = str(happening.body.get("equipment", ""))
        if happening.body.get("direction") == "out":
            doing.unanswered.setdefault(equipment, happening.at_s)
        else:
            doing.unanswered.pop(equipment, None)
            doing.last = _last_word(happening.body)

    def _prompt_begin(self, doing: Doing, happening: Happening) -> None:
        doing.prompt = str(happening.body.get("question", ""))

    def _prompt(self, doing: Doing, _happening: Happening) -> None:
        doing.prompt = ""


_HANDLERS: Final = {
    "test-registered": Board._registered,
    "test-begin": Board._test_begin,
    "test-end": Board._test_end,
    "step-begin": Board._step_begin,
    "step-end": Board._step_end,
    "exchange": Board._exchange,
    "prompt-begin": Board._prompt_begin,
    "prompt": Board._prompt,
}


def _last_word(body: Mapping[str, Any]) -> str:
    text = str(body.get("text", ""))
    if body.get("link") == "apdu" and len(text) >= 4:
        return f"SW {text[-4:]}"
    return text if len(text) <= 40 else ""
