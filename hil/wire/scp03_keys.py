"""Keys of SCP03 and what is derived from them: GlobalPlatform Amendment D, sections 4.1 and 6.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hil.errors import CodecError
from hil.wire.aes import Mac, check_key

CHALLENGE: Final = 8
"""Bytes of a challenge and of a cryptogram in S8 mode."""

_CARD_CRYPTOGRAM: Final = 0x00
_HOST_CRYPTOGRAM: Final = 0x01
_CARD_CHALLENGE: Final = 0x02
_S_ENC: Final = 0x04
_S_MAC: Final = 0x06
_S_RMAC: Final = 0x07


@dataclass(frozen=True, slots=True)
class KeySet:
    """Three static AES keys of one length (16, 24 or 32 bytes) under one key version number."""

    kvn: int
    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    dek: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.kvn <= 0x7F:
            raise CodecError(f"key version number {self.kvn:X} is outside 00 to 7F")
        for name, key in (("K-ENC", self.enc), ("K-MAC", self.mac), ("K-DEK", self.dek)):
            check_key(key, what=f"{name} of key set {self.kvn:02X}")
        if not len(self.enc) == len(self.mac) == len(self.dek):
            raise CodecError(f"the keys of key set {self.kvn:02X} differ in length")


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """S-ENC, S-MAC and S-RMAC of one session."""

    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    rmac: bytes = field(repr=False)


def derive(key: bytes, constant: int, context: bytes, *, bits: int) -> bytes:
    """NIST SP 800-108 counter mode with AES-CMAC, in GlobalPlatform's own order of fields.

    Each block is the CMAC of: eleven zeros, constant, 00, length in bits (2 bytes), block number
    (1 byte, from 1), context. Library functions put the block number first and give other keys.
    """
    mac = Mac(key)
    head = bytes(11) + bytes((constant, 0)) + bits.to_bytes(2, "big")
    blocks = (bits + 127) // 128
    made = b"".join(mac.of(head + bytes((n + 1,)) + context) for n in range(blocks))
    return made[: bits // 8]


def derive_session(keys: KeySet, host_challenge: bytes, card_challenge: bytes) -> SessionKeys:
    """Return the session keys for two 8-byte challenges."""
    context = _context(host_challenge, card_challenge)
    bits = 8 * len(keys.enc)
    return SessionKeys(
        enc=derive(keys.enc, _S_ENC, context, bits=bits),
        mac=derive(keys.mac, _S_MAC, context, bits=bits),
        # K-MAC also gives S-RMAC: there is no third static key for it.
        rmac=derive(keys.mac, _S_RMAC, context, bits=bits),
    )


def card_challenge(keys: KeySet, counter: int, aid: bytes) -> bytes:
    """Return the pseudo-random 8-byte challenge a card with i = x1x gives for this counter.

    ``aid`` is that of the addressed security domain. Whoever holds the keys can say it beforehand.
    """
    return derive(keys.enc, _CARD_CHALLENGE, counter_bytes(counter) + aid, bits=64)


def card_cryptogram(session: SessionKeys, host_challenge: bytes, card_challenge: bytes) -> bytes:
    """Return the 8 bytes by which the card shows that it has the keys."""
    return derive(session.mac, _CARD_CRYPTOGRAM, _context(host_challenge, card_challenge), bits=64)


def host_cryptogram(session: SessionKeys, host_challenge: bytes, card_challenge: bytes) -> bytes:
    """Return the 8 bytes by which the host shows that it has the keys."""
    return derive(session.mac, _HOST_CRYPTOGRAM, _context(host_challenge, card_challenge), bits=64)


def counter_bytes(counter: int) -> bytes:
    """Return the 3 bytes of a sequence counter."""
    if not 0 <= counter <= 0xFFFFFF:
        raise CodecError(f"sequence counter {counter} does not fit 3 bytes")
    return counter.to_bytes(3, "big")


def _context(host_challenge: bytes, card_challenge: bytes) -> bytes:
    if len(host_challenge) != CHALLENGE or len(card_challenge) != CHALLENGE:
        raise CodecError(
            f"challenges have {CHALLENGE} bytes in S8 mode, "
            f"not {len(host_challenge)} (host) and {len(card_challenge)} (card)"
        )
    return host_challenge + card_challenge
