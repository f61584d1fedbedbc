"""The card's contacts: the vpcd protocol of vsmartcard, towards vpcd or for a terminal of ours.

A message is a length (u16, big-endian) and a payload, both ways. One byte 00, 01, 02 is power off,
power on, warm reset, without an answer; 04 asks for the ATR, also while the card is off; anything
else is a command APDU and gets exactly one answer. For terminals that share the card on a socket,
05 answers how often it has begun anew (u32).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

POWER_OFF, POWER_ON, RESET, GET_ATR = 0x00, 0x01, 0x02, 0x04
_RETRY_S: Final = 0.05
_PATIENCE_S: Final = 2.0
"""So long no reader is no news: it may start together with its card."""
_POLL_S: Final = 0.2
_CONNECT_TIMEOUT_S: Final = 5.0
GET_STARTS: Final = b"\x05"
"""On the contacts socket only: terminals that share a card ask whether it has begun anew."""
_MAX_ANSWER: Final = 0xFFFF
_NO_DIAGNOSIS: Final = b"\x6f\x00"


class Card(Protocol):
    """What stands behind the contacts."""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""

    @property
    def starts(self) -> int:
        """How often the card has begun anew."""

    def power_on(self) -> bytes:
        """Give power."""

    def reset(self) -> bytes:
        """Reset."""

    def power_off(self) -> None:
        """Take the power away."""

    def transmit(self, apdu: bytes) -> bytes:
        """Answer a command APDU."""


class Contacts:
    """Speaks for a card on sockets until :meth:`close`; every method may come from any thread.

    ``hold``: taken as long as a terminal on a socket has the card; who uses the card in this
    process takes it too.
    """

    def __init__(self, card: Card, hold: threading.Lock | None = None) -> None:
        self._card = card
        self._hold = hold or threading.Lock()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def insert(self, host: str, port: int, *, connected: Callable[[], None]) -> None:
        """Put the card into the vpcd reader at ``host:port`` and keep it there.

        The connection is made again, for ever, when the reader goes and comes back; ``connected``
        is called each time it stands.
        """
        self._start("vpcd", lambda: self._insert(host, port, connected))

    def serve(self, host: str, port: int) -> tuple[str, int]:
        """Offer the contacts on a socket; return its address.

        One connection holds the card at a time; others wait. A connection closed without power off
        leaves the card powered, in the state it has.
        """
        listener = socket.create_server((host, port))
        listener.settimeout(_POLL_S)
        address: tuple[str, int] = listener.getsockname()[:2]
        self._keep(listener)
        self._start("contacts", lambda: self._accept(listener))
        return address

    def close(self, *, timeout_s: float = 5.0) -> None:
        """End all connections; may be called again."""
        self._ended.set()
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(timeout_s)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self, one: socket.socket) -> bool:
        with self._lock:
            if self._ended.is_set():
                one.close()
                return False
            self._sockets.add(one)
            return True

    def _drop(self, one: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(one)
        one.close()

    def _insert(self, host: str, port: int, connected: Callable[[], None]) -> None:
        tell_at: float | None = time.monotonic() + _PATIENCE_S
        while not self._ended.is_set():
            try:
                reader = socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S)
            except OSError as err:
                if tell_at is not None and time.monotonic() >= tell_at:
                    tell_at = None
                    log.warning(
                        "no vpcd reader at %s:%d (%s); start pcscd with vpcd, or mend the address: "
                        "the card goes in as soon as there is one",
                        host,
                        port,
                        err.strerror or err,
                    )
                self._ended.wait(_RETRY_S)
                continue
            if not self._keep(reader):
                return
            connected()
            self._converse(reader)
            tell_at = time.monotonic() + _PATIENCE_S
            self._ended.wait(_RETRY_S)

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            try:
                terminal, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self._keep(terminal):
                self._share(terminal)

    def _share(self, terminal: socket.socket) -> None:
        """Converse with a terminal as soon as nobody else holds the card."""
        while not self._hold.acquire(timeout=_POLL_S):
            if self._ended.is_set():
                self._drop(terminal)
                return
        try:
            self._converse(terminal, shared=True)
        finally:
            self._hold.release()

    def _converse(self, peer: socket.socket, *, shared: bool = False) -> None:
        try:
            peer.settimeout(None)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                payload = receive(peer)
                if shared and payload == GET_STARTS:
                    answer: bytes | None = self._card.starts.to_bytes(4, "big")
                else:
                    answer = self._answer(payload)
                if answer is not None:
                    # Length and answer in one piece: a peer that gets them apart waits 40 ms.
                    peer.sendall(len(answer).to_bytes(2, "big") + answer)
        except (EOFError, OSError) as err:
            log.debug("contacts let go: %s", err)
        finally:
            self._drop(peer)

    def _answer(self, payload: bytes) -> bytes | None:
        if len(payload) == 1:
            control = payload[0]
            if control == GET_ATR:
                return self._card.atr
            if control == POWER_ON:
                self._card.power_on()
                return None
            if control == POWER_OFF:
                self._card.power_off()
                return None
            if control == RESET:
                self._card.reset()
                return None
        try:
            answer = self._card.transmit(payload)
        except Exception:
            # A card that dies in an APDU takes its reader with it; one that is at a loss says so.
            log.exception("the card failed on a command of %d bytes", len(payload))
            return _NO_DIAGNOSIS
        return answer[-_MAX_ANSWER:]


def receive(peer: socket.socket) -> bytes:
    """Return the payload of the next message; :class:`EOFError` when the peer is gone."""
    return _exactly(peer, int.from_bytes(_exactly(peer, 2), "big"))


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        # The option is not sticky. Without it vpcd's second send waits for a delayed ACK: 44 ms.
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = peer.recv(size - len(data))
        if not part:
            raise EOFError("peer closed the connection")
        data += part
    return data
