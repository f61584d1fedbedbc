"""AT commands over the serial line: send one, wait for its final result code (TS 27.007, V.250)."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from hil.equipment.device.dialect import Dialect, Wording
from hil.equipment.device.errors import (
    DeviceAnswerError,
    DeviceRefusal,
    DeviceTimeoutError,
    DeviceUsageError,
)
from hil.equipment.device.operations import OPERATIONS
from hil.equipment.device.redaction import Hide
from hil.equipment.device.serial_link import SerialLink
from hil.observer import Direction, Exchange, Observer

_log = logging.getLogger(__name__)
_CME: Final = re.compile(r"\+CM[ES] ERROR: (.*)")
_FORBIDDEN: Final = re.compile(r'["\r\n\x00-\x1f\x7f]')
_QUIET_S: Final = 0.03
_LONG_QUIET_S: Final = 0.1
_MAX_LINE: Final = 70_000
Fields = dict[str, object]


class AtChannel:
    """Speaks one dialect over one line; safe to share between threads."""

    def __init__(
        self, link: SerialLink, dialect: Dialect, *, observer: Observer, name: str
    ) -> None:
        self.link = link
        self.dialect = dialect
        self._observer = observer
        self._name = name
        self._lock = threading.RLock()
        self._out_of_step = False
        self._buffer = bytearray()
        self._echo = ""

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads off the line for several operations in a row."""
        with self._lock:
            yield

    @contextmanager
    def frames(self) -> Iterator[SerialLink]:
        """Lend the line for frames, nothing left unread; after an error it is resynchronised."""
        with self._lock:
            self.link.unread(bytes(self._buffer))
            self._buffer.clear()
            self._out_of_step = True
            yield self.link
            self._out_of_step = False

    def knows(self, operation: str) -> bool:
        """Whether the dialect has words for ``operation``."""
        return operation in self.dialect.operations

    def ask(
        self,
        operation: str,
        *,
        hide: Hide | None = None,
        timeout_s: float | None = None,
        until: tuple[str, ...] = ("OK",),
        **values: str | int,
    ) -> Fields:
        """Do one operation and return the fields of its first answer line.

        ``hide`` says what the observer sees where there are secrets; ``until`` names the final
        result codes of success.

        Raises:
            DeviceUsageError: the dialect has no words for it, or a value cannot be sent.
            DeviceRefusal: ERROR or +CME ERROR.
            DeviceTimeoutError: no final result code in time.
            DeviceAnswerError: the answer does not match the dialect's pattern.

        """
        rows = self.ask_many(operation, hide=hide, timeout_s=timeout_s, until=until, **values)
        return rows[0] if rows else {}

    def ask_many(
        self,
        operation: str,
        *,
        hide: Hide | None = None,
        timeout_s: float | None = None,
        until: tuple[str, ...] = ("OK",),
        **values: str | int,
    ) -> list[Fields]:
        """Do one operation and return the fields of each answer line; errors as :meth:`ask`."""
        wording = self._wording(operation)
        command = self._fill(operation, wording, values)
        lines = self.command(
            command,
            operation=operation,
            hide=hide,
            shown=None if hide is None else self._fill(operation, wording, {**values, **hide.sent}),
            timeout_s=wording.timeout_s if timeout_s is None else timeout_s,
            until=until,
        )
        return self._match(operation, wording, lines, hide)

    def command(
        self,
        command: str,
        *,
        operation: str,
        timeout_s: float,
        hide: Hide | None = None,
        shown: str | None = None,
        until: tuple[str, ...] = ("OK",),
    ) -> list[str]:
        """Send one command line and return the lines before its final result code.

        ``shown`` goes to the observer instead of the command, answers as ``hide`` says.
        """
        with self._lock:
            if self._out_of_step:
                self._drain(_QUIET_S)
            self.note("out", command if shown is None else shown)
            self._out_of_step = True
            self._echo = command
            self.link.write(command.encode("ascii", "replace") + self.dialect.ending.encode())
            lines = self.final_lines(operation, timeout_s=timeout_s, until=until, hide=hide)
            self._out_of_step = False
            return lines

    def final_lines(
        self,
        operation: str,
        *,
        timeout_s: float,
        until: tuple[str, ...] = ("OK",),
        hide: Hide | None = None,
    ) -> list[str]:
        """Collect lines up to a final result code; refusals are raised."""
        deadline = time.monotonic() + timeout_s
        lines: list[str] = []
        while True:
            line = self._line(deadline, operation, timeout_s)
            if hide is None:
                self.note("in", line)
            elif line != self._echo:  # the echo has been told, as it may be shown
                self.note("in", hide.received(line))
            if line in until:
                return lines
            if line in ("ERROR", "NO CARRIER") or _CME.fullmatch(line):
                self._out_of_step = False
                raise self._refusal(operation, line)
            if line not in (self._echo, self.dialect.ready):
                lines.append(line)

    def _line(self, deadline: float, operation: str, timeout_s: float) -> str:
        while True:
            raw, mark, rest = self._buffer.partition(b"\n")
            if mark:
                self._buffer = bytearray(rest)
                text = raw.replace(b"\x00", b"").strip().decode("ascii", "replace")
                if text:
                    return text
                continue
            if len(self._buffer) > _MAX_LINE:
                self._buffer.clear()
                raise DeviceAnswerError(
                    f"device {self._name}: {operation!r} answered by a line of more than "
                    f"{_MAX_LINE} bytes; is the line noisy, or the baud rate wrong?"
                )
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise DeviceTimeoutError(
                    f"device {self._name} on {self.link.port}: no answer to {operation!r} within "
                    f"{timeout_s:g} s; is it on, and is the baud rate {self.link.baudrate} right?"
                )
            self._buffer += self.link.read(timeout_s=remaining)

    def settle(self) -> None:
        """Drop answers that are still on their way, until the line is quiet."""
        with self._lock:
            self._drain(_LONG_QUIET_S)

    def _drain(self, quiet_s: float) -> None:
        stale = bytes(self._buffer) + self.link.drain(quiet_s=quiet_s, timeout_s=1.0)
        self._buffer.clear()
        if stale:
            _log.debug("device %s: %d stale bytes dropped", self._name, len(stale))

    def _refusal(self, operation: str, line: str) -> DeviceRefusal:
        found = _CME.fullmatch(line)
        if not found:
            return DeviceRefusal(operation, None, line.lower())
        text = found[1].strip()
        if text.isdecimal():
            return DeviceRefusal(operation, int(text), self.dialect.error_name(int(text)))
        codes = {name: code for code, name in self.dialect.errors.items()}
        return DeviceRefusal(operation, codes.get(text), text)

    def _wording(self, operation: str) -> Wording:
        try:
            return self.dialect.operations[operation]
        except KeyError:
            raise DeviceUsageError(
                f"dialect {self.dialect.name!r} has no words for {operation!r}: add them there"
            ) from None

    def _fill(self, operation: str, wording: Wording, values: Mapping[str, str | int]) -> str:
        filled = {}
        for name, value in values.items():
            text = wording.values.get(name, {}).get(str(value), str(value))
            if _FORBIDDEN.search(text):
                raise DeviceUsageError(f"{operation!r}: {name} {text!r} cannot go into a command")
            filled[name] = text
        return wording.send.format_map(filled)

    def _match(
        self, operation: str, wording: Wording, lines: list[str], hide: Hide | None
    ) -> list[Fields]:
        if wording.answer is None:
            return []
        found = [match for line in lines if (match := wording.answer.fullmatch(line))]
        if not found and not OPERATIONS[operation].many:
            told = repr(lines) if hide is None else f"{len(lines)} lines that are not shown"
            raise DeviceAnswerError(
                f"device {self._name}: {operation!r} answered {told}, which dialect "
                f"{self.dialect.name!r} does not know"
            )
        return [self._convert(operation, wording, match) for match in found]

    def _convert(self, operation: str, wording: Wording, match: re.Match[str]) -> Fields:
        fields: Fields = {}
        for name, text in match.groupdict(default="").items():
            ours = {theirs: our for our, theirs in wording.values.get(name, {}).items()}
            try:
                fields[name] = OPERATIONS[operation].fields[name](ours.get(text, text))
            except ValueError as err:
                raise DeviceAnswerError(
                    f"device {self._name}: {operation!r} answered {name} {text!r} ({err})"
                ) from err
        return fields

    def note(self, direction: Direction, text: str) -> None:
        """Tell the observer."""
        self._observer.exchange(Exchange("at", self._name, direction, text))
