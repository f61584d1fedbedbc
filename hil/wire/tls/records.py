"""The record layer of TLS 1.2: cutting the stream into records (RFC 5246, 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hil.wire.tls.alerts import Alert, TlsError

VERSION: Final = b"\x03\x03"
HEAD: Final = 5
MAX_PLAIN: Final = 1 << 14
MAX_SEALED: Final = MAX_PLAIN + 2048


class Content(IntEnum):
    """Content types."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``fragment`` may be protected."""

    kind: Content
    fragment: bytes

    def encode(self) -> bytes:
        """Return the record for the wire."""
        size = len(self.fragment).to_bytes(2, "big")
        return bytes((self.kind,)) + VERSION + size + self.fragment


class RecordReader:
    """Collects bytes and gives whole records."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._any_minor = True

    @property
    def inside(self) -> bool:
        """Whether a record has begun and is not whole yet."""
        return bool(self._data)

    def negotiated(self) -> None:
        """Accept records of TLS 1.2 only from now on; the first ones may say 3.1 or 3.0."""
        self._any_minor = False

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream."""
        self._data += data

    def next(self) -> Record | None:
        """Return the next whole record; :class:`TlsError` for a head that is none."""
        data = self._data
        if not data:
            return None
        kind = data[0]
        if not Content.CHANGE_CIPHER_SPEC <= kind <= Content.APPLICATION_DATA:
            raise TlsError(f"TLS record of unknown type {kind}", Alert.UNEXPECTED_MESSAGE)
        if len(data) < HEAD:
            return None
        if data[1] != VERSION[0] or not (self._any_minor or data[2] == VERSION[1]):
            raise TlsError(
                f"TLS record of version {data[1]}.{data[2]}, not 3.3", Alert.PROTOCOL_VERSION
            )
        size = int.from_bytes(data[3:HEAD], "big")
        if size > MAX_SEALED:
            raise TlsError(f"TLS record of {size} bytes", Alert.RECORD_OVERFLOW)
        if len(data) < HEAD + size:
            return None
        record = Record(Content(kind), bytes(data[HEAD : HEAD + size]))
        del data[: HEAD + size]
        return record
