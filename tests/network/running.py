"""A virtual network in a thread of the test, and what attaches to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from hil.virtual.euicc import VirtualCard
from hil.virtual.network.authentication_centre import AuthenticationCentre
from hil.virtual.network.link_model import Air, Conditions
from hil.virtual.network.radio import MAX_LINE, RadioFace
from hil.virtual.network.smsc import SmsCentre
from hil.virtual.network.subscribers import Subscribers
from hil.virtual.network.weather import MAX_LINE as MAX_WEATHER_LINE
from hil.virtual.network.weather import WeatherFace
from hil.wire.smpp import Pdu, StreamReader
from tests.provisioning.air import hand_over

ACCOUNTS = {"sm-sr": "hil-test", "other": "secret"}


def wait_for(what: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Poll until something holds, with a deadline."""
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.005)


class RunningNetwork:
    """SMS centre and air; both addresses are known once it is entered."""

    def __init__(
        self,
        conditions: Conditions | None = None,
        *,
        seed: int = 1,
        smpp_port: int = 0,
        centre: AuthenticationCentre | None = None,
    ) -> None:
        self._centre = centre
        self._smpp_port = smpp_port
        self.air = Air(conditions or Conditions(), seed)
        self.smpp = ("", 0)
        self.radio = ("", 0)
        self.weather = ("", 0)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._loop is not None
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        subscribers = Subscribers(self.air, report_s=2.0)
        centre = SmsCentre(ACCOUNTS, subscribers)
        radio = RadioFace(subscribers, self.air, centre.submitted, self._centre)
        weather = WeatherFace(self.air, subscribers, centre)
        servers = [
            await asyncio.start_server(centre.serve, "127.0.0.1", self._smpp_port),
            await asyncio.start_server(radio.serve, "127.0.0.1", 0, limit=MAX_LINE),
            await asyncio.start_server(weather.serve, "127.0.0.1", 0, limit=MAX_WEATHER_LINE),
        ]
        addresses = [one.sockets[0].getsockname()[:2] for one in servers]
        self.smpp, self.radio, self.weather = addresses
        self._ready.set()
        await self._over.wait()
        for one in servers:
            one.close()
        await weather.close()
        await radio.close()
        await subscribers.close()
        await centre.close()


class RadioLine:
    """One connection to the radio face: lines of JSON, one at a time."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self._lines = self.socket.makefile("rwb")

    def say(self, row: dict[str, Any]) -> None:
        self._lines.write(json.dumps(row).encode() + b"\n")
        self._lines.flush()

    def raw(self, line: bytes) -> None:
        self._lines.write(line)
        self._lines.flush()

    def hear(self) -> dict[str, Any] | None:
        line = self._lines.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other end may have gone first
            self.socket.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self.socket.close()


class RadioCard:
    """A device that does nothing but hand short messages to its eUICC and back."""

    def __init__(self, address: tuple[str, int], msisdn: str, card: VirtualCard) -> None:
        self._line = RadioLine(address)
        self._card = card
        self._numbers = 0
        self.delivered = 0
        self._line.say({"attach": {"msisdn": msisdn, "imei": "356938035643809"}})
        # It waits for messages as long as it takes; close() ends the waiting.
        self._line.socket.settimeout(None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while (row := self._line.hear()) is not None:
                if "deliver" not in row:
                    continue
                sent = hand_over(self._card, bytes.fromhex(row["deliver"]))
                self.delivered += 1
                self._line.say({"delivered": row["id"], "report": "", "ok": True})
                for message in sent:
                    self._numbers += 1
                    self._line.say({"submit": message.encode().hex(), "id": self._numbers})
        except (OSError, ValueError):
            return

    def close(self) -> None:
        self._line.close()
        self._thread.join(10)


class SmppLine:
    """A bare SMPP client: sends what it is told, one message at a time."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=10)
        self._stream = StreamReader()
        self._found: list[bytes] = []

    def send(self, pdu: Pdu) -> Pdu:
        self._socket.sendall(pdu.encode())
        return self.hear()

    def raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self) -> Pdu:
        while not self._found:
            data = self._socket.recv(65_536)
            assert data, "the centre closed the connection"
            self._found = self._stream.feed(data)
        return Pdu.decode(self._found.pop(0))

    def exactly(self, size: int) -> bytes:
        """Return the next bytes as they come, which no codec has read."""
        return self._socket.recv(size, socket.MSG_WAITALL)

    def closed(self) -> bool:
        try:
            return self._socket.recv(65_536) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._socket.close()
