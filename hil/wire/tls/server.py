"""The server's end of TLS 1.2 with pre-shared keys: the SM-SR, in SCP81."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import Final

from hil.wire.tls.alerts import Alert, TlsError
from hil.wire.tls.engine import CLIENT_FINISHED, SERVER_FINISHED, SUITES, Engine, Entropy
from hil.wire.tls.messages import (
    ENCRYPT_THEN_MAC,
    RENEGOTIATION_INFO,
    RENEGOTIATION_SCSV,
    ClientHello,
    Kind,
    ServerHello,
    Suite,
    decode_identity,
    encode_identity,
)
from hil.wire.tls.records import VERSION

FindPsk = Callable[[bytes], bytes | None]
"""Returns the key of an identity, ``None`` for an unknown one."""
_ORDER: Final[dict[str, tuple[Kind, ...]]] = {
    "client hello": (Kind.CLIENT_HELLO,),
    "client key exchange": (Kind.CLIENT_KEY_EXCHANGE,),
    "change cipher spec": (),
    "finished": (Kind.FINISHED,),
}


class TlsServer(Engine):
    """Waits for a client. ``suites``: what it accepts, the best first; ``hint``: sent if given.

    ``identity`` is the client's, once it has given one; it is proven when ``established`` is true.
    """

    def __init__(
        self,
        find_psk: FindPsk,
        *,
        suites: Sequence[Suite] = SUITES,
        hint: bytes = b"",
        entropy: Entropy | None = None,
    ) -> None:
        super().__init__(entropy=entropy)
        self.identity = b""
        self._find_psk = find_psk
        self._suites = tuple(suites)
        self._hint = hint
        self._state = "client hello"
        self._encrypt_then_mac = False
        self._answered: dict[int, bytes] = {}

    def _handle(self, kind: Kind, body: bytes) -> None:
        if kind not in _ORDER[self._state]:
            raise TlsError(
                f"{kind.name} of the TLS client while {self._state} is due",
                Alert.UNEXPECTED_MESSAGE,
            )
        if kind is Kind.CLIENT_HELLO:
            self._choose(ClientHello.decode(body))
            self._state = "client key exchange"
        elif kind is Kind.CLIENT_KEY_EXCHANGE:
            self.identity = decode_identity(body)
            psk = self._find_psk(self.identity)
            if psk is None:
                raise TlsError("the TLS client's identity is unknown", Alert.UNKNOWN_PSK_IDENTITY)
            self._agree(psk, client=False, encrypt_then_mac=self._encrypt_then_mac)
            self._expects_cipher_change = True
            self._state = "change cipher spec"
        elif not hmac.compare_digest(body, self._expected_finished(CLIENT_FINISHED)):
            raise TlsError("Finished of the TLS client is wrong", Alert.DECRYPT_ERROR)

    def _heard(self, kind: Kind) -> None:
        if kind is Kind.CLIENT_HELLO:
            hello = ServerHello(self._random, self.suite or 0, self._answered)
            self._send_message(Kind.SERVER_HELLO, hello.encode())
            if self._hint:
                self._send_message(Kind.SERVER_KEY_EXCHANGE, encode_identity(self._hint))
            self._send_message(Kind.SERVER_HELLO_DONE, b"")
        elif kind is Kind.FINISHED:
            self._send_finished(SERVER_FINISHED)
            self.established = True

    def _cipher_changed(self) -> None:
        self._state = "finished"

    def _choose(self, hello: ClientHello) -> None:
        if hello.version < VERSION:
            raise TlsError(
                f"the TLS client knows no more than version {hello.version[0]}.{hello.version[1]}",
                Alert.PROTOCOL_VERSION,
            )
        if 0 not in hello.compressions:
            raise TlsError("the TLS client demands compression", Alert.ILLEGAL_PARAMETER)
        suite = next((one for one in self._suites if one in hello.suites), None)
        if suite is None:
            raise TlsError(
                "the TLS client offers none of the cipher suites of SCP81", Alert.HANDSHAKE_FAILURE
            )
        self.suite = suite
        if hello.extensions.get(RENEGOTIATION_INFO, b"\x00") != b"\x00":
            raise TlsError("the TLS client renegotiates", Alert.HANDSHAKE_FAILURE)
        if RENEGOTIATION_INFO in hello.extensions or RENEGOTIATION_SCSV in hello.suites:
            self._answered[RENEGOTIATION_INFO] = b"\x00"
        cbc = suite is Suite.PSK_AES_128_CBC_SHA256
        if cbc and ENCRYPT_THEN_MAC in hello.extensions:
            self._encrypt_then_mac = True
            self._answered[ENCRYPT_THEN_MAC] = b""
        self._peer_random = hello.random
        self._reader.negotiated()
