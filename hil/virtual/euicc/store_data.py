"""STORE DATA: chains of blocks, and what P1 says (GlobalPlatform Card Specification 11.11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Self

import cbor2

from hil.virtual.euicc.refusal import RefusalError
from hil.wire.ecc import PublicKey

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
    """The blocks of one STORE DATA sequence, numbered from 00 in P2, and what they are about.

    ``dek``: the key that enciphers keys in the conversation the blocks come in, ``None`` for none.
    ``target``: the domain that INSTALL [for personalization] named. ``challenge``: what goes
    between the two messages of a key establishment.
    """

    __slots__ = ("_data", "_next", "challenge", "dek", "target")

    def __init__(self) -> None:
        self._data = bytearray()
        self._next = 0
        self.dek: StoredKey | None = None
        self.target: bytes | None = None
        self.challenge: Challenge | None = None

    def take(self, command: CommandApdu) -> bytes:
        """Take one block; return all that came and was not yet consumed.

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
        return bytes(self._data)

    def consume(self) -> None:
        """Drop what came so far; the next block goes on with its number."""
        self._data.clear()

    def feed(self, command: CommandApdu) -> bytes | None:
        """Take one block; return the whole data at the last one, ``None`` before."""
        whole = self.take(command)
        if not is_last(command):
            return None
        self.forget()
        return whole

    def forget(self) -> None:
        """End the sequence of blocks and drop what it brought."""
        self._data.clear()
        self._next = 0
        self.challenge = None

    def end(self) -> None:
        """End the conversation too."""
        self.forget()
        self.target = None

    def write(self) -> bytes:
        """Return the conversation, without the key it came under, to be gone on with later."""
        known = self.challenge
        challenge = None if known is None else [known.domain, known.key.encode(), known.random]
        return cbor2.dumps([bytes(self._data), self._next, self.target, challenge])

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Return a conversation that was written down."""
        made = cls()
        data, made._next, made.target, challenge = cbor2.loads(raw)
        made._data = bytearray(data)
        if challenge is not None:
            domain, key, random = challenge
            made.challenge = Challenge(domain, PublicKey.decode(key), random)
        return made


@dataclass(frozen=True, slots=True)
class Challenge:
    """Between the two messages: whose certificate was accepted for which domain, and RC."""

    domain: bytes
    key: PublicKey
    random: bytes


def is_last(command: CommandApdu) -> bool:
    """Whether P1 says that the block is the last one."""
    return bool(command.p1 & _LAST)
