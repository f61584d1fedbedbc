"""Answers from a file, for tests and for CI: they are marked as such, for no person gave them."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path
from typing import Any, Final

from hil.errors import ConfigError
from hil.operator.prompt import NoAnswer, Prompt

_KEYS: Final = {"question", "answer"}


class Script:
    """Answers by the first entry whose ``question`` (a pattern of :mod:`fnmatch`) fits.

    Raises ConfigError for a file that is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.operator = f"script {path.name}"
        self._entries = [self._entry(*one) for one in enumerate(self._read(), start=1)]

    def ask(self, prompt: Prompt, timeout_s: float) -> str:  # noqa: ARG002
        """Return the answer of the file; NoAnswer if it has none, ConfigError for a wrong one."""
        for number, (question, answers) in enumerate(self._entries, start=1):
            if not fnmatch.fnmatchcase(prompt.question, question):
                continue
            if not answers:
                raise NoAnswer(
                    f"operator needed: {prompt.question} ({self._path}: answer {number} is used up)"
                )
            answer = answers.pop(0) if isinstance(answers, list) else answers
            if not prompt.accepts(answer):
                raise ConfigError(
                    f"{self._path}: answer {number}: {answer!r} does not answer "
                    f"{prompt.question!r}: give {prompt.wanted}"
                )
            return answer
        raise NoAnswer(f"operator needed: {prompt.question} ({self._path} has no answer to it)")

    def _read(self) -> list[Any]:
        try:
            with self._path.open("rb") as file:
                found = tomllib.load(file)
        except OSError as err:
            raise ConfigError(f"{self._path}: cannot be read: {err.strerror}") from err
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
            raise ConfigError(f"{self._path}: is no TOML: {err}") from err
        entries = found.get("answer")
        if set(found) != {"answer"} or not isinstance(entries, list):
            raise ConfigError(f"{self._path}: holds a list of [[answer]] tables, nothing else")
        return entries

    def _entry(self, number: int, entry: Any) -> tuple[str, str | list[str]]:  # noqa: ANN401 - from a file
        where = f"{self._path}: answer {number}"
        if not isinstance(entry, dict) or set(entry) != _KEYS:
            raise ConfigError(f"{where}: has the keys {' and '.join(sorted(_KEYS))}")
        question, answer = entry["question"], entry["answer"]
        one = isinstance(answer, str) and answer != ""
        several = isinstance(answer, list) and bool(answer) and all(map(_is_word, answer))
        if not _is_word(question) or not (one or several):
            raise ConfigError(f"{where}: 'question' is a text, 'answer' a text or a list of texts")
        return question, list(answer) if several else answer


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value)
