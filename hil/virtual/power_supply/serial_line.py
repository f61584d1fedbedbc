"""A supply on a serial line: a pseudo terminal whose far end any serial client opens.

There is no terminator. The end of a message is the silence after it; whether two messages without
a rest between them are told apart is the model's affair. With ``baud`` the bytes take their time in
both directions (8N1: ten bits a byte).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from typing import Final

from hil.virtual.power_supply.station import Inbox, Station

SILENCE_S: Final = 0.003
"""About three bytes at 9600 baud; how long real firmware waits is not documented."""
MAX_MESSAGE: Final = 64
_BITS_A_BYTE: Final = 10


class SerialLine:
    """The line of one supply. Make it inside a running loop; it has one client or none."""

    def __init__(
        self, station: Station, *, baud: int | None = None, silence_s: float = SILENCE_S
    ) -> None:
        self._byte_s = _BITS_A_BYTE / baud if baud else 0.0
        self._silence_s = silence_s
        self._station = station
        self._inbox = Inbox(station)
        self._buffer = bytearray()
        self._quiet: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.TimerHandle] = set()
        self._free_at = 0.0
        self._deaf = False
        self._loop = asyncio.get_running_loop()
        self._near, self._far = os.openpty()
        for end in (self._near, self._far):
            tty.setraw(end)
        os.set_blocking(self._near, False)
        # The far end stays open here: without any holder a pseudo terminal reads as broken.
        self.port = os.ttyname(self._far)
        self._loop.add_reader(self._near, self._readable)
        station.transports.append(self)
        station.faults.connected(self)

    @property
    def resource(self) -> str:
        """The name of the line as PyVISA wants it."""
        return f"ASRL{self.port}::INSTR"

    @property
    def clients(self) -> int:
        """A line cannot tell whether anybody is there."""
        return 0

    def drop_all(self) -> None:
        """Forget what was half received and half sent, as a reboot does."""
        self._buffer.clear()
        self._inbox.clear()
        for handle in self._sending:
            handle.cancel()
        self._sending.clear()

    def refuse(self) -> None:
        """Heed nothing."""
        self.drop_all()
        self._deaf = True

    async def accept(self) -> None:
        """Heed what comes from now on."""
        self._deaf = False

    def close(self) -> None:
        """Take the line away."""
        self.drop_all()
        if self._quiet is not None:
            self._quiet.cancel()
        self._loop.remove_reader(self._near)
        os.close(self._near)
        os.close(self._far)

    def send(self, data: bytes) -> None:
        """Put bytes on the line, in the time that they take."""
        if not self._byte_s:
            self._put(data)
            return
        now = self._loop.time()
        for value in data:
            self._free_at = max(self._free_at, now) + self._byte_s
            handle = self._loop.call_at(self._free_at, self._put, bytes([value]))
            self._sending.add(handle)
        self._sending = {handle for handle in self._sending if handle.when() >= now}

    def hang_up(self) -> None:
        """Pull the plug: heed nothing any more."""
        self.refuse()

    def half_close(self) -> None:
        """Say nothing more; on a serial line that is the same."""
        self.refuse()

    def abort(self) -> None:
        """Pull the plug."""
        self.refuse()

    def hold(self, seconds: float | None) -> None:
        """Heed nothing for a while, or never again."""
        self._deaf = True
        if seconds is not None:
            self._loop.call_later(seconds, setattr, self, "_deaf", False)

    def _put(self, data: bytes) -> None:
        # Nobody reads and the buffer is full: on a wire the bytes would be gone as well.
        with contextlib.suppress(BlockingIOError):
            os.write(self._near, data)

    def _readable(self) -> None:
        try:
            data = os.read(self._near, 4096)
        except BlockingIOError:
            return
        if self._deaf:
            return
        self._buffer += data
        if self._quiet is not None:
            self._quiet.cancel()
        wait_s = self._silence_s + len(data) * self._byte_s
        self._quiet = self._loop.call_later(wait_s, self._message)

    def _message(self) -> None:
        self._quiet = None
        message = bytes(self._buffer)
        self._buffer.clear()
        if len(message) > MAX_MESSAGE:
            self._station.supply.overrun()
            return
        self._inbox.begin_turn()
        # A terminator that a client adds is no part of any command.
        for part in message.replace(b"\r", b"\n").split(b"\n"):
            for one in self._station.supply.split(part):
                if one:
                    self._inbox.put(one, self)
