"""Cuts a program message into its units, strictly (IEEE 488.2 chapter 7, SCPI-99 volume 1, 6.2).

A message is units joined by ``;``; a unit is a header, with ``?`` for a query, and parameters
joined by ``,`` after a blank. Quotes and parentheses hide separators.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from hil.virtual.power_supply.scpi_errors import ScpiError

_HEADER = re.compile(
    r"""(?P<root>:?)
        (?P<header>\*[A-Za-z]+ | [A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)
        (?P<query>\??)
        (?:\s+(?P<parameters>\S.*))?""",
    re.VERBOSE,
)
_PRINTABLE = re.compile(rb"[\x20-\x7e\t]*")
_LONGEST_MNEMONIC = 12
"""IEEE 488.2, 7.6.1.4.1; the question mark and the asterisk do not count."""
_CLOSING = {"(": ")", '"': '"', "'": "'"}


@dataclass(frozen=True, slots=True)
class Unit:
    """One command or query as written: ``nodes`` upper-case, ``rooted`` if it began with ``:``."""

    nodes: tuple[str, ...]
    rooted: bool
    query: bool
    parameters: tuple[str, ...]

    @property
    def common(self) -> bool:
        """Whether it is a common command (``*IDN?``), which does not move the path."""
        return self.nodes[0].startswith("*")


def decode(line: bytes) -> str:
    """Return the text of a message; :class:`ScpiError` -101 on NUL, control and 8-bit bytes."""
    if not _PRINTABLE.fullmatch(line):
        raise ScpiError(-101)
    return line.decode("ascii")


@lru_cache(maxsize=1024)
def split_units(message: str) -> tuple[str, ...]:
    """Cut a message at its ``;``. Empty units at the end are allowed, as many clients send them."""
    return tuple(unit.strip() for unit in _split(message, ";"))


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit:
    """Read one unit; :class:`ScpiError` (-102, -103) if it is malformed."""
    match = _HEADER.fullmatch(text)
    if match is None:
        raise ScpiError(-103 if _HEADER.match(text) else -102)
    nodes = tuple(match["header"].upper().split(":"))
    if any(len(node.lstrip("*")) > _LONGEST_MNEMONIC for node in nodes):
        raise ScpiError(-112)
    written = match["parameters"]
    parameters = tuple(part.strip() for part in _split(written, ",")) if written else ()
    if not all(parameters):
        raise ScpiError(-102)
    return Unit(
        nodes,
        bool(match["root"]),
        bool(match["query"]),
        parameters,
    )


def _split(text: str, separator: str) -> list[str]:
    """Cut at ``separator`` outside quotes and parentheses; -151 or -171 if one stays open."""
    parts, start, closing = [], 0, ""
    for index, character in enumerate(text):
        if closing:
            closing = "" if character == closing else closing
        elif character in _CLOSING:
            closing = _CLOSING[character]
        elif character == separator:
            parts.append(text[start:index])
            start = index + 1
    if closing:
        raise ScpiError(-171 if closing == ")" else -151)
    parts.append(text[start:])
    return parts
