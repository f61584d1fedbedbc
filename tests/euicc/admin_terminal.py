"""A terminal for these tests: obeys the bearer independent protocol over real TCP sockets."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hil.wire import bip, cat, terminal_profile, toolkit_events
from hil.wire.apdu import CommandApdu
from hil.wire.bip import BipError, ChannelStatus, OpenChannel
from hil.wire.cat import ProactiveCommand, TerminalResponse
from hil.wire.cat_values import CommandType, Result
from hil.wire.terminal_profile import Facility
from hil.wire.tlv import Tlv
from tests.euicc.terminal import Terminal

PROFILE = terminal_profile.encode_profile(
    terminal_profile.CHANNELS
    | terminal_profile.TIMERS
    | {Facility.SMS_PP_DOWNLOAD, Facility.SEND_SHORT_MESSAGE, Facility.REFRESH},
    channels=1,
)
DEADLINE_S = 60.0


CHANNEL_COMMANDS = {
    CommandType.OPEN_CHANNEL,
    CommandType.SEND_DATA,
    CommandType.RECEIVE_DATA,
    CommandType.CLOSE_CHANNEL,
}


class PowerLossError(Exception):
    """The terminal has lost its power."""


@dataclass
class AdminTerminal:
    """Serves every proactive command of a card; ``performed`` lists their types.

    ``refuse``: types that are answered with "network busy". ``unplug_after``: SEND DATA commands
    before the link is cut, ``lose_arrival``: the arrival from the server that is lost with the
    link, ``stop_after``: SEND DATA before the terminal itself loses its power; None: never.
    """

    terminal: Terminal
    room: int = 1500
    performed: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    timers: list[int] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    refuse: set[int] = field(default_factory=set)
    unplug_after: int | None = None
    stop_after: int | None = None
    lose_arrival: int | None = None
    arrivals: int = 0
    events: set[int] = field(default_factory=set)
    stopped: bool = False
    link: socket.socket | None = None
    inbox: bytearray = field(default_factory=bytearray)
    resets: int = 0

    def greet(self, profile: bytes = PROFILE) -> None:
        self.serve(self.terminal.send(cat.terminal_profile(profile)).sw)

    def serve(self, sw: int) -> None:
        """Fetch and obey for as long as the card wants something."""
        while sw >> 8 == 0x91:
            command = self.terminal.fetch(sw)
            self.performed.append(command.kind)
            answer = self._perform(command)
            sw = self.terminal.send(answer.encode()).sw
            if command.kind == CommandType.REFRESH:
                self.resets += 1

    def run(self) -> None:
        """Carry bytes until the card has closed the channel."""
        seen = self.performed.count(CommandType.CLOSE_CHANNEL)
        self.run_until(lambda: self.performed.count(CommandType.CLOSE_CHANNEL) > seen)

    def run_until(self, reached: Callable[[], object]) -> None:
        """Carry bytes until something is reached, or the terminal loses its power."""
        deadline = time.monotonic() + DEADLINE_S
        while not reached():
            assert time.monotonic() < deadline, self.performed
            try:
                self.step()
            except PowerLossError:
                self.stopped = True

    def step(self) -> None:
        """Wait a moment for bytes of the server and report them."""
        if self.link is None:
            self.serve(self.terminal.send(CommandApdu(0x80, 0xF2, 0, 0x0C)).sw)
            return
        if not select.select([self.link], [], [], 0.05)[0]:
            return
        data = b""
        with contextlib.suppress(OSError):
            data = self.link.recv(self.room)
        self.arrivals += bool(data)
        if data and self.arrivals == self.lose_arrival:
            self.unplug()
        elif data:
            self.inbox += data
            self._report(toolkit_events.data_available(ChannelStatus(1, True), len(data)))
        else:
            self.unplug()

    def unplug(self) -> None:
        """Let the link drop, and say so."""
        if self.link is not None:
            self.link.close()
            self.link = None
        dropped = ChannelStatus(1, False, bip.LINK_DROPPED)
        self._report(toolkit_events.channel_status(dropped))

    def expire(self) -> None:
        """Let the timer that the card started run out."""
        self._report(toolkit_events.timer_expiration(1, self.timers.pop()))

    def close(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None

    def _report(self, envelope: CommandApdu) -> None:
        self.serve(self.terminal.send(envelope).sw)

    def _perform(self, command: ProactiveCommand) -> TerminalResponse:
        details = command.details
        if command.kind in self.refuse or command.kind not in CHANNEL_COMMANDS:
            return TerminalResponse(details, self._perform_other(command))
        rows: tuple[Tlv, ...] = ()
        if command.kind == CommandType.OPEN_CHANNEL:
            opened = OpenChannel.of_objects(command.objects)
            self.close()
            try:
                self.link = socket.create_connection((opened.host, opened.port or 0), DEADLINE_S)
            except OSError:
                return bip.failed(details, BipError.REMOTE_NOT_REACHABLE)
            self.inbox.clear()
            rows = (Tlv(0x38, b"\x81\x00"), Tlv(0x35, b"\x03"), Tlv(0x39, b"\x05\xdc"))
        elif command.kind == CommandType.SEND_DATA:
            if self.link is None:
                return bip.failed(details, BipError.CHANNEL_CLOSED)
            if self.stop_after is not None and len(self.sent) >= self.stop_after:
                raise PowerLossError
            if self.unplug_after is not None and len(self.sent) >= self.unplug_after:
                self.unplug_after = None
                self.link.close()
                self.link = None
                return bip.failed(details, BipError.CHANNEL_CLOSED)
            self.sent.append(bip.data_of(command.objects))
            self.link.sendall(self.sent[-1])
            rows = (Tlv(0x37, b"\xff"),)
        elif command.kind == CommandType.RECEIVE_DATA:
            if self.link is None and not self.inbox:
                return bip.failed(details, BipError.CHANNEL_CLOSED)
            size = bip.length_of(command.objects)
            data = bytes(self.inbox[:size])
            del self.inbox[:size]
            rows = (Tlv(0x36, data), Tlv(0x37, bytes((min(len(self.inbox), 255),))))
        elif command.kind == CommandType.CLOSE_CHANNEL:
            self.close()
        return TerminalResponse(details, Result.DONE, objects=rows)

    def _perform_other(self, command: ProactiveCommand) -> Result:
        if command.kind in self.refuse:
            return Result.NETWORK_BUSY
        if command.kind == CommandType.SET_UP_EVENT_LIST:
            wanted = cat.require_object(command.objects, bip.EVENT_LIST, "event list")
            if not set(wanted) <= {0x09, 0x0A}:
                return Result.BEYOND_CAPABILITIES
            self.events = set(wanted)
        elif command.kind == CommandType.TIMER_MANAGEMENT:
            value = cat.require_object(command.objects, bip.TIMER_VALUE, "timer")
            self.timers.append(bip.decode_time(value))
        elif command.kind == CommandType.SEND_SHORT_MESSAGE:
            self.messages.append(command.tpdu)
        return Result.DONE
