"""Messages on an open resource, each step with a deadline: over its socket, or through VISA.

Deadlines are :func:`time.monotonic` seconds.
"""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Protocol

from hil.equipment.power_supply.dialect import Framing
from hil.errors import LinkError, LinkTimeoutError, ProtocolError

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource, SerialInstrument

_MAX_REPLY = 65_536
_CHUNK = 4096


class Wire(Protocol):
    """Sends one message, receives one reply."""

    def send(self, message: bytes, deadline: float) -> None:
        """Send a message, terminator included."""

    def receive(self, deadline: float, length: int | None = None) -> bytes:
        """Return one reply without its terminator.

        Where the framing has none, a reply is ``length`` bytes, or ends with a silence.
        """

    def close(self) -> None:
        """Let go of the resource."""


class SocketWire:
    """The socket under a pyvisa-py SOCKET resource, driven directly.

    pyvisa-py's own read burns a whole core on a closed peer and takes it for a timeout; its own
    write waits for ever for a peer that does not read. Here both end at once or at the deadline,
    and bytes that nobody asked for are seen before the next query could take them for its reply.
    """

    def __init__(
        self, opened: MessageBasedResource, connection: socket.socket, framing: Framing
    ) -> None:
        self._opened = opened
        self._socket = connection
        self._framing = framing
        self._terminator = framing.read_termination
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def send(self, message: bytes, deadline: float) -> None:
        """Send ``message``; refuse if the peer has gone or has said something unasked."""
        if self._poll.poll(0):
            self._look_at_unasked()
        try:
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(message)
        except TimeoutError as err:
            raise LinkTimeoutError("the instrument does not take the message") from err
        except OSError as err:
            raise LinkError(f"connection lost while sending ({err.strerror or err})") from err

    def receive(self, deadline: float, length: int | None = None) -> bytes:
        """Return the one reply; anything behind it is a :class:`ProtocolError`."""
        if not self._terminator:
            return self._receive_unterminated(deadline, length)
        received = b""
        while True:
            chunk = self._chunk(deadline, received)
            received = received + chunk if received else chunk
            end = received.find(self._terminator)
            if end >= 0:
                break
            if len(received) > _MAX_REPLY:
                raise ProtocolError(f"more than {_MAX_REPLY} bytes without an end")
        if end + len(self._terminator) != len(received):
            rest = received[end + len(self._terminator) :][:80]
            raise ProtocolError(f"more than one reply to one query: {rest!r} behind it")
        return received[:end]

    def _receive_unterminated(self, deadline: float, length: int | None) -> bytes:
        received = self._chunk(deadline, b"")
        if length is None:
            while self._poll.poll(self._framing.silence_s * 1000):
                received += self._chunk(deadline, received)
            return received
        while len(received) < length:
            received += self._chunk(deadline, received)
        return _cut(received, length, self._framing.stray_bytes)

    def close(self) -> None:
        """Close the resource, and with it the socket."""
        self._opened.close()

    def _chunk(self, deadline: float, received: bytes) -> bytes:
        try:
            self._socket.settimeout(_left(deadline))
            chunk = self._socket.recv(_CHUNK)
        except TimeoutError as err:
            if received:
                raise LinkTimeoutError(f"reply {received[:80]!r} has no end") from err
            raise LinkTimeoutError("no reply") from err
        except OSError as err:
            raise LinkError(f"connection lost while reading ({err.strerror or err})") from err
        if not chunk:
            raise LinkError(f"connection closed by the instrument after {received[:80]!r}")
        return chunk

    def _look_at_unasked(self) -> None:
        try:
            self._socket.settimeout(0)
            waiting = self._socket.recv(80)
        except OSError as err:
            raise LinkError(f"connection lost ({err.strerror or err})") from err
        if not waiting:
            raise LinkError("connection closed by the instrument")
        if len(waiting) > self._framing.stray_bytes:
            raise ProtocolError(f"the instrument said {waiting!r} unasked")


class ResourceWire:
    """Any other resource (USB, GPIB, serial, VXI-11, HiSLIP, other libraries), through PyVISA."""

    def __init__(self, opened: MessageBasedResource, framing: Framing) -> None:
        from pyvisa.resources import SerialInstrument  # noqa: PLC0415 - loaded already

        self._opened = opened
        self._serial = opened if isinstance(opened, SerialInstrument) else None
        self._framing = framing
        self._terminator = framing.read_termination

    def send(self, message: bytes, deadline: float) -> None:
        """Send ``message``; refuse if a serial line has said something unasked."""
        import pyvisa  # noqa: PLC0415 - loaded already by whoever opened the resource

        try:
            if self._serial is not None:
                self._look_at_unasked(self._serial)
            self._opened.timeout = _left(deadline) * 1000
            self._opened.write_raw(message)
        except pyvisa.VisaIOError as err:
            raise _translated(err, "sending") from err
        except (OSError, pyvisa.Error) as err:
            raise LinkError(f"connection lost while sending ({err})") from err

    def receive(self, deadline: float, length: int | None = None) -> bytes:
        """Return the reply."""
        import pyvisa  # noqa: PLC0415

        try:
            self._opened.timeout = _left(deadline) * 1000
            if not self._terminator:
                return self._receive_unterminated(length)
            reply = self._opened.read_raw()
        except pyvisa.VisaIOError as err:
            raise _translated(err, "reading") from err
        except (OSError, pyvisa.Error) as err:
            raise LinkError(f"connection lost while reading ({err})") from err
        if not reply.endswith(self._terminator):
            raise ProtocolError(f"reply {reply[:80]!r} has no end")
        return reply[: -len(self._terminator)]

    def close(self) -> None:
        """Close the resource."""
        self._opened.close()

    def _receive_unterminated(self, length: int | None) -> bytes:
        if length is not None:
            return self._opened.read_bytes(length)
        received = self._opened.read_bytes(1)
        self._opened.timeout = self._framing.silence_s * 1000
        while (byte := self._next_byte()) and len(received) < _MAX_REPLY:
            received += byte
        return received

    def _next_byte(self) -> bytes:
        import pyvisa  # noqa: PLC0415

        try:
            return self._opened.read_bytes(1)
        except pyvisa.VisaIOError as err:
            if err.abbreviation == "VI_ERROR_TMO":
                return b""
            raise

    def _look_at_unasked(self, line: SerialInstrument) -> None:
        count = line.bytes_in_buffer
        if not count:
            return
        waiting = line.read_bytes(count)
        if count > self._framing.stray_bytes:
            raise ProtocolError(f"the instrument said {waiting[:80]!r} unasked")


def _cut(received: bytes, length: int, stray: int) -> bytes:
    if len(received) > length + stray:
        raise ProtocolError(f"more than one reply to one query: {received[length:][:80]!r} behind")
    return received[:length]


def _translated(err: Exception, doing: str) -> LinkError:
    abbreviation = getattr(err, "abbreviation", "")
    if abbreviation == "VI_ERROR_TMO":
        return LinkTimeoutError(f"silence while {doing}")
    return LinkError(f"connection lost while {doing} ({abbreviation or err})")


def _left(deadline: float) -> float:
    # Never 0: that would mean "do not wait at all", not even for what is there already.
    return max(0.001, deadline - time.monotonic())
