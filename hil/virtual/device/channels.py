"""Channels that the card opens over this device: real TCP connections (ETSI TS 102 223, BIP).

Only in second mode, and only to addresses that the configuration allows. What arrives waits in a
buffer of limited size until the card fetches it; beyond that the connection itself is held back. A
link that has dropped is reported once its last bytes are fetched.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.config import ChannelConfig
from hil.wire import bip, toolkit_events
from hil.wire.apdu import CommandApdu
from hil.wire.bip import BipError, ChannelStatus, OpenChannel
from hil.wire.cat import CommandDetails, ProactiveCommand, TerminalResponse
from hil.wire.cat_values import CommandType, Result
from hil.wire.tlv import Tlv
from hil.wire.toolkit_events import Event

_log = logging.getLogger(__name__)
KINDS: Final = frozenset(
    {
        CommandType.OPEN_CHANNEL,
        CommandType.CLOSE_CHANNEL,
        CommandType.SEND_DATA,
        CommandType.RECEIVE_DATA,
        CommandType.GET_CHANNEL_STATUS,
    }
)
_BARE: Final = 0x7F
"""Objects of a terminal response go without the comprehension bit."""


class _Channel:
    """One connection with its buffers."""

    def __init__(
        self,
        number: int,
        room: int,
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        config: ChannelConfig,
        arrived: Callable[[_Channel], None],
    ) -> None:
        self.number = number
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.standing = True
        self.told = False
        self._room = room
        self._reader, self._writer = link
        self._config = config
        self._arrived = arrived
        self._fetched = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    @property
    def status(self) -> ChannelStatus:
        """Whether the link stands, as the card sees it: it does while bytes wait."""
        if self.standing or self.inbox:
            return ChannelStatus(self.number, established=True)
        return ChannelStatus(self.number, established=False, information=bip.LINK_DROPPED)

    def fetch(self, size: int) -> bytes:
        """Return at most ``size`` of the bytes that wait."""
        data = bytes(self.inbox[:size])
        del self.inbox[:size]
        self._fetched.set()
        return data

    async def send(self, data: bytes) -> None:
        """Send bytes; OSError or TimeoutError when the link does not take them."""
        self._writer.write(data)
        async with asyncio.timeout(self._config.connect_s):
            await self._writer.drain()

    def close(self) -> None:
        """Let go of the link."""
        self.standing = False
        self.told = True
        self._task.cancel()
        self._writer.close()

    async def _read(self) -> None:
        try:
            while True:
                while len(self.inbox) >= self._room:
                    self._fetched.clear()
                    await self._fetched.wait()
                async with asyncio.timeout(self._config.idle_s):
                    data = await self._reader.read(self._room - len(self.inbox))
                if not data:
                    break
                first = not self.inbox
                self.inbox += data
                if first:
                    self._arrived(self)
        except (OSError, TimeoutError) as err:
            _log.info("channel %d: %s", self.number, str(err) or "silent for too long")
        self.standing = False
        self._arrived(self)


class Channels:
    """All channels of one device. ``report`` hands an ENVELOPE to the card, soon.

    ``allowed`` says whether the mode lets the card reach the network, ``refused`` keeps a reason.
    """

    def __init__(
        self,
        config: ChannelConfig,
        *,
        allowed: Callable[[], bool],
        report: Callable[[CommandApdu], None],
        refused: Callable[[str], None],
    ) -> None:
        self._config = config
        self._allowed = allowed
        self._report = report
        self._refused = refused
        self._open: dict[int, _Channel] = {}
        self.events: frozenset[int] = frozenset()

    async def perform(self, command: ProactiveCommand) -> TerminalResponse:
        """Carry out one command of :data:`KINDS`."""
        details = command.details
        try:
            if command.kind == CommandType.OPEN_CHANNEL:
                return await self._open_channel(details, OpenChannel.of_objects(command.objects))
            if command.kind == CommandType.GET_CHANNEL_STATUS:
                rows = tuple(_status(one) for one in self._open.values())
                return TerminalResponse(details, Result.DONE, objects=rows)
            return await self._with_channel(command)
        except CodecError as err:
            _log.warning("channel: %s", err)
            return TerminalResponse(details, Result.DATA_NOT_UNDERSTOOD)

    def close_all(self) -> None:
        """Let go of every link: the card, or the device, begins anew."""
        for one in self._open.values():
            one.close()
        self._open.clear()
        self.events = frozenset()

    async def _open_channel(self, details: CommandDetails, asked: OpenChannel) -> TerminalResponse:
        refusal = self._refusal(details, asked)
        if refusal is not None:
            return refusal
        number = next((n for n in range(1, self._config.channels + 1) if n not in self._open), 0)
        if not number:
            return bip.failed(details, BipError.NO_CHANNEL_AVAILABLE)
        try:
            async with asyncio.timeout(self._config.connect_s):
                link = await asyncio.open_connection(asked.host, asked.port)
        except (OSError, TimeoutError) as err:
            _log.info("no link to %s port %s: %s", asked.host, asked.port, err)
            return bip.failed(details, BipError.REMOTE_NOT_REACHABLE)
        wanted = asked.buffer_size or self._config.buffer
        room = min(wanted, self._config.buffer)
        channel = _Channel(number, room, link, self._config, self._arrived)
        self._open[number] = channel
        rows = (
            _status(channel),
            Tlv(bip.BEARER & _BARE, asked.bearer or bip.DEFAULT_BEARER),
            Tlv(bip.BUFFER_SIZE & _BARE, room.to_bytes(2, "big")),
        )
        result = Result.DONE if room == wanted else Result.DONE_MODIFIED
        return TerminalResponse(details, result, objects=rows)

    def _refusal(self, details: CommandDetails, asked: OpenChannel) -> TerminalResponse | None:
        """Return the answer to a channel that may not be opened, ``None`` if it may."""
        if not self._allowed():
            self._refused("channel of the eSIM refused: not in second mode")
            return TerminalResponse(details, Result.TERMINAL_BUSY, b"\x00")
        if asked.protocol != bip.TCP_CLIENT:
            return bip.failed(details, BipError.TRANSPORT_NOT_AVAILABLE)
        if asked.address is None or not asked.port:
            return TerminalResponse(details, Result.VALUES_MISSING)
        address = ipaddress.ip_address(asked.address)
        if not any(address in network for network in self._config.allow):
            self._refused(f"channel of the eSIM to {address} refused: not in the allow list")
            return bip.failed(details, BipError.SECURITY)
        return None

    async def _with_channel(self, command: ProactiveCommand) -> TerminalResponse:
        details = command.details
        channel = self._open.get(bip.channel_of(command))
        if channel is None:
            return bip.failed(details, BipError.CHANNEL_INVALID)
        if command.kind == CommandType.CLOSE_CHANNEL:
            channel.close()
            del self._open[channel.number]
            return TerminalResponse(details, Result.DONE)
        if not self._allowed():
            self._refused("channel of the eSIM closed: no longer in second mode")
            channel.close()
            del self._open[channel.number]
            return bip.failed(details, BipError.CHANNEL_CLOSED)
        if command.kind == CommandType.SEND_DATA:
            return await self._send(command, channel)
        return self._receive(command, channel)

    async def _send(self, command: ProactiveCommand, channel: _Channel) -> TerminalResponse:
        details = command.details
        if not channel.standing:
            return bip.failed(details, BipError.CHANNEL_CLOSED)
        data = bip.data_of(command.objects)
        if len(channel.outbox) + len(data) > self._config.buffer:
            return bip.failed(details, BipError.BUFFER_SIZE_NOT_AVAILABLE)
        channel.outbox += data
        if details.qualifier & 0x01:
            whole = bytes(channel.outbox)
            channel.outbox.clear()
            try:
                await channel.send(whole)
            except (OSError, TimeoutError) as err:
                _log.info("channel %d: %s", channel.number, err)
                channel.standing = False
                return bip.failed(details, BipError.CHANNEL_CLOSED)
        left = self._config.buffer - len(channel.outbox)
        return TerminalResponse(details, Result.DONE, objects=(_length(left),))

    def _receive(self, command: ProactiveCommand, channel: _Channel) -> TerminalResponse:
        details = command.details
        wanted = bip.length_of(command.objects)
        if not channel.inbox and not channel.standing:
            return bip.failed(details, BipError.CHANNEL_CLOSED)
        data = channel.fetch(min(wanted, bip.MAX_DATA))
        if not channel.inbox and not channel.standing:
            self._tell_end(channel)
        # Fewer bytes than were asked for are a partial success (TS 102 223, 6.8.21 and 8.12).
        result = Result.DONE if data else Result.DONE_PARTIALLY
        rows = (Tlv(bip.CHANNEL_DATA & _BARE, data), _length(len(channel.inbox)))
        return TerminalResponse(details, result, objects=rows)

    def _arrived(self, channel: _Channel) -> None:
        """Tell the card of the first bytes in an empty buffer, or of the end of the link."""
        if self._open.get(channel.number) is not channel:
            return
        if channel.inbox:
            if channel.standing and Event.DATA_AVAILABLE in self.events:
                waiting = len(channel.inbox)
                self._report(toolkit_events.data_available(channel.status, waiting))
        elif not channel.standing:
            self._tell_end(channel)

    def _tell_end(self, channel: _Channel) -> None:
        if not channel.told and Event.CHANNEL_STATUS in self.events:
            channel.told = True
            self._report(toolkit_events.channel_status(channel.status))


def _status(channel: _Channel) -> Tlv:
    return Tlv(bip.CHANNEL_STATUS & _BARE, channel.status.value())


def _length(size: int) -> Tlv:
    return Tlv(bip.CHANNEL_DATA_LENGTH & _BARE, bytes((min(size, bip.MORE_THAN_255),)))
