"""STORE DATA: chains of blocks, and what P1 says (GlobalPlatform Card Specification 11.11)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.refusal import RefusalError

if TYPE_CHECKING:
    from hil.virtual.euicc.key_store import StoredKey
    from hil.wire.apdu import CommandApdu

INS: Final = 0xE2
_LAST: Final = 0x80
_ENCRYPTED: Final = 0x60
_STRUCTURE: Final = 0x18
MAX_CHAIN: Final = 64 * 1024


class Form(Enum):
    """Structure of the data, b5 b4 of P1."""

    UNSPECIFIED = 0x00
    DGI = 0x08
    BER_TLV = 0x10


def form_of(command: CommandApdu) -> Form:
    """Return the structure that P1 names; 6A86 for the reserved one and for enciphered data."""
    if command.p1 & _ENCRYPTED or command.p1 & _STRUCTURE == _STRUCTURE:
        raise RefusalError(0x6A86, f"STORE DATA with P1 {command.p1:02X}")
    return Form(command.p1 & _STRUCTURE)


class Chain:
    """The blocks of one STORE DATA sequence, numbered from 00 in P2.

    ``dek``: the key that enciphers keys in the conversation the blocks come in, ``None`` for none.
    """

    __slots__ = ("_data", "_next", "dek")

    def __init__(self) -> None:
        self._data = bytearray()
        self._next = 0
        self.dek: StoredKey | None = None

    def feed(self, command: CommandApdu) -> bytes | None:
        """Take one block; return the whole data at the last one, ``None`` before.

        Block 00 begins anew. A wrong number, or too much data, ends the chain: 6A86, 6A84.
        """
        if command.p2 == 0:
            self.forget()
        if command.p2 != self._next & 0xFF:
            expected = self._next & 0xFF
            self.forget()
            raise RefusalError(0x6A86, f"block {command.p2:02X} instead of {expected:02X}")
        self._data += command.data
        self._next += 1
        if len(self._data) > MAX_CHAIN:
            self.forget()
            raise RefusalError(0x6A84, f"STORE DATA chain above {MAX_CHAIN} bytes")
        if not command.p1 & _LAST:
            return None
        whole = bytes(self._data)
        self.forget()
        return whole

    def forget(self) -> None:
        """Drop what came so far."""
        self._data.clear()
        self._next = 0
