"""A question to a person, and the ends that it can come to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hil.errors import Inconclusive, UsageError

ABORT: Final = "abort"


class NoAnswer(Inconclusive):
    """Nobody could be asked, or nobody answered; the text says why."""


class OperatorAbort(Inconclusive):
    """The operator broke the test off."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question; exactly one of ``options`` answers it, or what matches all of ``pattern``.

    Options are words that must be typed whole; none is a default. ``abort`` always answers.
    """

    question: str
    options: tuple[str, ...] = ()
    pattern: str = ""
    picture: Path | None = None

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise UsageError("operator: a prompt needs a question")
        if bool(self.options) == bool(self.pattern):
            raise UsageError("operator: a prompt has either options or a pattern")
        wrong = [one for one in self.options if one != one.strip() or not one or one == ABORT]
        if wrong or len(set(self.options)) != len(self.options):
            raise UsageError(
                f"operator: options are different words, none of them '{ABORT}': {self.options}"
            )
        if self.picture is not None and not self.picture.is_file():
            raise UsageError(f"operator: picture {self.picture}: there is no such file")
        try:
            re.compile(self.pattern)
        except re.error as err:
            raise UsageError(f"operator: pattern {self.pattern!r}: {err}") from err

    @property
    def wanted(self) -> str:
        """What answers it, in words: ``yes, no or abort``."""
        if self.options:
            return f"{', '.join(self.options)} or {ABORT}"
        return f"what matches {self.pattern}, or {ABORT}"

    def accepts(self, answer: str) -> bool:
        """Whether ``answer`` answers it."""
        if answer == ABORT:
            return True
        if self.options:
            return answer in self.options
        return re.fullmatch(self.pattern, answer) is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a prompt put at ``asked_ns`` (monotonic); ``answer`` is "" if none came."""

    question: str
    options: str
    answer: str
    operator: str
    asked_ns: int


class Backend(Protocol):
    """A way to ask."""

    @property
    def operator(self) -> str:
        """Who answers, as the journal shall name them."""

    def ask(self, prompt: Prompt, timeout_s: float) -> str:
        """Return an answer that the prompt accepts; raises NoAnswer when there is none in time."""
