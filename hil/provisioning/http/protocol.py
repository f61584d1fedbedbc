"""HTTP/1.1 as these servers speak it: uvicorn's own protocol, with what it leaves out.

uvicorn can ask for client certificates, but does not tell the application whose it was; this
protocol tells it in the ASGI TLS extension. It also ends connections that send no request, or
send one too slowly, takes no more than so many at once, and answers what is no HTTP in JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from hil.provisioning.http.tls import tls_extension

HEADER_SECONDS: Final = 10.0
"""How long the head of a request may take to arrive, from its connection or its first byte on."""

HEAD_PART: Final = 1024
"""Bytes by which the limit of a head may be passed."""

MAX_CONNECTIONS: Final = 500
"""Connections that one server has open at once."""

GOODBYE_SECONDS: Final = 0.1
"""How long the end of the server waits for the end of a TLS connection."""


DATE_SECONDS: Final = 1.0
"""How old the date of an answer may be."""


class Server(uvicorn.Server):
    """One server. uvicorn's own looks ten times a second whether it is to end; this one is told."""

    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Have the server end; from any thread, and again."""
        self.should_exit = True
        if self._loop is not None:
            # A loop that is closed has ended already.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        """Keep the date right until the end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATE_SECONDS)


class ServerProtocol(H11Protocol):
    """One connection."""

    header_s: float = HEADER_SECONDS
    max_connections: int = MAX_CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: note the peer's certificate, or turn the connection away when there are many."""
        super().connection_made(transport)
        tls = tls_extension(transport.get_extra_info("ssl_object"))
        if tls is not None:
            inner = cast("Any", self.app)

            async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
                scope["extensions"] = {**scope.get("extensions", {}), "tls": tls}
                await inner(scope, receive, send)

            self.app = app
        if len(self.connections) > self.max_connections:
            self._refuse(503, "internal", "too many connections: come again later")
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the head that they begin must come to its end in time."""
        if self.transport.is_closing():
            return
        if self._deadline is None and self.conn.their_state is h11.IDLE:
            self._expect_head()
        while data and not self.transport.is_closing():
            # h11 limits a head only while it is not whole: one that comes at once comes in parts.
            size = HEAD_PART if self.conn.their_state is h11.IDLE else len(data)
            part, data = data[:size], data[size:]
            super().data_received(part)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()

    def shutdown(self) -> None:
        """End with the server; a peer that does not say goodbye in TLS must not hold it up."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "invalid", msg)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.header_s, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        reason = f"the head of a request did not arrive in {self.header_s:g} s"
        self._refuse(408, "link-timeout", reason)

    def _refuse(self, status: int, code: str, reason: str) -> None:
        """Answer with an error of ours, if an answer can still be sent, and close."""
        if self.transport.is_closing():
            return
        self.logger.info("%s: %s", self.client, reason)
        body = f'{{"error":{{"code":"{code}","reason":"{reason}","details":{{}}}}}}'.encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = h11.Response(status_code=status, headers=headers)
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
