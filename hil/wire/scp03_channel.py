"""The protected state both ends of an SCP03 session share: chaining value, counter, session keys.

The same state serves the APDU form (SCP03) and the TLV form (SCP03t); they differ only in the
bytes that stand before and behind the data in a MAC. GlobalPlatform Amendment D, section 6.2.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.wire.aes import BLOCK, ZERO_BLOCK, BlockCipher, Mac, pad, unpad

if TYPE_CHECKING:
    from hil.wire.scp03_keys import SessionKeys

MAC_BYTES: Final = 8
LEVELS: Final = frozenset({0x01, 0x03, 0x11, 0x13, 0x33})
"""The security levels in use."""

_RESPONSE_COUNTER: Final = 0x80 << 120


class SecureChannelError(CodecError):
    """A message broke its secure channel. ``sw`` is what a card is expected to answer.

    The session is over; open a new one.
    """

    sw: int = 0x6982


class CryptogramError(SecureChannelError):
    """The other end did not show that it has the keys."""

    sw = 0x6300


class CommandMacError(SecureChannelError):
    """A command came changed, out of order, twice, or under other keys."""


class ResponseMacError(SecureChannelError):
    """An answer came changed, or is not the answer to the command sent last."""


class LevelError(SecureChannelError):
    """A security level that is not in use, or that the card cannot keep."""

    sw = 0x6A86


class Level(IntFlag):
    """Bits of the security level in EXTERNAL AUTHENTICATE."""

    C_MAC = 0x01
    C_DECRYPTION = 0x02
    R_MAC = 0x10
    R_ENCRYPTION = 0x20


class Option(IntFlag):
    """Bits of the SCP03 parameter *i* (Amendment D, table 5-1)."""

    S16 = 0x08
    PSEUDO_RANDOM = 0x10
    R_MAC = 0x20
    R_ENCRYPTION = 0x40


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """What the standard leaves to recollection; set it after the card at hand.

    * ``mac_on_empty``: an answer without data carries an R-MAC all the same.
    * ``proactive_as_success``: a status word 91xx stands as 9000 in the R-MAC, for the toolkit
      changes the status word below the secure channel. Otherwise 91xx answers go unprotected.
    """

    mac_on_empty: bool = True
    proactive_as_success: bool = True


def check_level(level: int, option: int) -> None:
    """Refuse a level that is not in use or that a card with parameter ``option`` cannot keep."""
    if level not in LEVELS:
        known = ", ".join(f"{one:02X}" for one in sorted(LEVELS))
        raise LevelError(f"security level {level:02X} is not one of {known}")
    if (level & Level.R_MAC and not option & Option.R_MAC) or (
        level & Level.R_ENCRYPTION and not option & Option.R_ENCRYPTION
    ):
        raise LevelError(f"security level {level:02X} needs more than a card with i={option:02X}")


class Channel:
    """Protects and opens commands and answers in their order; not safe for use by two threads."""

    __slots__ = (
        "_cipher",
        "_enciphers_answers",
        "_mac",
        "_rmac",
        "_signs_answers",
        "chain",
        "counter",
        "deciphers",
        "level",
    )

    def __init__(self, keys: SessionKeys, level: int) -> None:
        self._cipher = BlockCipher(keys.enc)
        self._mac = Mac(keys.mac)
        self._rmac = Mac(keys.rmac)
        self.level = level
        # Read once: tests of enum flags would cost as much as the ciphers.
        self.deciphers = bool(level & Level.C_DECRYPTION)
        """Whether command data is enciphered."""
        self._signs_answers = bool(level & Level.R_MAC)
        self._enciphers_answers = bool(level & Level.R_ENCRYPTION)
        self.chain = ZERO_BLOCK
        """All 16 bytes of the last C-MAC."""
        self.counter = 0
        """Number of the present command; the first one after EXTERNAL AUTHENTICATE has 1."""

    def encipher(self, data: bytes) -> bytes:
        """Count one command and return its data as it goes on the wire."""
        if not self.deciphers:
            return data
        self.counter += 1
        if not data:
            return data
        return self._cipher.encrypt(pad(data), self._icv(self.counter))

    def decipher(self, data: bytes) -> bytes:
        """Count one command and return its plain data."""
        if not self.deciphers:
            return data
        self.counter += 1
        if not data:
            return data
        return self._open(data, self.counter)

    def sign(self, head: bytes, data: bytes) -> bytes:
        """Return the 8-byte C-MAC over ``head`` and ``data`` and chain it on."""
        self.chain = self._mac.of(self.chain + head + data)
        return self.chain[:MAC_BYTES]

    def verify(self, head: bytes, data: bytes, mac: bytes) -> None:
        """Check a C-MAC and chain it on; :class:`CommandMacError` and no change when wrong."""
        chain = self._mac.of(self.chain + head + data)
        if not hmac.compare_digest(chain[:MAC_BYTES], mac):
            raise CommandMacError(
                "C-MAC is wrong: the command was changed, dropped, repeated, or has other keys"
            )
        self.chain = chain

    def command_length(self, plain: int) -> int:
        """Return how many bytes ``plain`` bytes of command data become, C-MAC counted."""
        return self._length(plain, enciphered=self.deciphers) + MAC_BYTES

    def response_length(self, plain: int) -> int:
        """Return how many bytes ``plain`` bytes of answer data become, R-MAC counted."""
        if not self._signs_answers:
            return plain
        return self._length(plain, enciphered=self._enciphers_answers) + MAC_BYTES

    def seal_response(self, data: bytes, *, head: bytes = b"", tail: bytes = b"") -> bytes:
        """Return answer data with R-ENCRYPTION and R-MAC as the level says.

        ``head`` and ``tail`` stand around the data in the R-MAC only.
        """
        if not self._signs_answers:
            return data
        if data and self._enciphers_answers:
            data = self._cipher.encrypt(pad(data), self._icv(self.counter | _RESPONSE_COUNTER))
        return data + self._rmac.of(self.chain + head + data + tail)[:MAC_BYTES]

    def open_response(self, sent: bytes, *, head: bytes = b"", tail: bytes = b"") -> bytes:
        """Check R-MAC and return the plain answer data; :class:`ResponseMacError` when wrong."""
        if not self._signs_answers:
            return sent
        if len(sent) < MAC_BYTES:
            raise ResponseMacError(f"answer of {len(sent)} bytes has no room for its R-MAC")
        data = sent[:-MAC_BYTES]
        mac = self._rmac.of(self.chain + head + data + tail)[:MAC_BYTES]
        if not hmac.compare_digest(mac, sent[-MAC_BYTES:]):
            raise ResponseMacError(
                "R-MAC is wrong: the answer was changed or is not to this command"
            )
        if data and self._enciphers_answers:
            data = self._open(data, self.counter | _RESPONSE_COUNTER)
        return data

    @staticmethod
    def _length(plain: int, *, enciphered: bool) -> int:
        return plain // BLOCK * BLOCK + BLOCK if plain and enciphered else plain

    def _open(self, data: bytes, block: int) -> bytes:
        try:
            return unpad(self._cipher.decrypt(data, self._icv(block)))
        except CodecError as err:
            raise SecureChannelError(f"message {self.counter} under a good MAC: {err}") from err

    def _icv(self, block: int) -> bytes:
        return self._cipher.block(block.to_bytes(16, "big"))
