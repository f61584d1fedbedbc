"""Timers that the card starts (ETSI TS 102 223, TIMER MANAGEMENT): eight of them, in seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from hil.errors import CodecError
from hil.wire import bip, cat, toolkit_events
from hil.wire.apdu import CommandApdu
from hil.wire.cat import ProactiveCommand, TerminalResponse
from hil.wire.cat_values import Result
from hil.wire.tlv import Tlv

_START, _STOP, _READ = 0, 1, 2
_TIMERS: Final = range(1, 9)
_BARE: Final = 0x7F


class CardTimers:
    """``report`` hands an ENVELOPE to the card, soon."""

    def __init__(self, *, report: Callable[[CommandApdu], None]) -> None:
        self._report = report
        self._running: dict[int, tuple[asyncio.TimerHandle, float]] = {}

    def perform(self, command: ProactiveCommand) -> TerminalResponse:
        """Carry out TIMER MANAGEMENT."""
        details = command.details
        try:
            raw = cat.require_object(command.objects, bip.TIMER_IDENTIFIER, "TIMER MANAGEMENT")
            if len(raw) != 1 or raw[0] not in _TIMERS or details.qualifier & 0x03 > _READ:
                raise CodecError(f"no timer {raw.hex()}")
            timer, action = raw[0], details.qualifier & 0x03
            if action == _START:
                value = cat.require_object(command.objects, bip.TIMER_VALUE, "TIMER MANAGEMENT")
                self._start(timer, bip.decode_time(value))
                return TerminalResponse(details, Result.DONE, objects=(_identifier(timer),))
        except CodecError:
            return TerminalResponse(details, Result.DATA_NOT_UNDERSTOOD)
        if timer not in self._running:
            return TerminalResponse(details, Result.CONTRADICTS_TIMER)
        handle, ends = self._running[timer]
        left = max(0, round(ends - time.monotonic()))
        if action == _STOP:
            handle.cancel()
            del self._running[timer]
        rows = (_identifier(timer), Tlv(bip.TIMER_VALUE & _BARE, bip.encode_time(left)))
        return TerminalResponse(details, Result.DONE, objects=rows)

    def stop_all(self) -> None:
        """Stop every timer: the card, or the device, begins anew."""
        for handle, _ in self._running.values():
            handle.cancel()
        self._running.clear()

    def _start(self, timer: int, seconds: int) -> None:
        if timer in self._running:
            self._running.pop(timer)[0].cancel()
        loop = asyncio.get_running_loop()
        handle = loop.call_later(seconds, self._expired, timer, seconds)
        self._running[timer] = (handle, time.monotonic() + seconds)

    def _expired(self, timer: int, seconds: int) -> None:
        del self._running[timer]
        self._report(toolkit_events.timer_expiration(timer, seconds))


def _identifier(timer: int) -> Tlv:
    return Tlv(bip.TIMER_IDENTIFIER & _BARE, bytes((timer,)))
