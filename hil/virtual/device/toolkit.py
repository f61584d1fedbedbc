"""The terminal's side of the card application toolkit: fetches, obeys, answers (TS 102 223).

The eSIM is not held while a command is carried out: a short message may take its time. REFRESH is
answered first and obeyed then, by a reset of the card, whatever its qualifier: that is right for
the UICC reset after a profile change, and never less than the other qualifiers ask for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from hil.errors import CodecError
from hil.virtual.device import channels as bip_channels
from hil.virtual.device.card_timers import CardTimers
from hil.virtual.device.channels import Channels
from hil.virtual.device.config import ChannelConfig
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.wire import bip, cat, terminal_profile
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.cat import ProactiveCommand, TerminalResponse
from hil.wire.cat_values import CommandType, Result
from hil.wire.identifiers import encode_imei
from hil.wire.terminal_profile import Facility
from hil.wire.tlv import Tlv
from hil.wire.toolkit_events import Event

_log = logging.getLogger(__name__)
_STATUS: Final = CommandApdu(0x80, 0xF2, 0x00, 0x0C)
_MOST_COMMANDS: Final = 2000
_LOCATION: Final = 0x00
_NO_CAUSE: Final = b"\x00"
_EVENTS: Final = frozenset({Event.DATA_AVAILABLE, Event.CHANNEL_STATUS})
_FACILITIES: Final = (
    terminal_profile.CHANNELS
    | terminal_profile.TIMERS
    | {
        Facility.PROFILE_DOWNLOAD,
        Facility.SMS_PP_DOWNLOAD,
        Facility.COMMAND_RESULT,
        Facility.MORE_TIME,
        Facility.POLL_INTERVAL,
        Facility.REFRESH,
        Facility.SEND_SHORT_MESSAGE,
        Facility.LOCAL_INFORMATION,
        Facility.TIMER_VALUE,
        Facility.GET_CHANNEL_STATUS,
        Facility.PACKET_BEARER,
    }
)
"""What this terminal does; it claims nothing else. Of local information it tells its IMEI; for the
cell there is no bit of its own, and no cell."""

Submit = Callable[[bytes], Awaitable[bool]]


class Toolkit:
    """Serves proactive commands of one eSIM.

    ``allowed`` says whether the mode lets the card reach the network by itself; ``refused`` keeps
    the reason of a refusal. ``imei``: 15 digits, empty for a terminal that has not got one.
    """

    def __init__(
        self,
        esim: Esim,
        *,
        submit: Submit,
        channels: ChannelConfig,
        imei: str,
        allowed: Callable[[], bool],
        refused: Callable[[str], None],
    ) -> None:
        self._esim = esim
        self._submit = submit
        self._imei = imei
        self._lock = asyncio.Lock()
        self._resets = esim.resets
        self._reports: set[asyncio.Task[None]] = set()
        self._profile = terminal_profile.encode_profile(_FACILITIES, channels=channels.channels)
        self._channels = Channels(
            channels, allowed=allowed, report=self._report_soon, refused=refused
        )
        self._timers = CardTimers(report=self._report_soon)

    @property
    def busy(self) -> bool:
        """Whether a proactive command is being carried out."""
        return self._lock.locked()

    def close(self) -> None:
        """Let go of channels and timers; may be called again."""
        self._begin_anew()
        for task in self._reports:
            task.cancel()

    async def introduce(self) -> None:
        """Send TERMINAL PROFILE: only after it the card may have wishes."""
        self._esim.greeting = cat.terminal_profile(self._profile)
        async with self._esim.burst():
            response = await self._esim.exchange(cat.terminal_profile(self._profile))
        await self.serve(response)

    async def poll(self) -> None:
        """Ask by STATUS whether a command waits."""
        await self._tell(_STATUS)

    async def serve(self, response: ResponseApdu) -> None:
        """Fetch and carry out commands for as long as the card announces one by 91xx."""
        async with self._lock:
            await self._serve(response)

    async def serve_quietly(self, response: ResponseApdu) -> None:
        """Serve, and log what goes wrong: nobody waits for the outcome."""
        try:
            await self.serve(response)
        except (EsimError, CodecError) as err:
            _log.warning("proactive command: %s", err)

    def _report_soon(self, envelope: CommandApdu) -> None:
        task = asyncio.create_task(self._report(envelope))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _report(self, envelope: CommandApdu) -> None:
        try:
            await self._tell(envelope)
        except (EsimError, CodecError) as err:
            _log.warning("event for the eSIM: %s", err)

    async def _tell(self, command: CommandApdu) -> None:
        """Send a command, once no proactive command is being carried out, and serve the card."""
        async with self._lock:
            async with self._esim.burst():
                response = await self._esim.exchange(command)
            await self._serve(response)

    async def _serve(self, response: ResponseApdu) -> None:
        for _ in range(_MOST_COMMANDS):
            if self._resets != self._esim.resets:
                self._begin_anew()
            if response.sw1 != 0x91:
                return
            response = await self._one(response.sw2)
        _log.warning("the eSIM wants more than %d commands in a row; leaving it", _MOST_COMMANDS)

    async def _one(self, length: int) -> ResponseApdu:
        async with self._esim.burst():
            fetched = await self._esim.exchange(cat.fetch(length))
        if fetched.sw != 0x9000:
            return ResponseApdu(b"", 0x9000)
        command = ProactiveCommand.decode(fetched.data)
        answer = await self._perform(command)
        async with self._esim.burst():
            response = await self._esim.exchange(answer.encode())
            if command.kind != CommandType.REFRESH:
                return response
            await self._esim.reset()
            self._begin_anew()
            return await self._esim.exchange(cat.terminal_profile(self._profile))

    def _begin_anew(self) -> None:
        """Drop what belongs to a card that has lost its state."""
        self._resets = self._esim.resets
        self._channels.close_all()
        self._timers.stop_all()

    async def _perform(self, command: ProactiveCommand) -> TerminalResponse:
        kind = command.kind
        if kind in bip_channels.KINDS:
            return await self._channels.perform(command)
        if kind == CommandType.TIMER_MANAGEMENT:
            return self._timers.perform(command)
        if kind == CommandType.SET_UP_EVENT_LIST:
            return self._set_up_events(command)
        if kind == CommandType.PROVIDE_LOCAL_INFORMATION:
            return self._tell_about_itself(command)
        result = Result.BEYOND_CAPABILITIES
        if kind == CommandType.SEND_SHORT_MESSAGE:
            result = Result.DONE if await self._submit(command.tpdu) else Result.NETWORK_BUSY
        elif kind in (CommandType.REFRESH, CommandType.MORE_TIME, CommandType.POLL_INTERVAL):
            result = Result.DONE
        return TerminalResponse(command.details, result)

    def _set_up_events(self, command: ProactiveCommand) -> TerminalResponse:
        wanted = frozenset(cat.find_object(command.objects, bip.EVENT_LIST) or b"")
        if not wanted <= _EVENTS:
            return TerminalResponse(command.details, Result.BEYOND_CAPABILITIES)
        self._channels.events = wanted
        return TerminalResponse(command.details, Result.DONE)

    def _tell_about_itself(self, command: ProactiveCommand) -> TerminalResponse:
        """Answer PROVIDE LOCAL INFORMATION (TS 102 223, 6.4.15)."""
        details = command.details
        if details.qualifier == cat.IMEI_OF_TERMINAL and self._imei:
            objects = (Tlv(cat.IMEI, encode_imei(self._imei)),)
            return TerminalResponse(details, Result.DONE, objects=objects)
        if details.qualifier in (_LOCATION, cat.IMEI_OF_TERMINAL):
            return TerminalResponse(details, Result.TERMINAL_BUSY, _NO_CAUSE)
        return TerminalResponse(details, Result.BEYOND_CAPABILITIES)
