"""Messages of HiSLIP version 1: a header of 16 bytes and a payload (IVI-6.1, 2.4 to 2.6).

The header is ``HS``, message type, control code, a parameter of 4 bytes and the length of the
payload in 8 bytes, big endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

_HEADER = struct.Struct("!2sBBIQ")
HEADER_SIZE = _HEADER.size
PROLOGUE = b"HS"
FIRST_MESSAGE_ID = 0xFFFF_FF00
"""Message ids of a client begin here and go up by 2 (IVI-6.1, 3.1.2)."""


class Kind(IntEnum):
    """Message types (IVI-6.1, table 4)."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAXIMUM_MESSAGE_SIZE = 15
    ASYNC_MAXIMUM_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


FIRST_VENDOR_KIND = 128


class Fatal(IntEnum):
    """Codes of a fatal error, after which both channels are closed (IVI-6.1, table 7)."""

    UNIDENTIFIED = 0
    BAD_HEADER = 1
    BOTH_CHANNELS_NEEDED = 2
    BAD_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class Mistake(IntEnum):
    """Codes of an error that leaves the connection as it is (IVI-6.1, table 9)."""

    UNIDENTIFIED = 0
    UNKNOWN_MESSAGE_TYPE = 1
    UNKNOWN_CONTROL_CODE = 2
    UNKNOWN_VENDOR_MESSAGE = 3
    TOO_LARGE = 4


@dataclass(frozen=True, slots=True)
class Header:
    """One header as it came; ``kind`` may be a number that no version knows."""

    kind: int
    control: int
    parameter: int
    length: int

    @classmethod
    def decode(cls, data: bytes) -> Header | None:
        """Read 16 bytes; None if they do not begin with ``HS``."""
        prologue, kind, control, parameter, length = _HEADER.unpack(data)
        return cls(kind, control, parameter, length) if prologue == PROLOGUE else None


def message(kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """Return a message as it goes on the line."""
    return _HEADER.pack(PROLOGUE, kind, control, parameter, len(payload)) + payload


def size_payload(size: int) -> bytes:
    """Return the payload of a maximum message size."""
    return size.to_bytes(8, "big")
