"""One card, whatever way leads to it: connect, send APDUs, work in transactions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Final, Self

from hil.equipment.card import commands, procedure
from hil.equipment.card.errors import (
    CardRemovedError,
    CardResetError,
    StatusWordError,
    TruncatedAnswerError,
)
from hil.equipment.card.tracing import Trace
from hil.equipment.card.transport import CardTransport
from hil.errors import HilError, UsageError
from hil.observer import NullObserver, Observer
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import is_success

DEFAULT_TIMEOUT_S: Final = 10.0
_BLOCK: Final = 255


class Card:
    """A card on the bench. Safe for several threads: each answer belongs to its command.

    A sequence (select, then read) belongs in :meth:`transaction`, which keeps other threads and
    other programs away. ``timeout_s`` is the deadline of one APDU, in seconds.
    """

    def __init__(
        self,
        transport: CardTransport,
        observer: Observer | None = None,
        name: str = "card",
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        self.transport = transport
        self.name = name
        self.timeout_s = timeout_s
        self.atr = b""
        self._trace = (
            None
            if observer is None or isinstance(observer, NullObserver)
            else Trace(observer, name)
        )
        self._lock = threading.RLock()
        self._connected = False
        self._depth = 0
        self._deadline_s = timeout_s

    def connect(self, *, timeout_s: float | None = None) -> bytes:
        """Power the card, waiting for it if need be; return its ATR. May be called again."""
        with self._lock:
            self.atr = self.transport.connect(timeout_s=self._seconds(timeout_s))
            self._connected = True
            self._note_power("power on")
            return self.atr

    def reset(self, *, timeout_s: float | None = None) -> bytes:
        """Power the card off and on; return its ATR. Everything selected and opened is lost."""
        with self._lock:
            self.atr = self.transport.reset(timeout_s=self._seconds(timeout_s))
            self._note_power("reset")
            return self.atr

    def disconnect(self) -> None:
        """Let go of the card and leave it as it is. May be called again."""
        with self._lock:
            self._connected = False
            self.transport.disconnect()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    @contextlib.contextmanager
    def transaction(self, *, timeout_s: float | None = None) -> Iterator[Self]:
        """Hold the card alone, for threads and for other programs; may be nested.

        A card that was reset or swapped since the last time is connected anew first; so begin
        with a SELECT. Within the transaction a reset is an error (:class:`CardResetError`).
        """
        with self._lock:
            if not self._depth:
                self._begin(self._seconds(timeout_s))
            self._depth += 1
            try:
                yield self
            finally:
                self._depth -= 1
                if not self._depth:
                    self.transport.end()

    def send(self, command: CommandApdu, *, timeout_s: float | None = None) -> ResponseApdu:
        """Send one command and return its whole answer, whatever its status word.

        ``61xx`` and ``6Cxx`` are dealt with (:mod:`hil.equipment.card.procedure`), and nobody gets
        in between; outside a transaction that costs two more calls to the service. Raises an
        error of :mod:`hil.equipment.card.errors` when no answer comes.
        """
        with self._lock:
            self._deadline_s = self.timeout_s if timeout_s is None else timeout_s
            if self._depth:
                raw = procedure.run(command, self.transport.protocol, self._transmit)
            else:
                self.transport.begin(timeout_s=self._deadline_s)
                try:
                    raw = procedure.run(command, self.transport.protocol, self._transmit)
                finally:
                    self.transport.end()
        return ResponseApdu(raw[:-2], raw[-2] << 8 | raw[-1])

    def expect(
        self, command: CommandApdu, sw: int = 0x9000, *, timeout_s: float | None = None
    ) -> ResponseApdu:
        """Send a command that has to be answered ``sw``, else :class:`StatusWordError`.

        91xx counts as 9000: done, and the card has a proactive command waiting.
        """
        answer = self.send(command, timeout_s=timeout_s)
        if answer.sw != sw and not (sw == 0x9000 and is_success(answer.sw)):
            shown = command.header.hex().upper() + (f" +{len(command.data)}" * bool(command.data))
            raise StatusWordError(answer.sw, shown, self.name, wanted=sw)
        return answer

    def select(self, target: bytes | int | Sequence[int], *, channel: int = 0) -> ResponseApdu:
        """Select an application by its AID (bytes), a file by its id, or a path of ids.

        Returns the last answer: FCP or FCI template. :class:`StatusWordError` if refused.
        """
        if isinstance(target, bytes):
            return self.expect(commands.select_application(target, channel=channel))
        path = (target,) if isinstance(target, int) else tuple(target)
        if not path:
            raise UsageError("a path to select needs one file id at least")
        answers = [self.expect(commands.select_file(one, channel=channel)) for one in path]
        return answers[-1]

    def read_binary(self, length: int, offset: int = 0, *, channel: int = 0) -> bytes:
        """Read ``length`` bytes of the selected transparent file."""
        data = b""
        while len(data) < length:
            wanted = min(_BLOCK, length - len(data))
            command = commands.read_binary(wanted, offset + len(data), channel=channel)
            part = self.expect(command).data
            if not part:
                raise TruncatedAnswerError(f"{self.name}: the file ends after {len(data)} bytes")
            data += part
        return data

    def read_record(self, number: int, length: int, *, channel: int = 0) -> bytes:
        """Read one record of the selected file; numbers start at 1."""
        return self.expect(commands.read_record(number, length, channel=channel)).data

    def _transmit(self, raw: bytes) -> bytes:
        trace = self._trace
        if trace is not None:
            trace.command(raw)
        try:
            answer = self.transport.transmit(raw, timeout_s=self._deadline_s)
            if len(answer) < 2:
                raise TruncatedAnswerError(
                    f"{self.name}: an answer of {len(answer)} bytes has no status word; "
                    "the card died in the command, connect to it again"
                )
        except HilError as err:
            if trace is not None:
                trace.failed(err)
            raise
        if trace is not None:
            trace.answer(raw, answer)
        return answer

    def _begin(self, timeout_s: float) -> None:
        if not self._connected:
            self.connect(timeout_s=timeout_s)
        try:
            self.transport.begin(timeout_s=timeout_s)
        except (CardResetError, CardRemovedError):
            self.connect(timeout_s=timeout_s)
            self.transport.begin(timeout_s=timeout_s)

    def _note_power(self, event: str) -> None:
        if self._trace is not None:
            self._trace.powered(self.atr, event)

    def _seconds(self, timeout_s: float | None) -> float:
        return self.timeout_s if timeout_s is None else timeout_s
