"""Faults a test may ask of the supply's line, each of them what some real unit has done.

They stand between the lines and the supply: the supply behind them stays honest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Protocol

from hil.errors import CodecError


class Line(Protocol):
    """A client's connection."""

    def send(self, data: bytes) -> None:
        """Put bytes on the line."""

    def hang_up(self) -> None:
        """Close after what has been sent."""

    def half_close(self) -> None:
        """Send the end of the stream, and go on listening."""

    def abort(self) -> None:
        """Cut at once."""

    def hold(self, seconds: float | None) -> None:
        """Read nothing for a while, or never again."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the supply answers, and to which message."""

    command: bytes
    data: bytes


@dataclass(slots=True)
class Fault:
    """One fault: its ``kind``, which messages it hits (a pattern), how often, and how late.

    ``skip`` lets so many messages that match pass first.
    """

    kind: str
    match: re.Pattern[str] = field(default_factory=lambda: re.compile(""))
    times: int | None = None
    delay_s: float = 0.0
    text: str = ""
    skip: int = 0

    def hits(self, command: bytes) -> bool:
        """Tell whether this message is hit, and count it."""
        if self.times == 0 or not self.match.search(command.decode("latin-1")):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def _nothing(_: float) -> None:
    """Stand for what only a running supply can do."""


class Faults:
    """The faults in force. Without any, everything passes as it is.

    ``terminator`` is what ends the model's replies; ``reboot`` and ``stall`` take seconds.
    """

    def __init__(self, terminator: bytes = b"\n") -> None:
        self.terminator = terminator
        self.reboot: Callable[[float], None] = _nothing
        self.stall: Callable[[float], None] = _nothing
        self.last_reply = b"0" + terminator
        self.kept = b""
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force; :class:`CodecError` if there is no such kind."""
        if fault.kind not in KINDS:
            raise CodecError(f"no fault {fault.kind!r}; there are {', '.join(KINDS)}")
        self._faults.append(fault)

    def clear(self) -> None:
        """Be well again."""
        self._faults.clear()
        self.kept = b""

    def connected(self, line: Line) -> None:
        """Meet a new client, in the manner of the fault in force."""
        fault = self._hit(_ON_CONNECT, b"")
        if fault is not None:
            _ON_CONNECT[fault.kind](fault, line)

    def command(self, message: bytes, line: Line) -> bytes | None:
        """Return the message that reaches the supply, or None if it is lost on the way."""
        fault = self._hit(_ON_COMMAND, message)
        return message if fault is None else _ON_COMMAND[fault.kind](self, fault, message, line)

    def reply(self, reply: Reply, line: Line) -> None:
        """Send a reply, in the manner of the fault in force."""
        fault = self._hit(_ON_REPLY, reply.command)
        if fault is None:
            line.send(self.kept + reply.data)
            self.kept = b""
        else:
            _ON_REPLY[fault.kind](self, fault, reply, line)
        self.last_reply = reply.data

    def bare(self, reply: Reply) -> bytes:
        """Return a reply without its terminator."""
        return reply.data.removesuffix(self.terminator) if self.terminator else reply.data

    def half(self, reply: Reply) -> bytes:
        """Return the first half of a reply, without its terminator."""
        bare = self.bare(reply)
        return bare[: max(1, len(bare) // 2)]

    def _hit(self, kinds: Container[str], command: bytes) -> Fault | None:
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


def _drop(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(faults.half(reply))
    line.hang_up()


def _half_close(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(faults.half(reply))
    line.half_close()


def _reset(_: Faults, __: Fault, ___: Reply, line: Line) -> None:
    line.abort()


def _truncate(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(faults.half(reply) + faults.terminator)


def _pieces(_: Faults, fault: Fault, reply: Reply, line: Line) -> None:
    loop = asyncio.get_running_loop()
    for index in range(len(reply.data)):
        loop.call_later(fault.delay_s * index, line.send, reply.data[index : index + 1])


def _merge(faults: Faults, _: Fault, reply: Reply, __: Line) -> None:
    faults.kept += reply.data


def _no_terminator(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(faults.bare(reply))


def _extra_terminator(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(reply.data + (faults.terminator or b"\n"))


def _garbage(faults: Faults, _: Fault, __: Reply, line: Line) -> None:
    line.send(b"\x00\xff\x9e~~\x80" + faults.terminator)


def _echo(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    line.send(reply.command + (faults.terminator or b"") + reply.data)


def _text(faults: Faults, fault: Fault, _: Reply, line: Line) -> None:
    line.send(fault.text.encode("latin-1") + faults.terminator)


def _nan(faults: Faults, _: Fault, reply: Reply, line: Line) -> None:
    fields = b",".join(b"9.91E37" for _ in reply.data.split(b","))
    line.send(fields + faults.terminator)


def _flood(_: Faults, __: Fault, ___: Reply, line: Line) -> None:
    line.send(b"7" * 200_000)


_ON_REPLY: dict[str, Callable[[Faults, Fault, Reply, Line], None]] = {
    "silent": _silent,
    "late": _late,
    "stale": _stale,
    "drop": _drop,
    "half-close": _half_close,
    "reset": _reset,
    "truncate": _truncate,
    "pieces": _pieces,
    "merge": _merge,
    "no-terminator": _no_terminator,
    "extra-terminator": _extra_terminator,
    "garbage": _garbage,
    "echo": _echo,
    "text": _text,
    "nan": _nan,
    "flood": _flood,
}

_CHANNEL = re.compile(rb"(?<=CH)\d|(?<=SOUR)\d|(?<=SOURCE)\d|(?<=@)\d|(?<=ISUM)\d", re.IGNORECASE)


def _lose(_: Faults, __: Fault, ___: bytes, ____: Line) -> bytes | None:
    return None


def _wrong_channel(_: Faults, __: Fault, message: bytes, ___: Line) -> bytes | None:
    return _CHANNEL.sub(lambda match: b"2" if match[0] == b"1" else b"1", message)


def _reboot(faults: Faults, fault: Fault, _: bytes, __: Line) -> bytes | None:
    faults.reboot(fault.delay_s)
    return None


def _stall(faults: Faults, fault: Fault, message: bytes, _: Line) -> bytes | None:
    faults.stall(fault.delay_s)
    return message


_ON_COMMAND: dict[str, Callable[[Faults, Fault, bytes, Line], bytes | None]] = {
    "lost-command": _lose,
    "wrong-channel": _wrong_channel,
    "reboot": _reboot,
    "stall": _stall,
}


def _refuse(_: Fault, line: Line) -> None:
    line.hang_up()


def _deaf(_: Fault, line: Line) -> None:
    line.hold(None)


def _late_accept(fault: Fault, line: Line) -> None:
    line.hold(fault.delay_s)


def _banner(fault: Fault, line: Line) -> None:
    line.send(fault.text.encode("latin-1"))


_ON_CONNECT: dict[str, Callable[[Fault, Line], None]] = {
    "refuse": _refuse,
    "deaf": _deaf,
    "late-accept": _late_accept,
    "banner": _banner,
}

KINDS = tuple(sorted((*_ON_REPLY, *_ON_COMMAND, *_ON_CONNECT)))
"""Every kind of fault that a line can have."""
