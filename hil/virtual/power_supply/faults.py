"""Faults a test may ask of the supply's line, each of them what some real unit has done.

They stand between the SCPI server and its clients: the instrument behind them stays honest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hil.errors import CodecError


class Line(Protocol):
    """A client's connection."""

    def send(self, data: bytes) -> None:
        """Put bytes on the line."""

    def hang_up(self) -> None:
        """Close after what has been sent."""

    def abort(self) -> None:
        """Cut at once."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the supply answers, and to which message."""

    command: bytes
    data: bytes


@dataclass(slots=True)
class Fault:
    """One fault: its ``kind``, which messages it hits (a pattern), how often, and how late."""

    kind: str
    match: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    times: int | None = None
    delay_s: float = 0.0
    text: str = ""

    def hits(self, command: bytes) -> bool:
        """Tell whether this message is hit, and count it."""
        if self.times == 0 or not self.match.search(command.decode("latin-1")):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The faults in force. Without any, everything passes as it is."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.last_reply = b"0\n"

    def add(self, fault: Fault) -> None:
        """Put a fault in force; :class:`CodecError` if there is no such kind."""
        if fault.kind not in _ON_REPLY and fault.kind not in _BEFORE:
            known = ", ".join(sorted((*_ON_REPLY, *_BEFORE)))
            raise CodecError(f"no fault {fault.kind!r}; there are {known}")
        self._faults.append(fault)

    def clear(self) -> None:
        """Be well again."""
        self._faults.clear()

    def connected(self, line: Line) -> None:
        """Meet a new client: ``refuse`` hangs up at once."""
        if self._hit(("refuse",), b"") is not None:
            line.hang_up()

    def command(self, line: bytes) -> bytes | None:
        """Return the message that reaches the instrument, or None if it is lost on the way."""
        if self._hit(("lost-command",), line) is not None:
            return None
        return line

    def reply(self, reply: Reply, line: Line) -> None:
        """Send a reply, in the manner of the fault in force."""
        fault = self._hit(tuple(_ON_REPLY), reply.command)
        if fault is None:
            line.send(reply.data)
        else:
            _ON_REPLY[fault.kind](self, fault, reply, line)
        self.last_reply = reply.data

    def _hit(self, kinds: tuple[str, ...], command: bytes) -> Fault | None:
        for fault in self._faults:
            if fault.kind in kinds and fault.hits(command):
                return fault
        return None


def _silent(_: Faults, __: Fault, ___: Reply, ____: Line) -> None:
    return


def _stale(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(faults.last_reply + reply.data)


def _late(_: Faults, fault: Fault, reply: Reply, line: Line) -> None:
    asyncio.get_running_loop().call_later(fault.delay_s, line.send, reply.data)


def _drop(_: Faults, __: Fault, reply: Reply, line: Line) -> None:
    line.send(reply.data[: max(1, len(reply.data) // 2)].rstrip(b"\n"))
    line.hang_up()


def _reset(_: Faults, __: Fault, ___: Reply, line: Line) -> None:
    line.abort()


def _truncate(_: Faults, __: Fault, reply: Reply, line: Line) -> None:
    line.send(reply.data[: max(1, len(reply.data) // 2)].rstrip(b"\n") + b"\n")


def _no_terminator(_: Faults, __: Fault, reply: Reply, line: Line) -> None:
    line.send(reply.data.rstrip(b"\n"))


def _garbage(_: Faults, __: Fault, ___: Reply, line: Line) -> None:
    line.send(b"\x00\xff\x9e~~\x80\n")


def _text(_: Faults, fault: Fault, __: Reply, line: Line) -> None:
    line.send(fault.text.encode("latin-1") + b"\n")


def _flood(_: Faults, __: Fault, ___: Reply, line: Line) -> None:
    line.send(b"7" * 200_000)


_ON_REPLY: dict[str, Callable[[Faults, Fault, Reply, Line], None]] = {
    "silent": _silent,
    "late": _late,
    "stale": _stale,
    "drop": _drop,
    "reset": _reset,
    "truncate": _truncate,
    "no-terminator": _no_terminator,
    "garbage": _garbage,
    "text": _text,
    "flood": _flood,
}
_BEFORE = ("refuse", "lost-command")
