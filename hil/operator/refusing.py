"""Nobody is there: the question is refused, and the test says so."""

from __future__ import annotations

from hil.operator.prompt import NoAnswer, Prompt


class Refusing:
    """A back end that has nobody to ask; ``why`` says so, and what helps."""

    operator = "nobody"

    def __init__(self, why: str) -> None:
        self.why = why

    def ask(self, prompt: Prompt, timeout_s: float) -> str:  # noqa: ARG002
        """Raise NoAnswer at once."""
        raise NoAnswer(f"operator needed: {prompt.question} ({self.why})")
