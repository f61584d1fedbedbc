"""A TLS server that breaks a rule of TLS 1.2, to see whether the card notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hil.wire.tls.engine import SERVER_FINISHED, SUITES
from hil.wire.tls.messages import Kind, ServerHello, encode_identity
from hil.wire.tls.records import VERSION
from hil.wire.tls.secrets import verify_data
from hil.wire.tls.server import FindPsk, TlsServer


@dataclass(frozen=True, slots=True)
class Manner:
    """How a TLS server behaves. The defaults keep to the rules.

    ``suites``: those it takes; ``hint``: identity hint; ``session_id``: offers to resume the
    session. Forged: ``version`` and ``suite`` of ServerHello; ``compression`` chosen; ``extension``
    that nobody asked for; ``finished``: its last message of the handshake is wrong; ``psk``:
    another key than the card's.
    """

    suites: tuple[int, ...] = SUITES
    hint: bytes = b""
    session_id: bytes = b""
    version: bytes = VERSION
    suite: int | None = None
    compression: int = 0
    extension: int | None = None
    finished: bool = False
    psk: bytes | None = field(default=None, repr=False)


HONEST: Final = Manner()


class ForgedTlsServer(TlsServer):
    """Serves one connection in a manner."""

    def __init__(self, find_psk: FindPsk, manner: Manner = HONEST) -> None:
        given = manner.psk
        suites = [one for one in SUITES if one in manner.suites]
        super().__init__(
            find_psk if given is None else lambda _: given, suites=suites, hint=manner.hint
        )
        self._manner = manner

    def _heard(self, kind: Kind) -> None:
        manner = self._manner
        if kind is Kind.CLIENT_HELLO:
            self._send_message(Kind.SERVER_HELLO, self._hello().encode())
            if manner.hint:
                self._send_message(Kind.SERVER_KEY_EXCHANGE, encode_identity(manner.hint))
            self._send_message(Kind.SERVER_HELLO_DONE, b"")
        elif kind is Kind.FINISHED and manner.finished:
            self._change_cipher()
            right = verify_data(self._master, SERVER_FINISHED, bytes(self._transcript))
            self._send_message(Kind.FINISHED, bytes(one ^ 0x01 for one in right))
            self.established = True
        else:
            super()._heard(kind)

    def _hello(self) -> ServerHello:
        manner = self._manner
        more = {} if manner.extension is None else {manner.extension: b""}
        return ServerHello(
            self._random,
            (self.suite or 0) if manner.suite is None else manner.suite,
            self._answered | more,
            version=manner.version,
            session_id=manner.session_id,
            compression=manner.compression,
        )
