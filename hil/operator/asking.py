"""What a test says to the person at the bench."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from hil.errors import UsageError
from hil.operator.prompt import ABORT, Asked, NoAnswer, OperatorAbort, Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.operator.prompt import Backend

DEFAULT_TIMEOUT_S: Final = 300.0
"""A person has so long to answer, unless the test says otherwise."""
YES: Final = "yes"
NO: Final = "no"


class Surroundings(Protocol):
    """What a prompt has to do with the run."""

    def waiting(self, prompt: Prompt, timeout_s: float) -> AbstractContextManager[None]:
        """Let a person have the terminal, and the time that the test would lose."""

    def note(self, asked: Asked) -> None:
        """Write down what came of it."""

    def make_safe(self) -> None:
        """Switch off what could do harm while nobody looks after it."""


class Alone:
    """Surroundings without a run."""

    def waiting(self, prompt: Prompt, timeout_s: float) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing has to wait."""
        return nullcontext()

    def note(self, asked: Asked) -> None:
        """Nobody writes."""

    def make_safe(self) -> None:
        """Nothing is on."""


class Operator:
    """The person at the bench, or what answers in their place.

    Every prompt has a time limit in seconds. No answer and ``abort`` make the bench safe and raise
    :class:`~hil.operator.prompt.NoAnswer` and :class:`~hil.operator.prompt.OperatorAbort`: the
    verdict is INCONCLUSIVE. There is no default: silence is never a yes.
    """

    def __init__(self, backend: Backend, surroundings: Surroundings | None = None) -> None:
        self._backend = backend
        self._surroundings = surroundings or Alone()

    def confirm(
        self,
        text: str,
        picture: str | Path | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> bool:
        """Ask a question that is answered by ``yes`` or ``no``; return whether it was yes.

        ``picture`` is a file that shows what to look at.
        """
        shown = Path(picture) if picture is not None else None
        return self._ask(Prompt(text, (YES, NO), picture=shown), timeout_s) == YES

    def choose(
        self, text: str, options: Sequence[str], *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> str:
        """Ask for one of ``options``; return it."""
        if isinstance(options, str):
            raise UsageError(f"operator.choose: options are a list of words, not {options!r}")
        return self._ask(Prompt(text, tuple(options)), timeout_s)

    def read_serial(self, text: str, pattern: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> str:
        """Ask for a number by scanner or by hand; return it.

        It must match all of ``pattern`` (a regular expression) and is shown once more to be
        confirmed; what is not confirmed is asked again. ``timeout_s`` is for all of it.
        """
        prompt = Prompt(text, pattern=pattern)
        until = time.monotonic() + timeout_s
        while True:
            serial = self._ask(prompt, until - time.monotonic())
            sure = Prompt(f"Is {serial} right?", (YES, NO))
            if self._ask(sure, until - time.monotonic()) == YES:
                return serial

    def _ask(self, prompt: Prompt, timeout_s: float) -> str:
        asked_ns = time.monotonic_ns()
        answer = ""
        try:
            with self._surroundings.waiting(prompt, max(timeout_s, 0.0)):
                answer = self._backend.ask(prompt, max(timeout_s, 0.0))
        except NoAnswer:
            self._surroundings.make_safe()
            raise
        finally:
            operator = self._backend.operator
            self._surroundings.note(
                Asked(prompt.question, prompt.wanted, answer, operator, asked_ns)
            )
        if answer == ABORT:
            self._surroundings.make_safe()
            raise OperatorAbort(f"the operator broke the test off when asked: {prompt.question}")
        return answer
