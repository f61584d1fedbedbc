"""A scripted instrument: it knows the phrases of one manual, word for word, and no others.

It is reached over a real TCP socket or a real pseudo terminal. A message that is in no phrase is
kept in ``strangers`` and not answered.
"""

from __future__ import annotations

import os
import re
import select
import socket
import threading
import tty
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

State = dict[str, Any]
Answer = Callable[[State, "re.Match[str]"], str | None]
Told = Callable[[State], Any]


@dataclass(frozen=True)
class Phrase:
    """What a message must look like, whole, and what comes of it."""

    message: re.Pattern[str]
    answer: Answer


def phrase(message: str, answer: Answer) -> Phrase:
    """Return a phrase; ``<x>`` in ``message`` stands for a number, all else for itself."""
    pattern = re.escape(message).replace("<x>", r"([+-]?\d+(?:\.\d+)?)")
    return Phrase(re.compile(pattern), answer)


def says(message: str, reply: str) -> Phrase:
    """Answer a query with a fixed reply."""
    return phrase(message, lambda _state, _match: reply)


def does(message: str, **changes: object) -> Phrase:
    """Take a command that changes the state so."""

    def act(state: State, _match: re.Match[str]) -> None:
        state.update(changes)

    return phrase(message, act)


def sets(message: str, name: str, factor: float = 1.0) -> Phrase:
    """Take a command with a number ``<x>`` and keep it as ``name``."""

    def act(state: State, match: re.Match[str]) -> None:
        state[name] = float(match[1]) * factor

    return phrase(message, act)


def tells(message: str, name: str | Told, form: str = "{}") -> Phrase:
    """Answer a query with a value of the state, written in ``form``."""

    def act(state: State, _match: re.Match[str]) -> str:
        value = name(state) if callable(name) else state[name]
        return form.format(value)

    return phrase(message, act)


def joined(selection: str, *phrases: Phrase) -> list[Phrase]:
    """Return phrases that must come in one message behind ``selection`` and ``;:``."""
    head = re.escape(f"{selection};:")
    return [Phrase(re.compile(head + one.message.pattern), one.answer) for one in phrases]


def output_volts(state: State) -> float:
    """Return the volts at the terminals: what is set, while the output is on."""
    return float(state["volts"]) if state["on"] else 0.0


@dataclass
class Scripted:
    """One instrument on its own line. ``garble`` may replace a reply by other bytes."""

    phrases: Sequence[Phrase]
    state: State
    write_end: bytes = b"\n"
    read_end: bytes = b"\n"
    heard: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    garble: Callable[[str, bytes], bytes] = lambda _message, reply: reply
    selected: int = 0

    def serve_message(self, message: str) -> bytes:
        self.heard.append(message)
        for one in self.phrases:
            match = one.message.fullmatch(message)
            if match is not None:
                reply = one.answer(self.state, match)
                if reply is None:
                    return b""
                return self.garble(message, reply.encode("latin-1") + self.read_end)
        self.strangers.append(message)
        return b""

    def split(self, buffer: bytes) -> tuple[list[str], bytes]:
        if not self.write_end:  # a message is what comes in one go
            return [buffer.decode("ascii")], b""
        *lines, rest = buffer.split(self.write_end)
        return [line.decode("ascii") for line in lines], rest


class Line:
    """A scripted instrument behind a socket or a pseudo terminal; ``resource`` is its name."""

    def __init__(self, instrument: Scripted, *, serial: bool) -> None:
        self.instrument = instrument
        self._stop, self._stopper = os.pipe()
        if serial:
            self._master, self._slave = os.openpty()
            tty.setraw(self._master)
            tty.setraw(self._slave)
            self.resource = f"ASRL{os.ttyname(self._slave)}::INSTR"
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.resource = f"TCPIP0::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        target = self._serve_serial if serial else self._serve_socket
        self._serial = serial
        self._thread = threading.Thread(target=target, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.write(self._stopper, b"x")
        self._thread.join(5)
        assert not self._thread.is_alive()
        if self._serial:
            os.close(self._master)
            os.close(self._slave)
        else:
            self._listener.close()
        os.close(self._stop)
        os.close(self._stopper)

    def _serve_serial(self) -> None:
        self._serve(self._master, lambda data: os.write(self._master, data))

    def _serve_socket(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener.fileno(), self._stop], [], [])
            if self._stop in ready:
                return
            peer, _ = self._listener.accept()
            with peer:
                if not self._serve(peer.fileno(), peer.sendall):
                    return

    def _serve(self, descriptor: int, send: Callable[[bytes], object]) -> bool:
        """Serve until the peer has gone (True) or the line closes (False)."""
        buffer = b""
        while True:
            ready, _, _ = select.select([descriptor, self._stop], [], [])
            if self._stop in ready:
                return False
            try:
                chunk = os.read(descriptor, 4096)
            except OSError:
                return True
            if not chunk:
                return True
            messages, buffer = self.instrument.split(buffer + chunk)
            for message in messages:
                reply = self.instrument.serve_message(message)
                if reply:
                    send(reply)


@dataclass(frozen=True)
class Manual:
    """One model as its manual has it, and what our driver must say to it on the way up.

    ``phrases``: of all channels. ``sets``: every command of one whole way up, in order, but those
    that switch off. ``trip``: what the state becomes when a protection trips. ``told``: the names
    of the trips that the instrument then tells, empty if it cannot.
    """

    model: str
    identity: str
    phrases: Sequence[Phrase]
    state: Mapping[str, Any]
    sets: Sequence[str]
    trip: Mapping[str, Any]
    told: Sequence[str]
    clears: Sequence[str]
    serial: bool = False
    write_end: bytes = b"\n"
    read_end: bytes = b"\n"
    measured: str = ""
    """A message that measures volts; its reply is what bad replies are tried on."""
    cut: Callable[[bytes], bytes] = lambda reply: reply[:-2] + b"\n"
    """What a reply cut short looks like on this line."""
    no_value: bytes = b"9.91E37"
    """What it answers to ``measured`` when it has no value."""

    def instrument(self) -> Scripted:
        return Scripted(list(self.phrases), dict(self.state), self.write_end, self.read_end)
