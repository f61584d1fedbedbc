"""Handshake messages of TLS 1.2 with pre-shared keys (RFC 5246, 7.4; RFC 4279)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

from hil.wire.tls.alerts import Alert, TlsError
from hil.wire.tls.records import VERSION

RANDOM: Final = 32
MAX_MESSAGE: Final = 1 << 14
RENEGOTIATION_SCSV: Final = 0x00FF
ENCRYPT_THEN_MAC: Final = 0x0016
RENEGOTIATION_INFO: Final = 0xFF01


class Suite(IntEnum):
    """Cipher suites (RFC 5487)."""

    PSK_AES_128_GCM_SHA256 = 0x00A8
    PSK_AES_128_CBC_SHA256 = 0x00AE


class Kind(IntEnum):
    """Handshake types that this profile of TLS knows."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    SERVER_KEY_EXCHANGE = 12
    SERVER_HELLO_DONE = 14
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The client's offer; ``version`` is the highest it knows."""

    random: bytes
    suites: tuple[int, ...]
    extensions: Mapping[int, bytes] = field(default_factory=dict)
    version: bytes = VERSION
    session_id: bytes = b""
    compressions: bytes = b"\x00"

    def encode(self) -> bytes:
        """Return the body of the message."""
        suites = b"".join(one.to_bytes(2, "big") for one in self.suites)
        body = self.version + self.random + _vector(self.session_id, 1)
        body += _vector(suites, 2) + _vector(self.compressions, 1)
        return body + _encode_extensions(self.extensions)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the body."""
        reader = Reader(body)
        version = reader.take(2)
        random = reader.take(RANDOM)
        session_id = reader.vector(1)
        suites = reader.vector(2)
        compressions = reader.vector(1)
        if len(session_id) > RANDOM or len(suites) % 2 or not suites or not compressions:
            raise _broken("ClientHello")
        pairs = zip(suites[0::2], suites[1::2], strict=True)
        numbers = tuple(high << 8 | low for high, low in pairs)
        extensions = _decode_extensions(reader)
        return cls(random, numbers, extensions, version, session_id, compressions)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """The server's choice."""

    random: bytes
    suite: int
    extensions: Mapping[int, bytes] = field(default_factory=dict)
    version: bytes = VERSION
    session_id: bytes = b""
    compression: int = 0

    def encode(self) -> bytes:
        """Return the body of the message."""
        body = self.version + self.random + _vector(self.session_id, 1)
        body += self.suite.to_bytes(2, "big") + bytes((self.compression,))
        return body + _encode_extensions(self.extensions)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read the body."""
        reader = Reader(body)
        version = reader.take(2)
        random = reader.take(RANDOM)
        session_id = reader.vector(1)
        suite = int.from_bytes(reader.take(2), "big")
        compression = reader.take(1)[0]
        if len(session_id) > RANDOM:
            raise _broken("ServerHello")
        return cls(random, suite, _decode_extensions(reader), version, session_id, compression)


def encode_message(kind: Kind, body: bytes) -> bytes:
    """Return a handshake message with its head."""
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def encode_identity(identity: bytes) -> bytes:
    """Return the body of ClientKeyExchange; of ServerKeyExchange for an identity hint."""
    return _vector(identity, 2)


def decode_identity(body: bytes) -> bytes:
    """Read the body of ClientKeyExchange, or of ServerKeyExchange."""
    reader = Reader(body)
    identity = reader.vector(2)
    reader.end()
    return identity


class Reader:
    """Takes fields from a message; ``decode_error`` when they are not all there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Return so many bytes."""
        if size > self.left:
            raise _broken("a handshake message")
        self._at += size
        return self._data[self._at - size : self._at]

    def vector(self, length_size: int) -> bytes:
        """Return a field whose length stands before it in so many bytes."""
        return self.take(int.from_bytes(self.take(length_size), "big"))

    def end(self) -> None:
        """Refuse bytes behind the last field."""
        if self.left:
            raise _broken("a handshake message")


def _encode_extensions(extensions: Mapping[int, bytes]) -> bytes:
    if not extensions:
        return b""
    rows = [kind.to_bytes(2, "big") + _vector(data, 2) for kind, data in extensions.items()]
    return _vector(b"".join(rows), 2)


def _decode_extensions(reader: Reader) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if not reader.left:
        return found
    rows = Reader(reader.vector(2))
    reader.end()
    while rows.left:
        kind = int.from_bytes(rows.take(2), "big")
        if kind in found:
            raise _broken("the list of extensions")
        found[kind] = rows.vector(2)
    return found


def _vector(data: bytes, length_size: int) -> bytes:
    return len(data).to_bytes(length_size, "big") + data


def _broken(what: str) -> TlsError:
    return TlsError(f"{what} of the TLS peer breaks its format", Alert.DECODE_ERROR)
