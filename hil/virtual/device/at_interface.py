"""The command interpreter: lines in, result codes out; hands the line over to frames and back."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from hil.errors import CodecError, HilError
from hil.virtual.device.at_parser import MAX_LINE, AtCommand, Kind, parse_line
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.port import Port

_log = logging.getLogger(__name__)
_START: Final = re.compile(r"AT", re.IGNORECASE)
_REPEAT: Final = b"A/"
_NUMBERS: Final = {"OK": "0", "CONNECT": "1", "NO CARRIER": "3", "ERROR": "4"}
"""Result codes of V.250, table 1, where ATV0 asks for numbers."""
_VALUES: Final = {
    "+CFUN": "(1),(0,1)",
    "+CMEE": "(0-2)",
    "+CREG": "(0)",
    "+CGREG": "(0)",
    "+CEREG": "(0)",
    "+CSCS": '("GSM","IRA")',
}
"""What the test form of a command tells of its values, where there is anything to tell."""
Handler = Callable[[AtCommand], Awaitable[list[str]]]


class ErrorMemory(Protocol):
    """Where the last refusal is kept for AT+HILERR?."""

    def note_error(self, reason: str) -> None:
        """Keep it."""


class AtInterface:
    """Reads the port, runs handlers by command name, writes answers as ATV and ATQ ask for."""

    def __init__(self, port: Port, errors: ErrorMemory) -> None:
        self._port = port
        self._errors = errors
        self._handlers: dict[str, Handler] = {"E": self._echo, "+CMEE": self._cmee}
        self._line = bytearray()
        self._last = ""
        self.reset()
        self._after: Callable[[], Awaitable[str]] | None = None

    def register(self, name: str, handler: Handler) -> None:
        """Let ``handler`` answer the command ``name``."""
        self._handlers[name] = handler

    @property
    def names(self) -> list[str]:
        """The names of all commands."""
        return list(self._handlers)

    def reset(self) -> None:
        """Begin with the settings of the factory: echo, result codes in words, bare ERROR."""
        self._echoing, self.in_words, self.quiet = True, True, False
        self._verbosity = 0

    def hand_over(self, action: Callable[[], Awaitable[str]]) -> None:
        """After the present command says CONNECT, run ``action``; it returns the final code."""
        self._after = action

    async def say(self, text: str) -> None:
        """Write one line between line ends; with ATV0 it has none before it (V.250, 6.2.6)."""
        start = "\r\n" if self.in_words else ""
        await self._port.write(f"{start}{text}\r\n".encode("ascii", "replace"))

    async def _conclude_with(self, code: str) -> None:
        if self.quiet:
            return
        if self.in_words or code not in _NUMBERS:
            await self.say(code)
        else:
            await self._port.write(f"{_NUMBERS[code]}\r".encode())

    async def run(self) -> None:
        """Serve the port until cancelled."""
        while True:
            data = await self._port.read()
            for place, octet in enumerate(data):
                if await self._take(octet):
                    self._port.unread(data[place + 1 :])
                    break

    def final_code(self, refusal: Refusal) -> str:
        """Word a refusal as AT+CMEE asks for."""
        if self._verbosity == 0:
            return "ERROR"
        if self._verbosity == 1:
            return f"+CME ERROR: {refusal.code.value}"
        return f"+CME ERROR: {refusal.code.text}"

    async def _take(self, octet: int) -> bool:
        """Take one byte; return whether it ended a line, so that what follows is read anew."""
        if octet == 0x00:
            self._line.clear()
            return False
        if self._echoing:
            await self._port.write(bytes((octet,)))
        if octet == 0x0D:
            line, self._line = self._line.decode("ascii", "replace"), bytearray()
            await self._serve(line)
            return True
        if octet == 0x08:
            del self._line[-1:]
        elif octet != 0x0A:
            self._line.append(octet)
            if self._line.upper() == _REPEAT:
                # The one line without an end: the line before is done again (V.250, 5.2.4).
                self._line.clear()
                await self._serve(self._last)
                return True
            if len(self._line) > MAX_LINE:
                self._line.clear()
        return False

    async def _serve(self, line: str) -> None:
        start = _START.search(line)
        if start is None:
            return
        self._last = line
        try:
            for command in parse_line(line[start.end() :]):
                for text in await self._execute(command):
                    await self.say(text)
        except Refusal as refusal:
            self._after = None
            self._errors.note_error(refusal.reason)
            await self._conclude_with(self.final_code(refusal))
        else:
            await self._conclude()

    async def _conclude(self) -> None:
        action, self._after = self._after, None
        if action is None:
            await self._conclude_with("OK")
            return
        await self._conclude_with("CONNECT")
        await self._conclude_with(await action())

    async def _execute(self, command: AtCommand) -> list[str]:
        handler = self._handlers.get(command.name)
        if handler is None:
            raise Refusal(Cme.OPERATION_NOT_SUPPORTED, f"no command {command.name}")
        if command.kind is Kind.TEST:
            values = _VALUES.get(command.name)
            return [f"{command.name}: {values}"] if values else []
        try:
            return await handler(command)
        except Refusal:
            raise
        except CodecError as err:
            raise Refusal(Cme.INCORRECT_PARAMETERS, str(err)) from err
        except (TimeoutError, HilError, OSError) as err:
            _log.warning("%s failed: %s", command.name, err)
            raise Refusal(Cme.UNKNOWN, str(err)) from err

    async def _echo(self, command: AtCommand) -> list[str]:
        self._echoing = command.number(0, default=0) == 1
        return []

    async def _cmee(self, command: AtCommand) -> list[str]:
        if command.kind is Kind.READ:
            return [f"+CMEE: {self._verbosity}"]
        verbosity = command.number(0, default=0)
        if verbosity > 2:
            raise Refusal(Cme.INCORRECT_PARAMETERS, "+CMEE takes 0, 1 or 2")
        self._verbosity = verbosity
        return []
