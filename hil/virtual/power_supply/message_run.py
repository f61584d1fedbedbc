"""The run of one SCPI message: its units in turn, some of which have to wait."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from hil.virtual.power_supply import lexer
from hil.virtual.power_supply.scpi_errors import ScpiError

if TYPE_CHECKING:
    from hil.virtual.power_supply.instrument import Instrument

_LOG = logging.getLogger(__name__)
_INDEFINITE: Final = ("*IDN", "*OPT")
"""Queries whose reply has no marked end, so that none may follow it (IEEE 488.2, 8.7.11)."""
_WAITING: Final = {(("*OPC",), True), (("*WAI",), False)}
"""What waits until nothing is pending (IEEE 488.2, 10.19 and 10.39)."""


class MessageRun:
    """One message on its way. ``waits``: ``*OPC?`` and ``*WAI`` wait for what is pending.

    Errors go into the queue. After a command error the rest of the message is dropped (IEEE 488.2,
    6.1.6.1.1); after an execution error the next unit runs, and the header path is that of the unit
    that failed.
    """

    def __init__(
        self, instrument: Instrument, line: bytes, *, talker: bool, waits: bool = True
    ) -> None:
        self._instrument = instrument
        self._talker, self._waits = talker, waits
        self._path: tuple[str, ...] = ()
        self._replies: list[str] = []
        self._indefinite = False
        self._units: deque[str] = deque()
        try:
            self._units.extend(lexer.split_units(lexer.decode(line)))
        except ScpiError as err:
            instrument.status.error(err.code)

    @property
    def reply(self) -> str:
        """The replies so far, joined by ``;``."""
        return ";".join(self._replies)

    @property
    def data(self) -> bytes:
        """The reply with its LF, or nothing."""
        return self.reply.encode("ascii") + b"\n" if self._replies else b""

    def advance(self) -> float:
        """Run units up to the end, or to one that has to wait; return how many seconds, or 0."""
        while self._units:
            text = self._units[0]
            if text:
                wait_s = self._advance(text)
                if wait_s > 0:
                    return wait_s
            if self._units:
                self._units.popleft()
        return 0.0

    def _advance(self, text: str) -> float:
        instrument = self._instrument
        try:
            unit = lexer.parse_unit(text)
            if self._waits and (unit.nodes, unit.query) in _WAITING:
                wait_s = instrument.pending_s()
                if wait_s > 0:
                    return wait_s
            if unit.query and self._indefinite and self._talker:
                raise ScpiError(-440)
            found, self._path = instrument.find(unit, self._path)
            reply = instrument.do(unit, found)
        except ScpiError as err:
            _LOG.info("%r: %s", text, err)
            if not instrument.overlooked(err.code):
                instrument.status.error(err.code)
            if not -400 < err.code <= -200:
                self._units.clear()
            return 0.0
        if unit.query:
            self._replies.append(reply)
            self._indefinite = unit.nodes[0] in _INDEFINITE
        return 0.0
