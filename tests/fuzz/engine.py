"""One input against one parser: the errors it may raise, the time and the memory it may take."""

from __future__ import annotations

import contextlib
import signal
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, Protocol

from hil.errors import CodecError

DEADLINE_S: Final = 2.0
"""Processor time for one input of a few kilobytes; parsers take microseconds to milliseconds."""

MEMORY: Final = 64 * 1024 * 1024
"""Bytes that one input may make a parser hold at once."""


class HangError(Exception):
    """A parser took longer than its deadline."""


@dataclass(frozen=True)
class Target:
    """One parser. ``errors``: what it documents to raise. ``seeds``: inputs that it accepts.

    ``again`` encodes what ``run`` returned; decoding that again must give the same value.
    ``mutations``: how many a test run tries. ``refuses``: whether there are inputs it refuses.
    """

    run: Callable[[bytes], Any]
    seeds: Callable[[], Sequence[bytes]]
    errors: tuple[type[BaseException], ...] = (CodecError,)
    again: Callable[[Any], bytes] | None = None
    mutations: int = 200
    refuses: bool = True


class Encodable(Protocol):
    """A value that knows its bytes."""

    def encode(self) -> bytes:
        """Return them."""


def encoded(value: Encodable) -> bytes:
    """Return the bytes of a value."""
    return bytes(value.encode())


def joined(values: Sequence[Encodable]) -> bytes:
    """Return the bytes of a row of values."""
    return b"".join(one.encode() for one in values)


def try_input(target: Target, data: bytes) -> bool:
    """Give one input; return whether it was accepted. What must not happen is raised."""
    with _deadline():
        try:
            value = target.run(data)
        except target.errors:
            return False
        if target.again is not None:
            once = target.again(value)
            assert target.run(once) == value, f"decode(encode(x)) is not x for {data.hex()}"
    return True


def peak_memory(target: Target, data: bytes) -> int:
    """Return the most bytes of Python objects that one input made live at once."""
    tracemalloc.start()
    try:
        try_input(target, data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    """Interrupt the input after its processor time; real time is the test runner's own."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise HangError(f"no end after {DEADLINE_S} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, DEADLINE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
