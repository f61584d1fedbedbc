"""One connection of a card to the lab's administration server: TLS, HTTP, answers of a test's own.

It has no socket: the lab's terminal hands it what the card sends. h11 reads the requests, a reader
of nobody here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import h11

from hil.equipment.card.admin_answers import Answer
from hil.equipment.card.forged_tls import ForgedTlsServer, Manner
from hil.errors import CodecError
from hil.wire.command_script import ResponseScript
from hil.wire.tls.alerts import TlsError
from hil.wire.tls.messages import ClientHello
from hil.wire.tls.records import Content, RecordReader
from hil.wire.tls.server import FindPsk

_HANDSHAKE_HEAD = 4


@dataclass(frozen=True, slots=True)
class Post:
    """One request as h11 read it; header fields by lower-case name."""

    method: str
    uri: str
    version: str
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """Return a header field by its name in any case, None where it is absent."""
        return self.fields.get(name.lower())

    @property
    def script(self) -> ResponseScript:
        """The response script in its body; :class:`CodecError` where there is none."""
        return ResponseScript.decode(self.body)

    @property
    def statuses(self) -> list[int]:
        """The status words of the answers in it, in order."""
        return [one.sw for one in self.script.answers]


class AdminConnection:
    """The server's end of one channel. ``next_answer`` gives the answer to each post.

    ``posts``: what the card has asked; ``failure``: why TLS or HTTP has ended, by the card's fault
    or by its alert; ``identity``: the PSK identity it gave.
    """

    def __init__(
        self, find_psk: FindPsk, manner: Manner, next_answer: Callable[[Post], Answer]
    ) -> None:
        self.hung_up = False
        self.posts: list[Post] = []
        self.failure: CodecError | None = None
        self._tls = ForgedTlsServer(find_psk, manner)
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._next_answer = next_answer
        self._raw = bytearray()
        self._out = bytearray()
        self._waiting = 0

    @property
    def identity(self) -> bytes:
        """The PSK identity that the card gave, empty before."""
        return self._tls.identity

    @property
    def established(self) -> bool:
        """Whether the handshake has come to its end."""
        return self._tls.established

    @property
    def closed_by_card(self) -> bool:
        """Whether the card has closed TLS (close_notify)."""
        return self._tls.peer_closed

    @property
    def suite(self) -> int | None:
        """The cipher suite in use."""
        return self._tls.suite

    @property
    def alert(self) -> int | None:
        """The alert that ended the connection, of either end."""
        return self.failure.alert if isinstance(self.failure, TlsError) else None

    def hello(self) -> ClientHello:
        """Return the ClientHello; :class:`CodecError` where the card has sent none."""
        reader = RecordReader()
        reader.feed(bytes(self._raw))
        message = bytearray()
        while (record := reader.next()) is not None and record.kind is Content.HANDSHAKE:
            message += record.fragment
            size = int.from_bytes(message[1:_HANDSHAKE_HEAD], "big")
            if len(message) >= _HANDSHAKE_HEAD + size:
                return ClientHello.decode(bytes(message[_HANDSHAKE_HEAD : _HANDSHAKE_HEAD + size]))
        raise CodecError("the card has sent no ClientHello")

    def receive(self, data: bytes) -> None:
        """Take what the card has sent."""
        self._raw += data
        if self.failure is not None:
            return
        try:
            self._tls.receive(data)
            plain = self._tls.read()
            if plain:
                self._http.receive_data(plain)
            while (post := self._next_post()) is not None:
                self.posts.append(post)
                self.answer(self._next_answer(post))
        except (CodecError, h11.ProtocolError) as err:
            self.failure = err if isinstance(err, CodecError) else CodecError(str(err))
            self._out += self._tls.outgoing()
            self.hung_up = True
            return
        self._out += self._tls.outgoing()

    def answer(self, answer: Answer) -> None:
        """Send an answer, to a post or to nothing."""
        self._out += self._tls.outgoing()
        if answer.http:
            self._tls.write(answer.http)
        if answer.close:
            self._tls.close()
        records = self._tls.outgoing()
        self._out += answer.changed(records) if answer.changed else records
        self.hung_up = self.hung_up or answer.hang_up

    def outgoing(self) -> bytes:
        """Return what goes to the card, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _next_post(self) -> Post | None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._head = event
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                head, more = self._head, self._http.trailing_data[0]
                # The answers are made elsewhere, so each request has a reader of its own.
                self._http = h11.Connection(h11.SERVER)
                if more:
                    self._http.receive_data(more)
                fields = {name.decode(): value.decode("latin-1") for name, value in head.headers}
                return Post(
                    head.method.decode(),
                    head.target.decode("latin-1"),
                    head.http_version.decode(),
                    fields,
                    bytes(self._body),
                )
            else:
                return None
