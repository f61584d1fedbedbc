"""The client's end of TLS 1.2 with a pre-shared key: the card, in SCP81."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
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

_ORDER: Final = {
    "server hello": (Kind.SERVER_HELLO,),
    "server hello done": (Kind.SERVER_KEY_EXCHANGE, Kind.SERVER_HELLO_DONE),
    "server hello done, hint given": (Kind.SERVER_HELLO_DONE,),
    "change cipher spec": (),
    "finished": (Kind.FINISHED,),
}


class TlsClient(Engine):
    """Begins the handshake at once. ``identity`` and ``psk`` are the shared key's."""

    def __init__(
        self,
        identity: bytes,
        psk: bytes,
        *,
        suites: Sequence[Suite] = SUITES,
        encrypt_then_mac: bool = True,
        entropy: Entropy | None = None,
    ) -> None:
        super().__init__(entropy=entropy)
        self._identity = identity
        self._psk = psk
        self._suites = tuple(suites)
        self._state = "server hello"
        self._encrypt_then_mac = False
        cbc = Suite.PSK_AES_128_CBC_SHA256 in self._suites
        self._offered = {ENCRYPT_THEN_MAC: b""} if encrypt_then_mac and cbc else {}
        hello = ClientHello(self._random, (*self._suites, RENEGOTIATION_SCSV), self._offered)
        self._send_message(Kind.CLIENT_HELLO, hello.encode())

    def _handle(self, kind: Kind, body: bytes) -> None:
        if kind not in _ORDER[self._state]:
            raise TlsError(
                f"{kind.name} of the TLS server while {self._state} is due",
                Alert.UNEXPECTED_MESSAGE,
            )
        if kind is Kind.SERVER_HELLO:
            self._choose(ServerHello.decode(body))
            self._state = "server hello done"
        elif kind is Kind.SERVER_KEY_EXCHANGE:
            # A hint helps to choose among several keys; this client has one.
            decode_identity(body)
            self._state = "server hello done, hint given"
        elif kind is Kind.SERVER_HELLO_DONE:
            if body:
                raise TlsError("ServerHelloDone has a body", Alert.DECODE_ERROR)
            self._state = "change cipher spec"
        else:
            if not hmac.compare_digest(body, self._expected_finished(SERVER_FINISHED)):
                raise TlsError("Finished of the TLS server is wrong", Alert.DECRYPT_ERROR)
            self.established = True

    def _heard(self, kind: Kind) -> None:
        if kind is Kind.SERVER_HELLO_DONE:
            self._agree(self._psk, client=True, encrypt_then_mac=self._encrypt_then_mac)
            self._send_message(Kind.CLIENT_KEY_EXCHANGE, encode_identity(self._identity))
            self._send_finished(CLIENT_FINISHED)
            self._expects_cipher_change = True

    def _cipher_changed(self) -> None:
        self._state = "finished"

    def _choose(self, hello: ServerHello) -> None:
        if hello.version != VERSION:
            raise TlsError(
                f"the TLS server wants version {hello.version[0]}.{hello.version[1]}, not 3.3",
                Alert.PROTOCOL_VERSION,
            )
        if hello.suite not in self._suites or hello.compression:
            raise TlsError(
                f"the TLS server chose cipher suite {hello.suite:04X}, compression "
                f"{hello.compression}: not offered",
                Alert.ILLEGAL_PARAMETER,
            )
        if set(hello.extensions) - set(self._offered) - {RENEGOTIATION_INFO}:
            raise TlsError(
                "the TLS server answers extensions that were not offered",
                Alert.UNSUPPORTED_EXTENSION,
            )
        if hello.extensions.get(RENEGOTIATION_INFO, b"\x00") != b"\x00":
            raise TlsError("the TLS server renegotiates", Alert.HANDSHAKE_FAILURE)
        self.suite = Suite(hello.suite)
        self._encrypt_then_mac = ENCRYPT_THEN_MAC in hello.extensions
        if self._encrypt_then_mac and self.suite is Suite.PSK_AES_128_GCM_SHA256:
            raise TlsError("encrypt-then-MAC with GCM", Alert.ILLEGAL_PARAMETER)
        self._peer_random = hello.random
        self._reader.negotiated()
