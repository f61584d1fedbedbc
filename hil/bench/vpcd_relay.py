"""The slot of a virtual reader: carries frames between a virtual card and the vpcd driver.

Card side: a TCP port on 127.0.0.1 that the card connects to, as it would to vpcd itself. Reader
side: vpcd's own port, which may lie in a private network. Both speak vpcd's frames: a length of
two bytes, big-endian, then the payload. The slot adds what the driver lacks:

* only whole frames go on, so that a cut answer is a lost card and never a shorter answer that
  looks good, and a card that dies within a length field does not take the PC/SC service along;
* an answer that nobody asked for, or an empty one, ends the card's connection instead of putting
  every later answer one off or hanging the reader;
* frames go out in one piece and are acknowledged at once, so no 40 ms stall, whoever the card is;
* a command of one byte that looks like power or reset, for which vpcd waits and the card does not
  answer, ends as a lost card instead of blocking the reader for ever;
* :meth:`CardSlot.cut` takes the card out, the only way to end a command that is never answered.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from typing import Final

_log = logging.getLogger(__name__)
_LONGEST_FRAME: Final = 2 + 65_535
_UNANSWERED: Final = frozenset({b"\x00", b"\x01", b"\x02"})
# vpcd asks for the ATR right behind each of those, and five times in two seconds anyway.
_SILENCE_MS: Final = 2_000
_RETRY_S: Final = 0.005


class FrameError(Exception):
    """A side closed the connection, or broke the protocol; the text says which."""


class _Side:
    """One end of the slot: its socket and what was read of the next frame."""

    def __init__(self, sock: socket.socket, name: str) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.name = name
        self._buffer = b""

    def read(self) -> bytes | None:
        """Take what has come; return a whole frame with its length, or ``None`` if cut."""
        part = self.socket.recv(_LONGEST_FRAME)
        # Not sticky, and only useful after a part was read: then the other end, whose next part
        # waits for our acknowledgement (Nagle), gets it now and not in 40 ms.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if not part:
            raise FrameError(f"{self.name} closed the connection")
        self._buffer += part
        return self.next_frame()

    def next_frame(self) -> bytes | None:
        """Return the next whole frame read already, if any."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        end = 2 + (buffer[0] << 8 | buffer[1])
        if len(buffer) < end:
            return None
        self._buffer = buffer[end:]
        return buffer[:end]


def pump(reader: socket.socket, card: socket.socket) -> None:
    """Carry frames between the two until one closes or breaks the protocol (FrameError)."""
    sides = {reader.fileno(): _Side(reader, "reader"), card.fileno(): _Side(card, "card")}
    poller = select.poll()
    for number in sides:
        poller.register(number, select.POLLIN)
    card_fd = card.fileno()
    answer_due = False
    controlled = False
    while True:
        ready = poller.poll(_SILENCE_MS if controlled else None)
        if not ready:
            raise FrameError("the terminal sent a command of one byte, taken as power or reset")
        for number, _ in ready:
            frame = sides[number].read()
            while frame is not None:
                if number == card_fd:
                    if not answer_due:
                        raise FrameError("card sent an answer that nobody asked for")
                    if len(frame) == 2:
                        raise FrameError("card sent an empty answer")
                    answer_due = False
                    reader.sendall(frame)
                else:
                    controlled = frame[2:] in _UNANSWERED
                    answer_due = not controlled
                    card.sendall(frame)
                frame = sides[number].next_frame()


class CardSlot:
    """One slot: a card at a time; the next one waits until the first is taken out.

    ``port`` is the one on 127.0.0.1 that a virtual card connects to.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port = int(listener.getsockname()[1])
        self._card: socket.socket | None = None
        self._lock = threading.Lock()

    def serve(self, vpcd: tuple[str, int]) -> None:
        """Serve cards for ever against the driver at ``vpcd``; ends when the listener closes."""
        while True:
            try:
                card, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._card = card
            try:
                with card, _reach(vpcd) as reader:
                    pump(reader, card)
            except (FrameError, OSError) as err:
                _log.info("card left the slot at port %d: %s", self.port, err)
            with self._lock:
                self._card = None

    def cut(self) -> None:
        """Take the card out, as if it were pulled; a command in flight ends at once."""
        with self._lock, contextlib.suppress(OSError):
            if self._card is not None:
                self._card.shutdown(socket.SHUT_RDWR)


def _reach(vpcd: tuple[str, int], *, timeout_s: float = 5.0) -> socket.socket:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            reader = socket.create_connection(vpcd, timeout=timeout_s)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            reader.settimeout(None)
            return reader
