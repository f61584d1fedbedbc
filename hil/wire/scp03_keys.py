"""Keys of SCP03 and what is derived from them: GlobalPlatform Amendment D, sections 4.1 and 6.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hil.errors import CodecError
from hil.wire.aes import Mac, check_key

S8: Final = 8
S16: Final = 16
SIZES: Final = (S8, S16)
"""Bytes of a challenge, of a cryptogram and of a MAC on the wire, by mode of the channel."""

SGP02_OPTION: Final = 0x70
"""Parameter *i* that SGP.02 asks for: pseudo-random challenge, R-MAC, R-ENCRYPTION, S8 mode."""

_CARD_CRYPTOGRAM: Final = 0x00
_HOST_CRYPTOGRAM: Final = 0x01
_CARD_CHALLENGE: Final = 0x02
_S_ENC: Final = 0x04
_S_MAC: Final = 0x06
_S_RMAC: Final = 0x07


@dataclass(frozen=True, slots=True)
class KeySet:
    """Three static AES keys of one length (16, 24 or 32 bytes) under one key version number.

    ``option``: the parameter *i* of the set on the card that owns it. A host need not know it: the
    card tells it in the answer to INITIALIZE UPDATE.
    """

    kvn: int
    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    dek: bytes = field(repr=False)
    option: int = SGP02_OPTION

    def __post_init__(self) -> None:
        if not 0 <= self.option <= 0x7F:
            raise CodecError(f"SCP03 parameter i={self.option:X} is outside 00 to 7F")
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
    """Return the session keys for two challenges of 8 bytes, or of 16 in S16 mode."""
    context = _context(host_challenge, card_challenge)
    bits = 8 * len(keys.enc)
    return SessionKeys(
        enc=derive(keys.enc, _S_ENC, context, bits=bits),
        mac=derive(keys.mac, _S_MAC, context, bits=bits),
        # K-MAC also gives S-RMAC: there is no third static key for it.
        rmac=derive(keys.mac, _S_RMAC, context, bits=bits),
    )


def card_challenge(keys: KeySet, counter: int, aid: bytes, *, size: int = S8) -> bytes:
    """Return the pseudo-random challenge of ``size`` bytes a card with i = x1x gives for a counter.

    ``aid`` is that of the addressed security domain. Whoever holds the keys can say it beforehand.
    """
    return derive(keys.enc, _CARD_CHALLENGE, counter_bytes(counter) + aid, bits=8 * size)


def card_cryptogram(session: SessionKeys, host_challenge: bytes, card_challenge: bytes) -> bytes:
    """Return the bytes, as many as a challenge has, by which the card shows its keys."""
    context = _context(host_challenge, card_challenge)
    return derive(session.mac, _CARD_CRYPTOGRAM, context, bits=8 * len(card_challenge))


def host_cryptogram(session: SessionKeys, host_challenge: bytes, card_challenge: bytes) -> bytes:
    """Return the bytes, as many as a challenge has, by which the host shows its keys."""
    context = _context(host_challenge, card_challenge)
    return derive(session.mac, _HOST_CRYPTOGRAM, context, bits=8 * len(host_challenge))


def counter_bytes(counter: int) -> bytes:
    """Return the 3 bytes of a sequence counter."""
    if not 0 <= counter <= 0xFFFFFF:
        raise CodecError(f"sequence counter {counter} does not fit 3 bytes")
    return counter.to_bytes(3, "big")


def _context(host_challenge: bytes, card_challenge: bytes) -> bytes:
    if len(host_challenge) not in SIZES or len(card_challenge) != len(host_challenge):
        raise CodecError(
            "both challenges have 8 bytes in S8 mode and 16 in S16 mode, "
            f"not {len(host_challenge)} (host) and {len(card_challenge)} (card)"
        )
    return host_challenge + card_challenge
