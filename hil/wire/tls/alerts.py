"""Alerts of TLS 1.2 (RFC 5246, 7.2), and the error that carries one."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from hil.errors import CodecError

WARNING: Final = 1
FATAL: Final = 2


class Alert(IntEnum):
    """Descriptions in use here; others are logged by number."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    ILLEGAL_PARAMETER = 47
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INTERNAL_ERROR = 80
    NO_RENEGOTIATION = 100
    UNSUPPORTED_EXTENSION = 110
    UNKNOWN_PSK_IDENTITY = 115


class TlsError(CodecError):
    """The connection is over. ``alert``: the description sent or received.

    ``from_peer``: the other end ended it; otherwise this end did.
    """

    def __init__(self, text: str, alert: int, *, from_peer: bool = False) -> None:
        super().__init__(text)
        self.alert = alert
        self.from_peer = from_peer


def name_of(alert: int) -> str:
    """Return the name of an alert as the RFC spells it, or its number."""
    try:
        return Alert(alert).name.lower()
    except ValueError:
        return f"alert {alert}"
