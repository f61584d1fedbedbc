"""AT command lines after V.250 and TS 27.007: what was asked, with which arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hil.virtual.device.failures import Cme, Refusal

_EXTENDED: Final = re.compile(r"(\+[A-Z][A-Z0-9]*)(=\?|\?|=|)(.*)", re.IGNORECASE | re.DOTALL)
_BASIC: Final = re.compile(r"(&?[A-Z])(\d*)", re.IGNORECASE)
_REGISTER: Final = re.compile(r"(S\d{1,3})(?:(\?)|=\s*(\d{0,3}))", re.IGNORECASE)
_ARGUMENT: Final = re.compile(r'\s*(?:"([^"]*)"|([^",]*))\s*(?:,|$)')
MAX_LINE: Final = 140_000


class Kind(Enum):
    """What a command does: ``+X``, ``+X?``, ``+X=…`` or ``+X=?``."""

    EXECUTE = "execute"
    READ = "read"
    SET = "set"
    TEST = "test"


_KINDS: Final = {"": Kind.EXECUTE, "?": Kind.READ, "=": Kind.SET, "=?": Kind.TEST}


@dataclass(frozen=True, slots=True)
class AtCommand:
    """One command: name in capitals, kind, arguments as text ("" where left out)."""

    name: str
    kind: Kind
    arguments: tuple[str, ...] = ()

    def text(self, place: int, *, default: str | None = None) -> str:
        """Return an argument as text."""
        if place < len(self.arguments) and self.arguments[place]:
            return self.arguments[place]
        if default is None:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"{self.name} wants {place + 1} arguments")
        return default

    def number(self, place: int, *, default: int | None = None) -> int:
        """Return an argument as a whole number."""
        text = self.text(place, default=None if default is None else str(default))
        if not text.isdecimal() or len(text) > 10:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"{self.name}: {text[:20]!r} is no number")
        return int(text)

    def octets(self, place: int, *, empty: bool = False) -> bytes:
        """Return an argument given as hexadecimal digits."""
        text = self.text(place, default="" if empty else None)
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise Refusal(
                Cme.INVALID_CHARACTERS_IN_TEXT_STRING, f"{self.name}: not hexadecimal"
            ) from None


def parse_line(line: str) -> tuple[AtCommand, ...]:
    """Read a line without its ``AT``: basic commands, then extended ones between semicolons.

    Raises:
        Refusal: it is no command line.

    """
    commands: list[AtCommand] = []
    for part in _split(line):
        rest = part.strip()
        while rest and not rest.startswith("+"):
            register = _REGISTER.match(rest)
            if register is not None:
                commands.append(_register(register))
                rest = rest[register.end() :].strip()
                continue
            match = _BASIC.match(rest)
            if match is None:
                raise Refusal(Cme.OPERATION_NOT_SUPPORTED, "no such command")
            arguments = (match[2],) if match[2] else ()
            commands.append(AtCommand(match[1].upper(), Kind.EXECUTE, arguments))
            rest = rest[match.end() :].strip()
        if rest:
            commands.append(_extended(rest))
    return tuple(commands)


def _register(match: re.Match[str]) -> AtCommand:
    """Return ``S3?`` or ``S3=13`` as a command S with number and value (V.250, 5.3.2)."""
    number = match[1][1:]
    if match[2]:
        return AtCommand("S", Kind.READ, (number,))
    return AtCommand("S", Kind.SET, (number, match[3]))


def _extended(text: str) -> AtCommand:
    match = _EXTENDED.fullmatch(text)
    if match is None:
        raise Refusal(Cme.OPERATION_NOT_SUPPORTED, "no such command")
    name, kind = match[1].upper(), _KINDS[match[2]]
    if kind is not Kind.SET:
        if match[3]:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"{name}: something stands behind it")
        return AtCommand(name, kind)
    return AtCommand(name, kind, _arguments(name, match[3]))


def _arguments(name: str, text: str) -> tuple[str, ...]:
    arguments: list[str] = []
    position = 0
    while True:
        match = _ARGUMENT.match(text, position)
        if match is None:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"{name}: arguments cannot be read")
        arguments.append(match[1] if match[1] is not None else match[2].strip())
        position = match.end()
        # Behind a comma one more argument stands, though it may be empty.
        if not match[0].endswith(","):
            return tuple(arguments)


def _split(line: str) -> list[str]:
    parts, start, quoted = [], 0, False
    for place, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            parts.append(line[start:place])
            start = place + 1
    return [*parts, line[start:]]
