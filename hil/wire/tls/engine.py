"""One end of a TLS 1.2 connection without I/O: what client and server have in common.

Bytes from the peer go into :meth:`Engine.receive`, what is to be sent comes out of
:meth:`Engine.outgoing`. After a :class:`TlsError` the outgoing bytes hold the alert, and nothing
more is taken.
"""

from __future__ import annotations

import secrets as system_entropy
from collections.abc import Callable
from typing import Final

from hil.wire.tls.alerts import FATAL, WARNING, Alert, TlsError, name_of
from hil.wire.tls.messages import MAX_MESSAGE, Kind, Suite, encode_message
from hil.wire.tls.protection import CbcProtection, GcmProtection, Protection
from hil.wire.tls.records import MAX_PLAIN, Content, Record, RecordReader
from hil.wire.tls.secrets import DirectionKeys, direction_keys, master_secret, verify_data

Entropy = Callable[[int], bytes]
SUITES: Final = (Suite.PSK_AES_128_GCM_SHA256, Suite.PSK_AES_128_CBC_SHA256)
CLIENT_FINISHED: Final = b"client finished"
SERVER_FINISHED: Final = b"server finished"
_MESSAGE_HEAD: Final = 4
_PATIENCE: Final = 16
_LAST_RECORD: Final = (1 << 64) - 1


class Engine:
    """State of one end. Subclasses answer handshake messages in :meth:`_handle`."""

    def __init__(self, *, entropy: Entropy | None = None) -> None:
        self.suite: Suite | None = None
        self.established = False
        self.peer_closed = False
        self._entropy = entropy or system_entropy.token_bytes
        self._reader = RecordReader()
        self._handshake = bytearray()
        self._transcript = bytearray()
        self._out = bytearray()
        self._plain = bytearray()
        self._sealing: Protection | None = None
        self._opening: Protection | None = None
        self._next_keys: tuple[Protection, Protection] | None = None
        self._sent = self._received = 0
        self._master = b""
        self._random = self._entropy(32)
        self._peer_random = b""
        self._odd = 0
        self._failure: TlsError | None = None
        self._closed = False
        self._expects_cipher_change = False

    @property
    def over(self) -> bool:
        """Whether no more application data can come or go."""
        return self.peer_closed or self._closed or self._failure is not None

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; :class:`TlsError` ends the connection."""
        if self._failure is not None:
            raise self._failure
        self._reader.feed(data)
        try:
            while not self.peer_closed and (record := self._reader.next()) is not None:
                self._take(record)
        except TlsError as err:
            self._fail(err)
            raise

    def outgoing(self) -> bytes:
        """Return what is to be sent to the peer, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def read(self) -> bytes:
        """Return the application data that came, once."""
        data = bytes(self._plain)
        self._plain.clear()
        return data

    def write(self, data: bytes) -> None:
        """Protect application data; :class:`TlsError` unless the handshake is done."""
        if not self.established or self.over:
            raise TlsError("this TLS connection carries no data", Alert.INTERNAL_ERROR)
        for at in range(0, len(data), MAX_PLAIN):
            self._send(Content.APPLICATION_DATA, data[at : at + MAX_PLAIN])

    def close(self) -> None:
        """Say that no more data come (close_notify); may be called again."""
        if not self._closed and self._failure is None:
            self._closed = True
            self._send(Content.ALERT, bytes((WARNING, Alert.CLOSE_NOTIFY)))

    def end_of_stream(self) -> None:
        """Say that the transport has ended; :class:`TlsError` when it was cut before the close."""
        if self._failure is None and not self.peer_closed:
            self._failure = TlsError(
                "the link ended before the TLS connection was closed", Alert.CLOSE_NOTIFY
            )
            raise self._failure

    def _handle(self, kind: Kind, body: bytes) -> None:
        raise NotImplementedError

    def _cipher_changed(self) -> None:
        """Do what follows the peer's ChangeCipherSpec."""

    def _take(self, record: Record) -> None:
        fragment = record.fragment
        if self._opening is not None:
            if self._received >= _LAST_RECORD:
                raise TlsError("too many TLS records under one key", Alert.INTERNAL_ERROR)
            fragment = self._opening.open(self._received, record.kind, fragment)
            self._received += 1
        if len(fragment) > MAX_PLAIN:
            raise TlsError(f"TLS record of {len(fragment)} plain bytes", Alert.RECORD_OVERFLOW)
        if record.kind is Content.APPLICATION_DATA:
            if not self.established:
                raise _unexpected("application data before the end of the handshake")
            if not fragment:
                self._count_oddity()
            self._plain += fragment
            return
        if not fragment:
            raise _unexpected("an empty record")
        if record.kind is Content.HANDSHAKE:
            self._take_handshake(fragment)
        elif self._handshake:
            raise _unexpected("a record within a handshake message")
        elif record.kind is Content.ALERT:
            self._take_alert(fragment)
        else:
            self._take_cipher_change(fragment)

    def _take_handshake(self, fragment: bytes) -> None:
        self._handshake += fragment
        while len(self._handshake) >= _MESSAGE_HEAD:
            size = int.from_bytes(self._handshake[1:_MESSAGE_HEAD], "big")
            if size > MAX_MESSAGE:
                raise TlsError(f"handshake message of {size} bytes", Alert.DECODE_ERROR)
            end = _MESSAGE_HEAD + size
            if len(self._handshake) < end:
                return
            message = bytes(self._handshake[:end])
            del self._handshake[:end]
            self._take_message(message)

    def _take_message(self, message: bytes) -> None:
        try:
            kind = Kind(message[0])
        except ValueError:
            raise _unexpected(f"handshake message {message[0]}") from None
        if self.established or kind is Kind.HELLO_REQUEST:
            # Renegotiation: not offered, and politely declined (RFC 5246, 7.4.1.1).
            self._count_oddity()
            if kind not in (Kind.HELLO_REQUEST, Kind.CLIENT_HELLO):
                raise _unexpected(f"{kind.name} after the handshake")
            if self.established:
                self._send(Content.ALERT, bytes((WARNING, Alert.NO_RENEGOTIATION)))
            return
        self._handle(kind, message[_MESSAGE_HEAD:])
        self._transcript += message
        self._heard(kind)

    def _heard(self, kind: Kind) -> None:
        """Do what follows a message once it is part of the transcript."""

    def _take_alert(self, fragment: bytes) -> None:
        if len(fragment) != 2 or fragment[0] not in (WARNING, FATAL):
            raise TlsError("a broken alert of the TLS peer", Alert.DECODE_ERROR)
        level, description = fragment
        if description == Alert.CLOSE_NOTIFY:
            self.peer_closed = True
            self.close()
        elif level == FATAL:
            raise TlsError(
                f"the TLS peer ended the connection: {name_of(description)}",
                description,
                from_peer=True,
            )
        else:
            self._count_oddity()

    def _take_cipher_change(self, fragment: bytes) -> None:
        if fragment != b"\x01" or not self._expects_cipher_change or self._next_keys is None:
            raise _unexpected("ChangeCipherSpec")
        self._expects_cipher_change = False
        self._opening = self._next_keys[1]
        self._received = 0
        self._cipher_changed()

    def _count_oddity(self) -> None:
        self._odd += 1
        if self._odd > _PATIENCE:
            raise _unexpected("one empty or useless record after the other")

    def _fail(self, error: TlsError) -> None:
        if not error.from_peer and not self._closed:
            self._send(Content.ALERT, bytes((FATAL, error.alert)))
        self._failure = error
        self.established = False
        self._plain.clear()

    def _send(self, kind: Content, plain: bytes) -> None:
        if self._sealing is not None:
            plain, self._sent = self._sealing.seal(self._sent, kind, plain), self._sent + 1
        self._out += Record(kind, plain).encode()

    def _send_message(self, kind: Kind, body: bytes) -> None:
        message = encode_message(kind, body)
        self._transcript += message
        self._send(Content.HANDSHAKE, message)

    def _change_cipher(self) -> None:
        self._send(Content.CHANGE_CIPHER_SPEC, b"\x01")
        if self._next_keys is None:
            raise TlsError("no keys were agreed upon", Alert.INTERNAL_ERROR)
        self._sealing = self._next_keys[0]
        self._sent = 0

    def _send_finished(self, label: bytes) -> None:
        self._change_cipher()
        data = verify_data(self._master, label, bytes(self._transcript))
        self._send_message(Kind.FINISHED, data)

    def _expected_finished(self, label: bytes) -> bytes:
        return verify_data(self._master, label, bytes(self._transcript))

    def _agree(self, psk: bytes, *, client: bool, encrypt_then_mac: bool) -> None:
        """Make the keys of both directions, to come into force at ChangeCipherSpec."""
        ours, peers = self._random, self._peer_random
        randoms = (ours, peers) if client else (peers, ours)
        self._master = master_secret(psk, *randoms)
        gcm = self.suite is Suite.PSK_AES_128_GCM_SHA256
        by_client, by_server = direction_keys(
            self._master,
            *randoms,
            mac_size=0 if gcm else 32,
            key_size=16,
            salt_size=4 if gcm else 0,
        )

        def protection(keys: DirectionKeys) -> Protection:
            if gcm:
                return GcmProtection(keys)
            return CbcProtection(keys, self._entropy, encrypt_then_mac=encrypt_then_mac)

        pair = (protection(by_client), protection(by_server))
        self._next_keys = pair if client else pair[::-1]


def _unexpected(what: str) -> TlsError:
    return TlsError(f"the TLS peer sent {what}", Alert.UNEXPECTED_MESSAGE)
