"""An administration server for these tests: h11 reads and writes HTTP, one thread serves."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import Self

import h11

from hil.wire import admin_http
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.tls.alerts import TlsError
from hil.wire.tls.server import TlsServer


@dataclass(frozen=True)
class Answer:
    """A script for the card; ``target``: an ISD-P instead of the ISD-R."""

    script: bytes
    target: bytes | None = None


@dataclass(frozen=True)
class Hung:
    """Hang up once instead of answering."""


@dataclass(frozen=True)
class Post:
    uri: str
    fields: dict[str, str]
    body: bytes

    def get(self, name: str) -> str | None:
        return self.fields.get(name)


def commands(*row: CommandApdu) -> bytes:
    return CommandScript.of(row).encode()


@dataclass
class Server:
    """Gives answer n to the request for ``/step/n`` (0 for any other URI), then 204.

    ``hold_step``: the step whose request gets no answer. ``results`` has the response to each
    script, once.
    """

    keys: dict[bytes, bytes]
    answers: list[Answer | Hung | bytes] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    found: dict[int, bytes] = field(default_factory=dict)
    done: bool = False
    hold_step: int | None = None
    _head: tuple[str, dict[str, str]] = field(default_factory=lambda: ("", {}))
    _body: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for one in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join(5)

    @property
    def results(self) -> list[bytes]:
        return [self.found[step] for step in sorted(self.found)]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            with contextlib.suppress(OSError, TlsError, h11.ProtocolError), connection:
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        tls = TlsServer(self.keys.get)
        http = h11.Connection(h11.SERVER)
        while data := connection.recv(4096):
            try:
                tls.receive(data)
            finally:
                connection.sendall(tls.outgoing())
            plain = tls.read()
            if plain:
                http.receive_data(plain)
            while (post := self._next(http)) is not None:
                raw = self._answer(http, post)
                if raw is None:
                    return
                tls.write(raw)
                connection.sendall(tls.outgoing())
            if tls.peer_closed:
                return

    def _next(self, http: h11.Connection) -> Post | None:
        event = http.next_event()
        if not isinstance(event, h11.Request):
            if isinstance(event, h11.Data):
                self._body += bytes(event.data)
            if isinstance(event, h11.EndOfMessage):
                return Post(self._head[0], self._head[1], bytes(self._body))
            return None if event in (h11.NEED_DATA, h11.PAUSED) else self._next(http)
        fields = {name.decode(): value.decode() for name, value in event.headers}
        self._head = (event.target.decode(), fields)
        self._body = bytearray()
        return self._next(http)

    def _answer(self, http: h11.Connection, post: Post) -> bytes | None:
        self.posts.append(post)
        step = int(post.uri.rpartition("/")[2]) if post.uri.startswith("/step/") else 0
        if post.body:
            self.found.setdefault(step, post.body)
        hung = step < len(self.answers) and isinstance(self.answers[step], Hung)
        if step == self.hold_step:
            return b""
        if hung:
            del self.answers[step]
            return None
        if step >= len(self.answers):
            self.done = True
            raw = http.send(h11.Response(status_code=204, headers=[])) or b""
            raw += http.send(h11.EndOfMessage()) or b""
            http.start_next_cycle()
            return raw
        answer = self.answers[step]
        if isinstance(answer, bytes):
            return answer
        assert isinstance(answer, Answer)
        headers = [
            (admin_http.X_PROTOCOL, admin_http.PROTOCOL),
            (admin_http.X_NEXT_URI, f"/step/{step + 1}"),
            ("Content-Type", admin_http.COMMANDS),
            ("Transfer-Encoding", "chunked"),
        ]
        if answer.target is not None:
            headers.append((admin_http.X_TARGET, admin_http.target(answer.target)))
        raw = http.send(h11.Response(status_code=200, headers=headers)) or b""
        for at in range(0, len(answer.script), 100):
            raw += http.send(h11.Data(data=answer.script[at : at + 100])) or b""
        raw += http.send(h11.EndOfMessage()) or b""
        http.start_next_cycle()
        return raw
