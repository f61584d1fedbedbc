"""Dialect files: how a device under test words the operations, as data.

A dialect is a YAML file with command templates (``{name}`` stands for a parameter) and answer
patterns (regular expressions with named groups). Unknown keys, operations, parameters and groups
are errors that name file and line, so that a misspelt one is never silently ignored.
"""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from hil.equipment.device.errors import DialectError
from hil.equipment.device.operations import OPERATIONS, Operation

SHIPPED: Final = Path(__file__).parent / "dialects"
_TOP_KEYS: Final = ("dialect", "version", "line", "timeout_s", "errors", "operations")
_LINE_KEYS: Final = ("ending", "ready", "init")
_OPERATION_KEYS: Final = ("send", "answer", "timeout_s", "values")


@dataclass(frozen=True, slots=True)
class Wording:
    """One operation in the device's words."""

    send: str
    answer: re.Pattern[str] | None
    timeout_s: float
    values: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A device's words: line rules, names of its error codes, wording of each operation."""

    name: str
    ending: str
    ready: str
    init: tuple[str, ...]
    errors: Mapping[int, str] = field(repr=False)
    operations: Mapping[str, Wording] = field(repr=False)

    def error_name(self, code: int) -> str:
        """Return the name of a ``+CME ERROR`` code, or ``unknown error``."""
        return self.errors.get(code, "unknown error")


def load_dialect(name_or_path: str | Path) -> Dialect:
    """Read a shipped dialect by name, or a lab's own by path.

    Raises:
        DialectError: the file is absent or wrong; the text names file and line.

    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = SHIPPED / f"{name_or_path}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml")))
        raise DialectError(
            f"dialect {path}: cannot be read ({err}); shipped are {shipped}"
        ) from err
    return _Reader(path).read(text)


class _Reader:
    """Walks the marked nodes of one file, so that every complaint has a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, text: str) -> Dialect:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as err:
            mark = getattr(err, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise DialectError(f"{self._path}:{line}: not YAML ({err})") from err
        if root is None:
            raise DialectError(f"{self._path}:1: empty file")
        top = self._mapping(root, _TOP_KEYS, required=("dialect", "version", "operations"))
        if self._number(top["version"]) != 1:
            raise self._error(top["version"], "version is not 1")
        line = self._mapping(top["line"], _LINE_KEYS) if "line" in top else {}
        default_s = self._number(top["timeout_s"]) if "timeout_s" in top else 5.0
        return Dialect(
            name=self._text(top["dialect"]),
            ending=self._text(line["ending"]) if "ending" in line else "\r",
            ready=self._text(line["ready"]) if "ready" in line else "",
            init=tuple(map(self._text, self._items(line["init"]))) if "init" in line else (),
            errors=self._error_names(top["errors"]) if "errors" in top else {},
            operations=self._operations(top["operations"], default_s),
        )

    def _operations(self, node: yaml.Node, default_s: float) -> dict[str, Wording]:
        wordings = {}
        for name, child in self._mapping(node, tuple(OPERATIONS), required=("attention",)).items():
            wordings[name] = self._wording(child, OPERATIONS[name], default_s)
        return wordings

    def _wording(self, node: yaml.Node, operation: Operation, default_s: float) -> Wording:
        keys = self._mapping(node, _OPERATION_KEYS, required=("send",))
        send = self._text(keys["send"])
        try:
            named = [part[1] for part in string.Formatter().parse(send) if part[1] is not None]
        except ValueError as err:
            raise self._error(keys["send"], f"template {send!r}: {err}") from err
        for name in named:
            self._known(keys["send"], "parameter", name, operation.parameters)
        answer = self._pattern(keys["answer"], operation) if "answer" in keys else None
        if operation.required and answer is None:
            raise self._error(node, f"'answer' is missing, with {', '.join(operation.required)}")
        timeout_s = self._number(keys["timeout_s"]) if "timeout_s" in keys else default_s
        values = self._values(keys["values"], operation) if "values" in keys else {}
        return Wording(send, answer, timeout_s, values)

    def _pattern(self, node: yaml.Node, operation: Operation) -> re.Pattern[str]:
        try:
            pattern = re.compile(self._text(node))
        except re.error as err:
            raise self._error(node, f"answer is no regular expression: {err}") from err
        for group in pattern.groupindex:
            self._known(node, "group", group, tuple(operation.fields))
        if missing := [name for name in operation.required if name not in pattern.groupindex]:
            raise self._error(node, f"answer lacks the group(s) {', '.join(missing)}")
        return pattern

    def _values(self, node: yaml.Node, operation: Operation) -> dict[str, dict[str, str]]:
        names = (*operation.parameters, *operation.fields)
        return {
            name: {ours: self._text(theirs) for ours, theirs in self._pairs(child)}
            for name, child in self._mapping(node, names).items()
        }

    def _error_names(self, node: yaml.Node) -> dict[int, str]:
        names = {}
        for key, child in self._pairs(node):
            if not key.isdecimal():
                raise self._error(child, f"error code {key!r} is no number")
            names[int(key)] = self._text(child)
        return names

    def _mapping(
        self, node: yaml.Node, known: Iterable[str], required: Iterable[str] = ()
    ) -> dict[str, yaml.Node]:
        known = tuple(known)
        found: dict[str, yaml.Node] = {}
        for key, child in self._pairs(node):
            self._known(child, "key", key, known)
            if key in found:
                raise self._error(child, f"key {key!r} is given twice")
            found[key] = child
        if missing := [key for key in required if key not in found]:
            raise self._error(node, f"key {missing[0]!r} is missing")
        return found

    def _pairs(self, node: yaml.Node) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, "a mapping is wanted here")
        return [(self._text(key), value) for key, value in node.value]

    def _items(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "a list is wanted here")
        return list(node.value)

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "a text is wanted here")
        return str(node.value)

    def _number(self, node: yaml.Node) -> float:
        text = self._text(node)
        try:
            number = float(text)
        except ValueError as err:
            raise self._error(node, f"{text!r} is no number") from err
        if not 0 < number < 86_400:
            raise self._error(node, f"{text!r} is not above 0 and below 86400")
        return number

    def _known(self, node: yaml.Node, kind: str, name: str, known: tuple[str, ...]) -> None:
        if name in known:
            return
        close = difflib.get_close_matches(name, known, n=1)
        hint = (
            f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known) or 'none'}"
        )
        raise self._error(node, f"unknown {kind} {name!r}{hint}")

    def _error(self, node: yaml.Node, text: str) -> DialectError:
        return DialectError(f"{self._path}:{node.start_mark.line + 1}: {text}")
