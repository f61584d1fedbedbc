"""The protected state both ends of an SCP03 session share: chaining value, counter, session keys.

The same state serves the APDU form (SCP03) and the TLV form (SCP03t); they differ only in the
bytes that stand before and behind the data in a MAC. GlobalPlatform Amendment D, section 6.2.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from hil.errors import CodecError
from hil.wire.aes import BLOCK, ZERO_BLOCK, BlockCipher, Mac, pad, unpad
from hil.wire.scp03_keys import S8, S16, SessionKeys

MAC_BYTES: Final = S8
"""Bytes of a MAC on the wire in S8 mode, the one that SGP.02 wants."""
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
    """Bits of the SCP03 parameter *i* (Amendment D, table 5-1).

    Published sessions in S16 mode show b1 (i = 71); other readings of the table put it at b4.
    Either bit is taken for S16 mode, and neither has another meaning.
    """

    S16 = 0x01
    S16_B4 = 0x08
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


_S16_BITS: Final = int(Option.S16 | Option.S16_B4)


def size_of(option: int) -> int:
    """Return the bytes of challenges, cryptograms and MACs under parameter ``option``: 8 or 16."""
    return S16 if option & _S16_BITS else S8


def check_option(option: int) -> None:
    """Refuse a parameter *i* that no card can have: R-ENCRYPTION without R-MAC, reserved bits."""
    known = int(Option.PSEUDO_RANDOM | Option.R_MAC | Option.R_ENCRYPTION) | _S16_BITS
    if option & ~known:
        raise CodecError(f"SCP03 parameter i={option:02X} has bits set that are reserved")
    if option & Option.R_ENCRYPTION and not option & Option.R_MAC:
        raise CodecError(f"SCP03 parameter i={option:02X} has R-ENCRYPTION without R-MAC")


def check_level(level: int, option: int) -> None:
    """Refuse a level that is not in use or that a card with parameter ``option`` cannot keep."""
    if level not in LEVELS:
        known = ", ".join(f"{one:02X}" for one in sorted(LEVELS))
        raise LevelError(f"security level {level:02X} is not one of {known}")
    if (level & Level.R_MAC and not option & Option.R_MAC) or (
        level & Level.R_ENCRYPTION and not option & Option.R_ENCRYPTION
    ):
        raise LevelError(f"security level {level:02X} needs more than a card with i={option:02X}")


def strongest_level(option: int) -> int:
    """Return the highest security level that a card with parameter ``option`` can keep."""
    level = int(Level.C_MAC | Level.C_DECRYPTION)
    if option & Option.R_MAC:
        level |= Level.R_MAC
        if option & Option.R_ENCRYPTION:
            level |= Level.R_ENCRYPTION
    return level


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
        "mac_bytes",
    )

    def __init__(self, keys: SessionKeys, level: int, mac_bytes: int = MAC_BYTES) -> None:
        self.mac_bytes = mac_bytes
        """Bytes of a MAC on the wire: 8, or 16 in S16 mode."""
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
        """Return the C-MAC over ``head`` and ``data`` and chain it on."""
        self.chain = self._mac.of(self.chain + head + data)
        return self.chain[: self.mac_bytes]

    def verify(self, head: bytes, data: bytes, mac: bytes) -> None:
        """Check a C-MAC and chain it on; :class:`CommandMacError` and no change when wrong."""
        chain = self._mac.of(self.chain + head + data)
        if not hmac.compare_digest(chain[: self.mac_bytes], mac):
            raise CommandMacError(
                "C-MAC is wrong: the command was changed, dropped, repeated, or has other keys"
            )
        self.chain = chain

    def command_length(self, plain: int) -> int:
        """Return how many bytes ``plain`` bytes of command data become, C-MAC counted."""
        return self._length(plain, enciphered=self.deciphers) + self.mac_bytes

    def room(self, longest: int) -> int:
        """Return how many plain bytes of command data fit ``longest`` protected ones."""
        room = longest - self.mac_bytes
        return room // BLOCK * BLOCK - 1 if self.deciphers else room

    def response_length(self, plain: int) -> int:
        """Return how many bytes ``plain`` bytes of answer data become, R-MAC counted."""
        if not self._signs_answers:
            return plain
        return self._length(plain, enciphered=self._enciphers_answers) + self.mac_bytes

    def seal_response(self, data: bytes, *, head: bytes = b"", tail: bytes = b"") -> bytes:
        """Return answer data with R-ENCRYPTION and R-MAC as the level says.

        ``head`` and ``tail`` stand around the data in the R-MAC only.
        """
        if not self._signs_answers:
            return data
        if data and self._enciphers_answers:
            data = self._cipher.encrypt(pad(data), self._icv(self.counter | _RESPONSE_COUNTER))
        return data + self._rmac.of(self.chain + head + data + tail)[: self.mac_bytes]

    def open_response(self, sent: bytes, *, head: bytes = b"", tail: bytes = b"") -> bytes:
        """Check R-MAC and return the plain answer data; :class:`ResponseMacError` when wrong."""
        if not self._signs_answers:
            return sent
        size = self.mac_bytes
        if len(sent) < size:
            raise ResponseMacError(f"answer of {len(sent)} bytes has no room for its R-MAC")
        data = sent[:-size]
        mac = self._rmac.of(self.chain + head + data + tail)[:size]
        if not hmac.compare_digest(mac, sent[-size:]):
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
