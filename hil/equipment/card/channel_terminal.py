"""A terminal that opens channels for the card, without a network (ETSI TS 102 223, BIP).

The other end of a channel is an object of this process: what the card sends goes there at once, and
what it answers waits for RECEIVE DATA. So nothing depends on time: a timer that the card starts
runs out when the test says so. Works on any card.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from hil.equipment.card.errors import ProcedureError
from hil.errors import CodecError
from hil.wire import bip, cat, terminal_profile, toolkit_events
from hil.wire.apdu import CommandApdu
from hil.wire.bip import BipError, ChannelStatus, OpenChannel
from hil.wire.cat import ProactiveCommand, TerminalResponse
from hil.wire.cat_values import CommandType, Result
from hil.wire.terminal_profile import Facility
from hil.wire.tlv import Tlv
from hil.wire.toolkit_events import Event

if TYPE_CHECKING:
    from hil.equipment.card.card import Card
    from hil.wire.apdu import ResponseApdu

_OTHERS: Final = frozenset(
    {
        Facility.PROFILE_DOWNLOAD,
        Facility.SMS_PP_DOWNLOAD,
        Facility.COMMAND_RESULT,
        Facility.MORE_TIME,
        Facility.POLL_INTERVAL,
        Facility.REFRESH,
        Facility.SEND_SHORT_MESSAGE,
        Facility.LOCAL_INFORMATION,
    }
)
PLAIN_PROFILE: Final = terminal_profile.encode_profile(_OTHERS | terminal_profile.TIMERS)
"""Terminal profile without channels."""

PROFILE: Final = terminal_profile.encode_profile(
    _OTHERS
    | terminal_profile.TIMERS
    | terminal_profile.CHANNELS
    | {Facility.TIMER_VALUE, Facility.GET_CHANNEL_STATUS, Facility.PACKET_BEARER},
    channels=1,
)
"""The same with one TCP channel."""

_STATUS: Final = CommandApdu(0x80, 0xF2, 0x00, 0x0C)
_BARE: Final = 0x7F
"""Objects of a terminal response go without the comprehension bit."""
_CHANNEL: Final = 1
_BUFFER: Final = 1500
_MOST: Final = 4096
_POLL_S: Final = 0.02
_STOP_TIMER, _READ_TIMER = 1, 2


class Link(Protocol):
    """The other end of a channel. ``hung_up``: it has ended the connection."""

    hung_up: bool

    def receive(self, data: bytes) -> None:
        """Take what the card has sent."""

    def outgoing(self) -> bytes:
        """Return what goes back to the card, once."""


@dataclass(slots=True)
class _Channel:
    link: Link
    inbox: bytearray
    told: bool = False
    """The card was told that the link has dropped."""


class ChannelTerminal:
    """Serves the proactive commands of one card. ``connect`` gives the other end of a channel.

    ``served``: the commands, in order; ``opened``: what OPEN CHANNEL asked for; ``sent``: the
    channel data of each SEND DATA; ``messages``: TPDUs of SEND SHORT MESSAGE; ``timers``: seconds
    of those that run. ``refuse``: types of commands answered "network busy"; ``piece``: most bytes
    that one RECEIVE DATA brings.
    """

    def __init__(self, card: Card, connect: Callable[[], Link | None]) -> None:
        self.card = card
        self.piece = bip.MAX_DATA
        self.refuse: frozenset[int] = frozenset()
        self.refreshed = False
        self.timers: dict[int, int] = {}
        self._connect = connect
        self._channel: _Channel | None = None
        self._events: frozenset[int] = frozenset()
        self.forget()

    @property
    def channel_open(self) -> bool:
        """Whether a channel is open, with its link or without."""
        return self._channel is not None

    def forget(self) -> None:
        """Begin the lists of what was served anew."""
        self.served: list[ProactiveCommand] = []
        self.opened: list[OpenChannel] = []
        self.sent: list[bytes] = []
        self.messages: list[bytes] = []

    def count(self, kind: int) -> int:
        """Return how often a type of command was served."""
        return sum(one.kind == kind for one in self.served)

    def start(self, profile: bytes = PROFILE) -> None:
        """Reset the card and begin as a terminal does; channels and timers are lost."""
        self._channel = None
        self._events = frozenset()
        self.timers.clear()
        self.refreshed = False
        self.card.reset()
        self.send(cat.terminal_profile(profile))

    def send(self, command: CommandApdu) -> ResponseApdu:
        """Send a command, and serve the card for as long as there is something to do."""
        answer = self.card.send(command)
        self._serve(answer)
        return answer

    def poll(self) -> None:
        """Ask the card whether it has something to do (STATUS)."""
        self.send(_STATUS)

    def run(self, reached: Callable[[], bool], *, timeout_s: float) -> bool:
        """Poll the card until something is reached; False when time is over."""
        deadline = time.monotonic() + timeout_s
        while not reached():
            self.poll()
            if reached():
                break
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def stir(self) -> None:
        """Tell the card what has come on its channel since, and serve it."""
        self._serve(None)

    def expire(self) -> tuple[int, ...]:
        """Let the timers that run end, whatever their seconds; return these."""
        ended = tuple(self.timers.values())
        for timer, seconds in tuple(self.timers.items()):
            if self.timers.pop(timer, None) is not None:
                self.send(toolkit_events.timer_expiration(timer, seconds))
        return ended

    def drop(self) -> None:
        """Let the link of the channel drop, with what has not been fetched, and say so."""
        if self._channel is not None:
            self._channel.link.hung_up = True
            self._channel.inbox.clear()
            self.stir()

    def _serve(self, answer: ResponseApdu | None) -> None:
        for _ in range(_MOST):
            if answer is not None and answer.sw1 == 0x91:
                fetched = self.card.expect(cat.fetch(answer.sw2))
                command = ProactiveCommand.decode(fetched.data)
                self.served.append(command)
                answer = self.card.send(self._perform(command).encode())
                continue
            event = self._due()
            if event is None:
                return
            answer = self.card.send(event)
        raise ProcedureError(f"{self.card.name}: more than {_MOST} proactive commands in a row")

    def _due(self) -> CommandApdu | None:
        """Return what the card is to be told of its channel next."""
        channel = self._channel
        if channel is None:
            return None
        empty = not channel.inbox
        channel.inbox += channel.link.outgoing()
        if channel.inbox:
            # One that has fetched less than there is, is told again when more has come.
            if not empty or Event.DATA_AVAILABLE not in self._events:
                return None
            status = ChannelStatus(_CHANNEL, established=True)
            return toolkit_events.data_available(status, len(channel.inbox))
        if channel.link.hung_up and not channel.told and Event.CHANNEL_STATUS in self._events:
            channel.told = True
            status = ChannelStatus(_CHANNEL, established=False, information=bip.LINK_DROPPED)
            return toolkit_events.channel_status(status)
        return None

    def _perform(self, command: ProactiveCommand) -> TerminalResponse:
        details = command.details
        if command.kind in self.refuse:
            return TerminalResponse(details, Result.NETWORK_BUSY)
        try:
            if command.kind == CommandType.OPEN_CHANNEL:
                return self._open(command)
            if command.kind == CommandType.GET_CHANNEL_STATUS:
                rows = (self._status(),) if self._channel else ()
                return TerminalResponse(details, Result.DONE, objects=rows)
            if command.kind in _OF_CHANNELS:
                return self._with_channel(command)
            return TerminalResponse(details, Result.DONE, objects=self._other(command))
        except CodecError:
            return TerminalResponse(details, Result.DATA_NOT_UNDERSTOOD)

    def _open(self, command: ProactiveCommand) -> TerminalResponse:
        asked = OpenChannel.of_objects(command.objects)
        self.opened.append(asked)
        if self._channel is not None:
            return bip.failed(command.details, BipError.NO_CHANNEL_AVAILABLE)
        link = self._connect()
        if link is None:
            return bip.failed(command.details, BipError.REMOTE_NOT_REACHABLE)
        self._channel = _Channel(link, bytearray())
        wanted = asked.buffer_size or _BUFFER
        room = min(wanted, _BUFFER)
        rows = (
            self._status(),
            Tlv(bip.BEARER & _BARE, asked.bearer or bip.DEFAULT_BEARER),
            Tlv(bip.BUFFER_SIZE & _BARE, room.to_bytes(2, "big")),
        )
        result = Result.DONE if room == wanted else Result.DONE_MODIFIED
        return TerminalResponse(command.details, result, objects=rows)

    def _with_channel(self, command: ProactiveCommand) -> TerminalResponse:
        details, channel = command.details, self._channel
        if bip.channel_of(command) != _CHANNEL or channel is None:
            return bip.failed(details, BipError.CHANNEL_INVALID)
        if command.kind == CommandType.CLOSE_CHANNEL:
            self._channel = None
            return TerminalResponse(details, Result.DONE)
        if command.kind == CommandType.SEND_DATA:
            if channel.link.hung_up:
                return bip.failed(details, BipError.CHANNEL_CLOSED)
            self.sent.append(bip.data_of(command.objects))
            channel.link.receive(self.sent[-1])
            return TerminalResponse(details, Result.DONE, objects=(_length(_BUFFER),))
        wanted = bip.length_of(command.objects)
        # A card may ask without having been told.
        channel.inbox += channel.link.outgoing()
        if channel.link.hung_up and not channel.inbox:
            return bip.failed(details, BipError.CHANNEL_CLOSED)
        data = bytes(channel.inbox[: min(wanted, self.piece)])
        del channel.inbox[: len(data)]
        result = Result.DONE if data else Result.DONE_PARTIALLY
        rows = (Tlv(bip.CHANNEL_DATA & _BARE, data), _length(len(channel.inbox)))
        return TerminalResponse(details, result, objects=rows)

    def _other(self, command: ProactiveCommand) -> tuple[Tlv, ...]:
        """Obey what needs no channel; return the objects of the answer."""
        if command.kind == CommandType.SET_UP_EVENT_LIST:
            wanted = cat.require_object(command.objects, bip.EVENT_LIST, "event list")
            self._events = frozenset(wanted)
        elif command.kind == CommandType.SEND_SHORT_MESSAGE:
            self.messages.append(command.tpdu)
        elif command.kind == CommandType.REFRESH:
            self.refreshed = True
        elif command.kind == CommandType.TIMER_MANAGEMENT:
            return self._timer(command)
        return ()

    def _timer(self, command: ProactiveCommand) -> tuple[Tlv, ...]:
        identifier = cat.require_object(command.objects, bip.TIMER_IDENTIFIER, "timer")
        timer = identifier[0] if identifier else 0
        action = command.details.qualifier
        if action not in (_STOP_TIMER, _READ_TIMER):
            value = cat.require_object(command.objects, bip.TIMER_VALUE, "timer")
            self.timers[timer] = bip.decode_time(value)
            return ()
        left = self.timers.get(timer, 0)
        if action == _STOP_TIMER:
            self.timers.pop(timer, None)
        return (
            Tlv(bip.TIMER_IDENTIFIER & _BARE, identifier),
            Tlv(bip.TIMER_VALUE & _BARE, bip.encode_time(left)),
        )

    def _status(self) -> Tlv:
        status = ChannelStatus(_CHANNEL, established=True)
        return Tlv(bip.CHANNEL_STATUS & _BARE, status.value())


_OF_CHANNELS: Final = frozenset(
    {CommandType.SEND_DATA, CommandType.RECEIVE_DATA, CommandType.CLOSE_CHANNEL}
)


def _length(size: int) -> Tlv:
    return Tlv(bip.CHANNEL_DATA_LENGTH & _BARE, bytes((min(size, bip.MORE_THAN_255),)))
