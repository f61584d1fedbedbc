"""From a YAML document to a checked model: every problem at once, each with file, line and column.

Texts are our own, never pydantic's with the input in it: a key set file goes the same way.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hil.documents.document import Document, Place, Problem
from hil.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)

_WANTED: Final = {
    "string_type": "text is expected; if it is a number or a date, put it in quotes",
    "int_type": "a whole number is expected, without quotes",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected, without quotes",
    "bool_type": "true or false is expected",
    "dict_type": "a mapping (key: value) is expected",
    "model_type": "a mapping (key: value) is expected",
    "list_type": "a list is expected",
    "missing": "is missing",
}
_LIMITS: Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_LENGTHS: Final = {
    "string_too_short": ("min_length", "at least", "character"),
    "string_too_long": ("max_length", "at most", "character"),
    "too_short": ("min_length", "at least", "entry"),
    "too_long": ("max_length", "at most", "entry"),
}
_UNIT: Final = re.compile(r"\d\s*[uµmkM]?(V|A|s|ohm|%|Bd)\s*")
_DEEPER: Final = re.compile(r"((?:[\w-]+\.)*[\w-]+): ")


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return " - did you mean 'x'?" for the nearest known word, or the known words, or ""."""
    words = sorted(known)
    near = difflib.get_close_matches(given, words, n=1, cutoff=0.55)
    if near:
        return f" - did you mean '{near[0]}'?"
    return f"; known are {', '.join(words)}" if 0 < len(words) <= 16 else ""


def check(document: Document, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """Return the model made from the document, or None, and all problems found."""
    problems = list(document.problems)
    if document.data is None:
        if not problems:
            problems.append(Problem(document.name, 1, 1, "the file is empty"))
        return None, problems
    try:
        made = model.model_validate(document.data)
    except ValidationError as err:
        details = err.errors(include_url=False)
        problems += [_problem(document, model, detail) for detail in details]
        return None, problems
    return (None if problems else made), problems


def raise_for(problems: Sequence[Problem], what: str) -> None:
    """Raise one ConfigError that lists all problems, a line each, sorted by file and line."""
    if not problems:
        return
    lines = "\n".join(f"  {problem}" for problem in sorted(set(problems)))
    count = len(set(problems))
    raise ConfigError(f"{what} has {count} problem{'s' if count > 1 else ''}:\n{lines}")


def _problem(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    place: Place = tuple(detail["loc"])
    kind = detail["type"]
    where = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        hint = did_you_mean(str(place[-1]), _keys_at(model, place[:-1]))
        return document.problem(place, f"unknown key '{where}'{hint}", at_key=True)
    if kind == "missing":
        return document.problem(place, f"the key '{where}' is missing", at_key=False)
    if kind in ("literal_error", "enum"):
        words = _literals_at(model, place)
        given = detail.get("input")
        listed = f"; known are {', '.join(words)}"
        hint = did_you_mean(given, words) if isinstance(given, str) else listed
        shown = f"'{given}'" if isinstance(given, str | int) else "this"
        return document.problem(place, f"{where}: {shown} is not known{hint}")
    text = _WANTED.get(kind) or _limit(document, place, detail) or _plain(detail["msg"])
    return document.problem(_deeper(document, place, text), f"{where}: {text}" if where else text)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _limit(document: Document, place: Place, detail: ErrorDetails) -> str:
    """Return which limit a value breaks, in the unit that it was written in; "" for no limit."""
    kind, bounds = detail["type"], detail.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{words} {_in_its_unit(bounds[name], document.value(place))} is expected"
    if kind in _LENGTHS:
        name, words, what = _LENGTHS[kind]
        count = bounds[name]
        many = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
        return f"{words} {count} {what if count == 1 else many} expected"
    if kind == "string_pattern_mismatch":
        return f"text of the form {bounds['pattern']} is expected"
    return ""


def _in_its_unit(bound: float, given: object) -> str:
    unit = _UNIT.search(given) if isinstance(given, str) else None
    if unit is None:
        return f"{bound:g}"
    return f"{100 * bound:g} %" if unit[1] == "%" else f"{bound:g} {unit[1]}"


def _deeper(document: Document, place: Place, text: str) -> Place:
    """Return the place that ``text`` begins with, if there is one: a section may name its parts."""
    named = _DEEPER.match(text)
    found = (*place, *named[1].split(".")) if named else place
    return found if found in document.marks else place


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [found for part in typing.get_args(annotation) for found in _models_in(part)]
    return []


def _annotation_at(model: type[BaseModel], place: Place) -> object:
    annotation: object = model
    for part in place:
        models = _models_in(annotation)
        annotation = None
        for candidate in models:
            if isinstance(part, int):
                annotation = candidate
                break
            for name, info in candidate.model_fields.items():
                if part in (name, info.alias):
                    annotation = info.annotation
                    break
            if annotation is not None:
                break
        if annotation is None:
            # A key of a mapping: what stands below it is one of the models found.
            annotation = models[0] if models else None
    return annotation


def _keys_at(model: type[BaseModel], place: Place) -> list[str]:
    return [
        info.alias or name
        for found in _models_in(_annotation_at(model, place))
        for name, info in found.model_fields.items()
    ]


def _literals_at(model: type[BaseModel], place: Place) -> list[str]:
    words: list[str] = []
    pending = [_annotation_at(model, place)]
    while pending:
        annotation = pending.pop()
        if typing.get_origin(annotation) is typing.Literal:
            words += [str(word) for word in typing.get_args(annotation)]
        else:
            pending += [part for part in typing.get_args(annotation) if part is not annotation]
    return words
