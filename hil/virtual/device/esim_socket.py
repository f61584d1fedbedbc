"""An eSIM behind a socket: the vpcd protocol, this device being the terminal.

Both ways: length (u16, big-endian) and payload. One byte controls: 00 off, 01 on, 02 reset, 04
asks for the ATR, 05 how often the card has begun anew (u32): that is how terminals which share a
card see that it lost its state. Longer payloads are APDUs. One connection is one exclusive hold.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from hil.virtual.device.esim_slot import EsimError

_OFF: Final = b"\x00"
_ON: Final = b"\x01"
_RESET: Final = b"\x02"
_ATR: Final = b"\x04"
_STARTS: Final = b"\x05"
_RETRY_S: Final = 0.05
_OFF_S: Final = 0.5


class SocketSlot:
    """Connects for each burst, so that others may use the card in between."""

    def __init__(self, host: str, port: int, *, timeout_s: float) -> None:
        self._address = (host or "127.0.0.1", port)
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._powered = False
        self._starts = b""
        self._interrupted = threading.Event()

    def power_on(self) -> bytes:
        """Power the card off and on: it may have been left on by whoever held it before."""
        self._interrupted.clear()
        return self._control(_OFF, _ON)

    def power_off(self) -> None:
        """Take the power away; a card that is gone is off already, and not waited for."""
        with contextlib.suppress(EsimError):
            self.end()
            self._connect(patience_s=0.0)
            self._send(_OFF)
            self._await_off()
        self.end()
        self._powered = False

    def interrupt(self) -> None:
        """Hang up on a card that is being waited for."""
        self._interrupted.set()
        held = self._socket
        if held is not None:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def reset(self) -> bytes:
        """Reset the card."""
        return self._control(_RESET)

    def begin(self) -> bool:
        """Connect, that is hold the card; ask whether somebody else has reset it."""
        if self._socket is None:
            self._connect()
        self._send(_STARTS)
        before, self._starts = self._starts, self._receive()
        return self._starts == before

    def end(self) -> None:
        """Disconnect; the card stays powered."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def transmit(self, command: bytes) -> bytes:
        """Send an APDU."""
        if not self._powered:
            raise EsimError("the eSIM is not powered")
        self._send(command)
        response = self._receive()
        if len(response) < 2:
            raise EsimError(f"the eSIM answered {len(response)} bytes, no status word")
        return response

    def _await_off(self) -> None:
        """Wait a little until the card has read that it is off, unless somebody else holds it."""
        self._open().settimeout(_OFF_S)
        self._send(_ATR)
        self._receive()

    def _control(self, *codes: bytes) -> bytes:
        atr = b""

        def ask() -> None:
            nonlocal atr
            for code in (*codes, _ATR):
                self._send(code)
            atr = self._receive()
            self._send(_STARTS)
            self._starts = self._receive()

        self._with_connection(ask)
        if not atr:
            raise EsimError("the eSIM answered an empty ATR")
        self._powered = True
        return atr

    def _with_connection(self, action: Callable[[], None]) -> None:
        held = self._socket is not None
        if not held:
            self._connect()
        try:
            action()
        finally:
            if not held:
                self.end()

    def _connect(self, *, patience_s: float | None = None) -> None:
        deadline = time.monotonic() + (self._timeout_s if patience_s is None else patience_s)
        while True:
            try:
                connection = socket.create_connection(self._address, timeout=self._timeout_s)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as err:
                if time.monotonic() > deadline or self._interrupted.wait(_RETRY_S):
                    raise EsimError(f"eSIM at {self._address}: no connection ({err})") from err
            else:
                self._socket = connection
                return

    def _send(self, payload: bytes) -> None:
        try:
            self._open().sendall(struct.pack(">H", len(payload)) + payload)
        except OSError as err:
            raise self._lost(err) from err

    def _receive(self) -> bytes:
        try:
            (length,) = struct.unpack(">H", self._exactly(2))
            return self._exactly(length)
        except OSError as err:
            raise self._lost(err) from err

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            connection = self._open()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = connection.recv(count - len(data))
            if not part:
                raise self._lost(None)
            data += part
        return bytes(data)

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise EsimError(f"eSIM at {self._address}: no burst has begun")
        return self._socket

    def _lost(self, err: OSError | None) -> EsimError:
        self.end()
        return EsimError(f"eSIM at {self._address}: connection lost ({err or 'closed'})")
