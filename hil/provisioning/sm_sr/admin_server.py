"""The administration server of an SM-SR: TLS-PSK and HTTP on a socket, a thread for each card."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import h11

from hil.errors import CodecError, ConfigError
from hil.provisioning.sm_sr.admin_dialogue import AdminDialogue, Post, Reply
from hil.wire.admin_session import PskIdentity
from hil.wire.tls.alerts import TlsError
from hil.wire.tls.server import FindPsk, TlsServer

log = logging.getLogger(__name__)

MakeDialogue = Callable[[str], AdminDialogue]

MAX_BODY: Final = 1 << 18
_MOST_CARDS: Final = 64
_HANDSHAKE_S: Final = 30.0
_STOP_S: Final = 5.0


class AdminServer:
    """Listens from its construction to :meth:`close`, and answers from :meth:`start` on.

    ``idle_s`` bounds how long a card may take for one request.
    """

    def __init__(
        self,
        address: str,
        port: int,
        find_psk: FindPsk,
        *,
        idle_s: float = 30.0,
    ) -> None:
        self._find_psk = find_psk
        self._thread: threading.Thread | None = None
        self._idle_s = idle_s
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._cards: dict[socket.socket, threading.Thread] = {}
        try:
            self._listener = socket.create_server((address, port))
        except OSError as err:
            raise ConfigError(
                f"administration server: {address} port {port} cannot be had: {err.strerror}"
            ) from err
        self.port: int = self._listener.getsockname()[1]

    def start(self, dialogue: MakeDialogue) -> None:
        """Begin to answer; ``dialogue`` makes the dialogue with an eUICC."""
        self._thread = threading.Thread(
            target=self._accept, args=(dialogue,), name="administration", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End all connections; may be called again."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            cards = dict(self._cards)
        for connection in cards:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in (self._thread, *cards.values()):
            if thread is not None:
                thread.join(_STOP_S)

    def _accept(self, dialogue: MakeDialogue) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection, dialogue), daemon=True)
            with self._lock:
                if len(self._cards) >= _MOST_CARDS or self._over.is_set():
                    connection.close()
                    continue
                self._cards[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, dialogue: MakeDialogue) -> None:
        try:
            _Session(connection, self._find_psk, dialogue, self._idle_s).run()
        except (OSError, TlsError, CodecError, h11.ProtocolError) as err:
            log.info("administration session: %s", err)
        except Exception:
            # One card must not end the service for the others.
            log.exception("administration session")
        finally:
            with self._lock:
                self._cards.pop(connection, None)
            connection.close()


class _Session:
    """One connection of one card."""

    def __init__(
        self,
        connection: socket.socket,
        find_psk: FindPsk,
        dialogue: MakeDialogue,
        idle_s: float,
    ) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._tls = TlsServer(find_psk)
        self._http = h11.Connection(h11.SERVER)
        self._make = dialogue
        self._idle_s = idle_s
        self._deadline = time.monotonic() + min(idle_s, _HANDSHAKE_S)

    def run(self) -> None:
        while not self._tls.established:
            if not self._read():
                return
        identity = PskIdentity.decode(self._tls.identity)
        dialogue = self._make(identity.eid)
        log.info("administration session with %s", identity.eid)
        with dialogue.open():
            self._converse(dialogue)

    def _converse(self, dialogue: AdminDialogue) -> None:
        while (post := self._post()) is not None:
            reply = dialogue.answer(post)
            self._tls.write(self._encode(reply))
            if reply.last:
                # Said before the card closes: some cards wait for it, and no data follow.
                self._tls.close()
            self._flush()
            if reply.last:
                self._wait_for_end()
                return
            self._http.start_next_cycle()

    def _post(self) -> Post | None:
        """Return the next request, None when the card has closed."""
        self._deadline = time.monotonic() + self._idle_s
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                plain = self._tls.read()
                if plain:
                    # No bytes would mean the end of the stream to h11.
                    self._http.receive_data(plain)
                elif self._tls.peer_closed or not self._read():
                    return None
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY:
                    raise CodecError(f"a card sends more than {MAX_BODY} bytes at once")
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                fields = {name.decode(): value.decode("latin-1") for name, value in head.headers}
                uri = head.target.decode("latin-1")
                return Post(head.method.decode(), uri, fields, bytes(body))
            else:
                return None

    def _encode(self, reply: Reply) -> bytes:
        fields: list[tuple[str, str]] = list(reply.fields)
        if reply.status == 200:
            fields.append(("Transfer-Encoding", "chunked"))
        elif reply.status != 204:
            fields += [("Content-Length", "0"), ("Connection", "close")]
        raw = self._http.send(h11.Response(status_code=reply.status, headers=fields)) or b""
        if reply.body:
            raw += self._http.send(h11.Data(data=reply.body)) or b""
        return raw + (self._http.send(h11.EndOfMessage()) or b"")

    def _read(self) -> bool:
        """Take what comes; return whether the link still stands."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the card takes too long for one request")
        self._connection.settimeout(left)
        data = self._connection.recv(65_536)
        if not data:
            self._tls.end_of_stream()
            return False
        try:
            self._tls.receive(data)
        finally:
            self._flush()
        return True

    def _flush(self) -> None:
        data = self._tls.outgoing()
        if data:
            self._connection.settimeout(self._idle_s)
            self._connection.sendall(data)

    def _wait_for_end(self) -> None:
        """Let the card close first, for a while: what was sent may still be on its way."""
        self._deadline = time.monotonic() + self._idle_s
        while not self._tls.peer_closed and self._read():
            continue
