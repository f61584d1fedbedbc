"""A tiny card with a script, for vpcd's protocol; not the virtual eUICC.

``answer`` gets each command APDU and returns what goes back: bytes (one answer), :class:`Raw` (sent
as it is, frame and all) or ``None`` (silence).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

ATR_T0 = bytes.fromhex("3B9E96803F87828031E073FE211B665645554943433D")
ATR_T1 = bytes.fromhex("3B9E9681B1FE453F87828031E073FE211B6656455549434336")


@dataclass(frozen=True)
class Raw:
    """Bytes that are no whole frame, and whether the card dies behind them."""

    data: bytes
    die: bool = False
    later: bytes = b""
    later_s: float = 0.0


DIE = Raw(b"", die=True)
"""The card closes its connection."""

Answer = bytes | Raw | None


class ScriptedCard:
    """Connects to a card slot and plays its script until stopped; notes what it was asked."""

    def __init__(
        self, port: int, answer: Callable[[bytes], Answer], *, atr: bytes = ATR_T0
    ) -> None:
        self._answer = answer
        self._atr = atr
        self.commands: list[bytes] = []
        self.power: list[int] = []
        self.gone = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5.0)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pull()

    def pull(self) -> None:
        """Leave the slot."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)
        self._socket.close()

    def _run(self) -> None:
        try:
            while True:
                self._play(self._receive())
        except (EOFError, OSError):
            pass
        finally:
            self.gone.set()
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _play(self, frame: bytes) -> None:
        if len(frame) == 1:
            if frame == b"\x04":
                self._send(self._atr)
            else:
                self.power.append(frame[0])
            return
        self.commands.append(frame)
        answer = self._answer(frame)
        if isinstance(answer, bytes):
            self._send(answer)
        elif isinstance(answer, Raw):
            self._socket.sendall(answer.data)
            if answer.later:
                time.sleep(answer.later_s)
                self._socket.sendall(answer.later)
            if answer.die:
                raise EOFError

    def _send(self, payload: bytes) -> None:
        self._socket.sendall(len(payload).to_bytes(2, "big") + payload)

    def _receive(self) -> bytes:
        size = int.from_bytes(self._exactly(2), "big")
        return self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data
