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
    -105: "GET not allowed",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error",
    -111: "Header separator error",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -115: "Unexpected number of parameters",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -130: "Suffix error",
    -131: "Invalid suffix",
    -134: "Suffix too long",
    -138: "Suffix not allowed",
    -140: "Character data error",
    -141: "Invalid character data",
    -144: "Character data too long",
    -148: "Character data not allowed",
    -150: "String data error",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -160: "Block data error",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -170: "Expression error",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -180: "Macro error",
    -200: "Execution error",
    -201: "Invalid while in local",
    -202: "Settings lost due to rtl",
    -203: "Command protected",
    -210: "Trigger error",
    -211: "Trigger ignored",
    -212: "Arm ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -215: "Arm deadlock",
    -220: "Parameter error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -225: "Out of memory",
    -226: "Lists not same length",
    -230: "Data corrupt or stale",
    -231: "Data questionable",
    -240: "Hardware error",
    -241: "Hardware missing",
    -300: "Device-specific error",
    -310: "System error",
    -311: "Memory error",
    -313: "Calibration memory lost",
    -314: "Save/recall memory lost",
    -315: "Configuration memory lost",
    -321: "Out of memory",
    -330: "Self-test failed",
    -340: "Calibration failed",
    -350: "Queue overflow",
    -360: "Communication error",
    -361: "Parity error in program message",
    -362: "Framing error in program message",
    -363: "Input buffer overrun",
    -365: "Time out error",
    -400: "Query error",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
    -500: "Power on",
    -600: "User request",
    -700: "Request control",
    -800: "Operation complete",
}

QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR = 0x04, 0x08, 0x10, 0x20
"""Bits of the standard event register (IEEE 488.2, 11.5.1)."""
_EVENTS = {-500: 0x80, -600: 0x40, -700: 0x02, -800: 0x01}
"""Events that a queue may hold beside errors, each with its own bit (SCPI-99 21.8.13 to 16)."""


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
    return _EVENTS.get(code, DEVICE_ERROR)


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
