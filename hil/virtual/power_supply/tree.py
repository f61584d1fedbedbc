"""The command tree: which headers exist, in exact short and long form (SCPI-99 volume 1, 6.2).

Patterns are written as the manual prints them: ``[:SOURce<n>]:VOLTage[:LEVel]``. Capitals (and the
characters that are no letters) are the short form; it is never computed, because makers break the
rule of four letters. ``[…]`` may be left out, ``<n>`` allows a numeric suffix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from hil.virtual.power_supply.lexer import Unit
from hil.virtual.power_supply.scpi_errors import ScpiError

_NODE = re.compile(
    r"(?P<open>\[?):?(?P<name>\*?[A-Za-z][A-Za-z0-9]*?)(?P<suffix><n>)?(?P<close>\]?)(?=$|[:\[])"
)
_REMEMBERED: Final = 1024
"""Headers that a tree need not look for again."""
_WRITTEN = re.compile(r"(?P<name>.*?[A-Z*_])(?P<digits>\d+)")

HandlerT = TypeVar("HandlerT")


@dataclass(frozen=True, slots=True)
class Found(Generic[HandlerT]):
    """A handler and the numeric suffixes written on the way to it (None where none was written)."""

    handler: HandlerT
    suffixes: tuple[int | None, ...]


@dataclass(slots=True)
class _Node(Generic[HandlerT]):
    children: dict[str, _Node[HandlerT]] = field(default_factory=dict)
    short: str = ""
    suffix: bool = False
    command: HandlerT | None = None
    query: HandlerT | None = None


class CommandTree(Generic[HandlerT]):
    """Finds the handler of a unit. Build it once: :meth:`add` every pattern of the model."""

    def __init__(self) -> None:
        self._root: _Node[HandlerT] = _Node()
        self._found: dict[tuple[tuple[str, ...], bool, bool], Found[HandlerT]] = {}

    def add(
        self, pattern: str, *, command: HandlerT | None = None, query: HandlerT | None = None
    ) -> None:
        """Teach the tree one header as printed, with what to do on its command and its query."""
        self._found.clear()
        nodes = _parse(pattern)
        for path in _expand(nodes):
            for spelling in _spellings(path):
                leaf = self._leaf(spelling, path)
                leaf.command = command or leaf.command
                leaf.query = query or leaf.query

    def find(
        self, unit: Unit, path: tuple[str, ...], *, prefixes: bool = False
    ) -> tuple[Found[HandlerT], tuple[str, ...]]:
        """Return the handler of ``unit`` read from ``path``, and the path for the unit after it.

        ``prefixes`` takes anything between the short and the long form for the mnemonic.
        :class:`ScpiError` -113 for an unknown header, -114 for a suffix where none may be.
        """
        start = () if unit.rooted or unit.common else path
        names = (*start, *unit.nodes)
        key = (names, unit.query, prefixes)
        found = self._found.get(key)
        if found is None:
            found = self._search(names, query=unit.query, prefixes=prefixes)
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = found
        return found, path if unit.common else names[:-1]

    def _search(self, names: tuple[str, ...], *, query: bool, prefixes: bool) -> Found[HandlerT]:
        node, suffixes = self._root, []
        for written in names:
            node, suffix = self._step(node, written, prefixes=prefixes)
            if node.suffix:
                suffixes.append(suffix)
        handler = node.query if query else node.command
        if handler is None:
            raise ScpiError(-113)
        return Found(handler, tuple(suffixes))

    def _step(
        self, node: _Node[HandlerT], written: str, *, prefixes: bool
    ) -> tuple[_Node[HandlerT], int | None]:
        child = _child(node, written, prefixes)
        if child is not None:
            return child, None
        match = _WRITTEN.fullmatch(written)
        child = _child(node, match["name"], prefixes) if match else None
        if child is None or match is None:
            raise ScpiError(-113)
        if not child.suffix or len(match["digits"]) > 3:
            raise ScpiError(-114)
        return child, int(match["digits"])

    def _leaf(self, spelling: Iterable[str], path: tuple[_Printed, ...]) -> _Node[HandlerT]:
        node = self._root
        for name, printed in zip(spelling, path, strict=True):
            node = node.children.setdefault(name, _Node())
            node.short = printed.short
            node.suffix = node.suffix or printed.suffix
        return node


def _child(node: _Node[HandlerT], written: str, prefixes: bool) -> _Node[HandlerT] | None:
    child = node.children.get(written)
    if child is None and prefixes:
        for name, candidate in node.children.items():
            if name.startswith(written) and written.startswith(candidate.short):
                return candidate
    return child


@dataclass(frozen=True, slots=True)
class _Printed:
    short: str
    long: str
    suffix: bool
    optional: bool


def _parse(pattern: str) -> tuple[_Printed, ...]:
    nodes, position = [], 0
    while position < len(pattern):
        match = _NODE.match(pattern, position)
        if match is None or bool(match["open"]) != bool(match["close"]):
            raise ValueError(f"cannot read the pattern {pattern!r} at {position}")
        name = match["name"]
        short = "".join(character for character in name if not character.islower())
        nodes.append(_Printed(short, name.upper(), bool(match["suffix"]), bool(match["open"])))
        position = match.end()
    return tuple(nodes)


def _expand(nodes: tuple[_Printed, ...]) -> list[tuple[_Printed, ...]]:
    paths: list[tuple[_Printed, ...]] = [()]
    for node in nodes:
        paths = [(*path, node) for path in paths] + (paths if node.optional else [])
    return paths


def _spellings(path: tuple[_Printed, ...]) -> list[tuple[str, ...]]:
    spellings: list[tuple[str, ...]] = [()]
    for node in path:
        spellings = [(*before, name) for before in spellings for name in {node.short, node.long}]
    return spellings
