"""The data objects of SCP03t: GSMA SGP.02, sections 2.5 and 4.1.3.3.

SCP03 in BER-TLVs instead of APDUs. In a C-MAC, tag and length (MAC counted) stand where SCP03 has
CLA INS P1 P2 Lc; the R-MAC is built in the same way, without a status word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.scp03_channel import MAC_BYTES, SecureChannelError

INITIALIZE_UPDATE: Final = 0x84
EXTERNAL_AUTHENTICATE: Final = 0x85
SECURED_DATA: Final = 0x86
REPLACE_SESSION_KEYS: Final = 0x87
_ERROR_TAGS: Final = {
    INITIALIZE_UPDATE: 0x9F44,
    EXTERNAL_AUTHENTICATE: 0x9F45,
    SECURED_DATA: 0x9F46,
    # The error of 87 is not in print; it carries secured data, so it shares that tag.
    REPLACE_SESSION_KEYS: 0x9F46,
}

LONGEST: Final = 1024
"""Usual limit of one whole data object in bytes; set it after the card at hand."""


class ErrorCode(IntEnum):
    """Code in an error TLV. Code 02 under 9F46 has been seen on a card; the rest is recalled."""

    STRUCTURE = 0x01
    SECURITY = 0x02
    KEY_NOT_FOUND = 0x03


class TlvRefusedError(CodecError):
    """The other end answered with an error TLV; ``tag`` and ``code`` as received."""

    def __init__(self, tag: int, code: int) -> None:
        known = {one.value: one.name.lower().replace("_", " ") for one in ErrorCode}
        super().__init__(f"SCP03t refused with {tag:04X} {code:02X} ({known.get(code, 'unknown')})")
        self.tag = tag
        self.code = code


@dataclass(frozen=True, slots=True)
class TlvRules:
    """What is left to recollection; set it after the card at hand.

    * ``mac_on_empty``: an empty answer to 86 carries an R-MAC. A real eUICC answers ``86 00``.
    * ``mac_on_authenticate``: the answer to 85 carries an R-MAC instead of being ``85 00``.
    """

    mac_on_empty: bool = False
    mac_on_authenticate: bool = False


def error_answer(command_tag: int, code: ErrorCode) -> bytes:
    """Return the error TLV that answers a command with this tag; unknown tags as 86."""
    return tlv.encode(_ERROR_TAGS.get(command_tag, 0x9F46), bytes((code,)))


def code_of(error: CodecError) -> ErrorCode:
    """Return the code for what went wrong with a command: security, else structure."""
    return ErrorCode.SECURITY if isinstance(error, SecureChannelError) else ErrorCode.STRUCTURE


def read(raw: bytes, tag: int, *, limit: int | None = None) -> bytes:
    """Return the value of one whole data object with this tag.

    :class:`TlvRefusedError` for an error TLV, :class:`CodecError` for anything else and for more
    than ``limit`` bytes.
    """
    if limit is not None and len(raw) > limit:
        raise CodecError(f"SCP03t data object of {len(raw)} bytes; at most {limit}")
    found, rest = tlv.decode_one(raw)
    if rest:
        raise CodecError(f"{len(rest)} bytes behind the SCP03t data object {found.tag:02X}")
    if found.tag in _ERROR_TAGS.values() and len(found.value) == 1:
        raise TlvRefusedError(found.tag, found.value[0])
    if found.tag != tag:
        raise CodecError(f"SCP03t data object {found.tag:02X} came where {tag:02X} was due")
    return found.value


def head(tag: int, length: int) -> bytes:
    """Return tag and length as they stand in a MAC; ``length`` counts the MAC."""
    return bytes((tag,)) + tlv.encode_length(length)


def room(limit: int = LONGEST, *, mac_bytes: int = MAC_BYTES) -> int:
    """Return how many plain bytes fit one enciphered data object of at most ``limit`` bytes."""
    length = limit - 2
    while len(head(SECURED_DATA, length)) + length > limit:
        length -= 1
    blocks = (length - mac_bytes) // 16
    if blocks < 1:
        raise CodecError(f"{limit} bytes leave no room for one enciphered block and its MAC")
    return 16 * blocks - 1
