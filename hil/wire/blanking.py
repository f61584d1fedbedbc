"""Ways to blank bytes: FF over what must not be seen, lengths kept, blanks counted."""

from __future__ import annotations

from collections.abc import Callable

Blanked = tuple[bytes, int]
"""Bytes fit to be shown, and how many of them are blanked."""

Rule = Callable[[bytes], Blanked]


def blank(data: bytes) -> Blanked:
    """Blank all of it."""
    return b"\xff" * len(data), len(data)


def blank_between(data: bytes, start: int, end: int) -> Blanked:
    """Blank the bytes from ``start`` to before ``end``, as far as there are any."""
    end = min(end, len(data))
    if start >= end:
        return data, 0
    return data[:start] + b"\xff" * (end - start) + data[end:], end - start


def body_of(raw: bytes) -> tuple[int, int]:
    """Return where the data of a command APDU begins and ends; all behind the header if torn."""
    if len(raw) <= 5:
        return len(raw), len(raw)
    if raw[4]:
        start, size = 5, raw[4]
    elif len(raw) <= 7:
        return len(raw), len(raw)
    else:
        start, size = 7, int.from_bytes(raw[5:7], "big")
    # Where lengths disagree, nobody knows what is data: everything is.
    end = start + size
    return (start, end) if len(raw) - end in (0, 1, 2) else (5, len(raw))


def last_four(digits: str) -> str:
    """Return a number of a subscriber with all but its last four digits starred."""
    return "*" * (len(digits) - 4) + digits[-4:]
