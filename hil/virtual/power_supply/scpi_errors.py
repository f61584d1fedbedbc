"""SCPI error numbers, their texts, and the queue that keeps them (SCPI-99 volume 2, chapter 21)."""

from __future__ import annotations

from collections import deque

NO_ERROR = 0

TEXTS = {
    0: "No error",
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -138: "Suffix not allowed",
    -141: "Invalid character data",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -168: "Block data not allowed",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -310: "System error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
}

QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR = 0x04, 0x08, 0x10, 0x20
"""Bits of the standard event register (IEEE 488.2, 11.5.1)."""


class ScpiError(Exception):
    """One command was wrong: it goes into the error queue and changes nothing else."""

    def __init__(self, code: int) -> None:
        super().__init__(f'{code},"{TEXTS[code]}"')
        self.code = code


def event_bit(code: int) -> int:
    """Return the bit of the standard event register that an error sets."""
    if -200 < code <= -100:
        return COMMAND_ERROR
    if -300 < code <= -200:
        return EXECUTION_ERROR
    if -500 < code <= -400:
        return QUERY_ERROR
    return DEVICE_ERROR


class ErrorQueue:
    """First in, first out; when full the newest entry becomes -350 and the oldest stay."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._codes: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._codes)

    def push(self, code: int) -> None:
        """Add an error."""
        if len(self._codes) < self._depth:
            self._codes.append(code)
        else:
            self._codes[-1] = -350

    def pop(self) -> int:
        """Take the oldest error out; 0 when there is none."""
        return self._codes.popleft() if self._codes else NO_ERROR

    def clear(self) -> None:
        """Forget all of them (``*CLS`` and power-up, never ``*RST``)."""
        self._codes.clear()
