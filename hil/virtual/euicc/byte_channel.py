"""A TCP channel of the terminal, as the card sees it: a stream of bytes (ETSI TS 102 223, BIP).

One command waits for its answer at a time in each direction; what is to be sent is cut into pieces,
and what the terminal announces is fetched until it has no more.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.wire import bip
from hil.wire.toolkit_events import Event, ToolkitEvent

if TYPE_CHECKING:
    from hil.virtual.euicc.toolkit import Toolkit
    from hil.wire.bip import OpenChannel
    from hil.wire.cat import TerminalResponse

log = logging.getLogger(__name__)

_EVENTS: Final = (Event.DATA_AVAILABLE, Event.CHANNEL_STATUS)


class ByteChannel:
    """One channel from :meth:`open` to its end. Make a new one for each connection.

    ``opened`` is called when the link stands, ``received`` with bytes, ``lost`` with the reason
    once, unless :meth:`close` was called before.
    """

    def __init__(
        self,
        toolkit: Toolkit,
        *,
        opened: Callable[[], None],
        received: Callable[[bytes], None],
        lost: Callable[[str], None],
    ) -> None:
        self._toolkit = toolkit
        self._opened = opened
        self._received = received
        self._lost = lost
        self._number = 0
        self._out = bytearray()
        self._sending = self._fetching = self._dropped = self._over = False
        self._available = 0
        self._closed: Callable[[], None] | None = None

    def open(self, parameters: OpenChannel) -> None:
        """Ask for the events of channels and for the channel."""
        self._toolkit.listen(*_EVENTS)
        self._toolkit.ask(parameters.encode, self._answered_open)

    def send(self, data: bytes) -> None:
        """Send bytes behind those that wait."""
        self._out += data
        self._pump()

    def close(self, closed: Callable[[], None]) -> None:
        """Close the channel once all is sent; ``closed`` is called when the terminal has."""
        if self._over:
            closed()
            return
        self._closed = closed
        self._pump()

    def event(self, event: ToolkitEvent) -> None:
        """Take an event of the terminal."""
        if self._over or event.status is None or event.status.channel != self._number:
            return
        if event.kind == Event.DATA_AVAILABLE:
            self._available = max(self._available, event.available)
            self._fetch()
        elif not event.status.established:
            # What came before the link dropped may still wait in the terminal.
            self._dropped = True
            if not self._fetching:
                self._available = self._available or 1
                self._fetch()

    def _answered_open(self, answer: TerminalResponse | None) -> None:
        try:
            if answer is None or not answer.done:
                raise CodecError(f"OPEN CHANNEL was refused: {_result(answer)}")
            status = bip.status_of(answer.objects)
        except CodecError as err:
            self._end(str(err))
            return
        self._number = status.channel
        if not status.established:
            self._end("OPEN CHANNEL brought no link")
            return
        self._opened()
        self._pump()

    def _pump(self) -> None:
        if self._over or self._sending or not self._number:
            return
        if self._out:
            piece = bytes(self._out[: bip.MAX_DATA])
            del self._out[: len(piece)]
            self._sending = True
            command = functools.partial(_send, channel=self._number, data=piece)
            self._toolkit.ask(command, self._answered_send)
        elif self._closed is not None:
            self._over = True
            self._ask_close()

    def _answered_send(self, answer: TerminalResponse | None) -> None:
        self._sending = False
        if answer is None or not answer.done:
            self._end(f"SEND DATA was refused: {_result(answer)}")
        else:
            self._pump()

    def _fetch(self) -> None:
        if self._over or self._fetching or not self._available:
            return
        self._fetching = True
        command = functools.partial(_receive, channel=self._number, size=self._available)
        self._toolkit.ask(command, self._answered_receive)

    def _answered_receive(self, answer: TerminalResponse | None) -> None:
        self._fetching = False
        if self._over:
            return
        try:
            if answer is None or not answer.done:
                raise CodecError(f"RECEIVE DATA was refused: {_result(answer)}")
            data = bip.data_of(answer.objects)
            self._available = bip.length_of(answer.objects) if data else 0
        except CodecError as err:
            self._end("the link dropped" if self._dropped else str(err))
            return
        self._received(data)
        if self._available:
            self._fetch()
        elif self._dropped:
            self._end("the link dropped")

    def _end(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        log.info("channel: %s", reason)
        if self._closed is None:
            if self._number:
                self._toolkit.ask(functools.partial(_close, channel=self._number))
            self._lost(reason)
        elif self._number:
            self._ask_close()
        else:
            self._closed()

    def _ask_close(self) -> None:
        closed = self._closed

        def answered(_answer: TerminalResponse | None) -> None:
            if closed is not None:
                closed()

        self._toolkit.ask(functools.partial(_close, channel=self._number), answered)


def _send(number: int, *, channel: int, data: bytes) -> bytes:
    return bip.send_data(number, channel, data)


def _receive(number: int, *, channel: int, size: int) -> bytes:
    return bip.receive_data(number, channel, size)


def _close(number: int, *, channel: int) -> bytes:
    return bip.close_channel(number, channel)


def _result(answer: TerminalResponse | None) -> str:
    if answer is None:
        return "the answer of the terminal cannot be read"
    return f"result {answer.result:02X} {answer.additional.hex().upper()}".rstrip()
