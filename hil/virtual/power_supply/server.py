"""SCPI over raw TCP: one line in, at most one line out, for several clients at once.

What a client sends while its messages wait is left in the socket, as in a small input buffer.

There is no "addressed to talk" on such a line: replies stream out whether anybody reads or not.
"""

from __future__ import annotations

from hil.virtual.power_supply.station import Inbox
from hil.virtual.power_supply.tcp import TcpConnection, TcpTransport

MAX_MESSAGE = 4096
_BUSY = "messages wait"


class ScpiServer(TcpTransport):
    """The LAN socket of one supply."""

    def _connection(self) -> TcpConnection:
        return Connection(self)


class Connection(TcpConnection):
    """One client: its unfinished line, its waiting messages."""

    def __init__(self, owner: TcpTransport) -> None:
        super().__init__(owner)
        self._buffer = bytearray()
        self._overrun = False
        self._inbox = Inbox(owner.station, on_idle=self._idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; commands it has not waited for are not done."""
        super().connection_lost(exc)
        self._inbox.clear()

    def data_received(self, data: bytes) -> None:
        """Collect lines; one that is too long is thrown away up to its end."""
        self._inbox.begin_turn()
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        for line in lines:
            if self._overrun or len(line) > MAX_MESSAGE:
                self._overrun = False
                self.owner.station.supply.overrun()
                continue
            self._inbox.put(bytes(line.removesuffix(b"\r")), self)
        if len(rest) > MAX_MESSAGE:
            self._overrun = True
            self._buffer.clear()
        if self._inbox.busy:
            self.stop_reading(_BUSY)

    def _idle(self) -> None:
        self.go_on_reading(_BUSY)

    def pause_writing(self) -> None:
        """Do nothing more for a client that does not read its replies."""
        super().pause_writing()
        self._inbox.pause()

    def resume_writing(self) -> None:
        """Go on once it has read."""
        super().resume_writing()
        self._inbox.resume()
