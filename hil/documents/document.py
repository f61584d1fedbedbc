"""A YAML file as plain data that remembers where each value stands.

Stricter than YAML on purpose: no aliases, anchors, tags or second documents (no alias bombs, no
surprises in a review), no key twice, text as UTF-8, only ``true``/``false`` for booleans. The tree
is built from parser events without recursion, so nesting cannot exhaust the stack.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 24
MAX_NODES: Final = 20_000
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_MAX_DIGITS: Final = 18

Place = tuple[str | int, ...]
"""A path into the data: keys and indices from the root."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something stands: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one file, as one line of text: ``file:line:column: what``."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        """Return the line that editors and terminals can jump to."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.text}"


@dataclass(slots=True)
class Document:
    """The data of one file, the marks of its values and keys, and what was wrong with its form.

    ``sha256`` is the digest of the very bytes that were read, in hex; "" if there was no file.
    """

    path: Path
    name: str
    data: Any = None
    sha256: str = ""
    marks: dict[Place, Mark] = field(default_factory=dict)
    key_marks: dict[Place, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value(self, place: Place) -> object:
        """Return what stands at ``place``; None if nothing does."""
        found = self.data
        for part in place:
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def problem(self, place: Place, text: str, *, at_key: bool = False) -> Problem:
        """Return a problem at ``place``, or at the nearest thing around it that has a mark."""
        if at_key and place in self.key_marks:
            mark = self.key_marks[place]
        else:
            while place and place not in self.marks:
                place = place[:-1]
            mark = self.marks.get(place, Mark(1, 1))
        return Problem(self.name, mark.line, mark.column, text)


def display_name(path: Path) -> str:
    """Return the path as a person would type it: relative where it lies below this folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def read_document(path: Path, *, text: str | None = None, name: str = "") -> Document:
    """Read one YAML file (or ``text`` given instead). Never raises for what stands in it.

    What is wrong with the form is in ``problems``; then ``data`` is what could be understood.
    """
    document = Document(path, name or display_name(path))
    source = _read_text(document) if text is None else text
    if source is None:
        return document
    try:
        _Builder(document).build(source)
    except _BrokenOffError:
        document.data = None
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        what = " ".join(part for part in (err.context, err.problem) if part)
        document.problems.append(Problem(document.name, line, column, f"not YAML: {what}"))
    except yaml.reader.ReaderError as err:
        before = source[: err.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        text = f"the character U+{int(err.character):04X} is not allowed in YAML"
        document.problems.append(Problem(document.name, line, column, text))
    return document


def _read_text(document: Document) -> str | None:
    def refuse(text: str, line: int = 0, column: int = 0) -> None:
        document.problems.append(Problem(document.name, line, column, text))

    try:
        with document.path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        refuse("there is no such file")
        return None
    except OSError as err:
        refuse(f"cannot be read: {err.strerror}")
        return None
    if len(raw) > MAX_BYTES:
        refuse(f"is larger than {MAX_BYTES} bytes; this is no lab-config file")
        return None
    document.sha256 = hashlib.sha256(raw).hexdigest()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        before = raw[: err.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        refuse(f"the byte {raw[err.start]:02X} is not UTF-8; save the file as UTF-8", line, column)
        return None


class _BrokenOffError(Exception):
    """The rest of the file has no meaning after the problem just noted."""


class _Builder:
    """Builds the tree from parser events with a stack of its own."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._stack: list[tuple[Place, dict[str, Any] | list[Any]]] = []
        self._key: list[str | None] = []
        self._nodes = 0

    def build(self, source: str) -> None:
        documents = 0
        for event in yaml.parse(source, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document; one file is one document")
                    return
            elif isinstance(event, yaml.AliasEvent):
                self._refuse(event, f"alias '*{event.anchor}': write the value out")
                if self._expects_key():
                    raise _BrokenOffError
                self._take(event, None)
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._stack.pop()
                self._key.pop()
            if self._nodes > MAX_NODES or len(self._stack) > MAX_DEPTH:
                self._refuse(event, "too large or nested too deeply for a lab-config file")
                return

    def _node(self, event: yaml.NodeEvent) -> None:
        if event.anchor:
            self._refuse(event, f"anchor '&{event.anchor}': write the value out where it is used")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self._refuse(event, f"tag '{tag}' is not allowed")
        if isinstance(event, yaml.ScalarEvent):
            if self._expects_key():
                self._take_key(event)
            else:
                self._take(event, _scalar(event))
            return
        if self._expects_key():
            # What follows cannot be told apart from keys and values any more.
            self._refuse(event, "a key must be plain text")
            raise _BrokenOffError
        container: dict[str, Any] | list[Any]
        container = {} if isinstance(event, yaml.MappingStartEvent) else []
        place = self._take(event, container)
        self._stack.append((place, container))
        self._key.append(None)

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1][1], dict) and self._key[-1] is None

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        parent, container = self._stack[-1]
        key = str(event.value)
        place = (*parent, key)
        if key in container:
            first = self._document.key_marks[place].line
            self._refuse(event, f"'{key}' stands here twice; the first is in line {first}")
        else:
            self._document.key_marks[place] = _mark(event)
        self._key[-1] = key

    def _take(self, event: yaml.NodeEvent, value: object) -> Place:
        self._nodes += 1
        if not self._stack:
            self._document.data = value
            self._document.marks[()] = _mark(event)
            return ()
        parent, container = self._stack[-1]
        place: Place
        if isinstance(container, list):
            place = (*parent, len(container))
            container.append(value)
        else:
            key = self._key[-1] or ""
            self._key[-1] = None
            place = (*parent, key)
            if key in container:
                return place
            container[key] = value
        self._document.marks[place] = _mark(event)
        return place

    def _refuse(self, event: yaml.Event, text: str) -> None:
        mark = _mark(event)
        self._document.problems.append(Problem(self._document.name, mark.line, mark.column, text))


def _mark(event: yaml.Event) -> Mark:
    if event.start_mark is None:
        return Mark(1, 1)
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(event: yaml.ScalarEvent) -> object:
    text = str(event.value)
    if event.style is not None:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if len(text) <= _MAX_DIGITS:
        if _INT.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
