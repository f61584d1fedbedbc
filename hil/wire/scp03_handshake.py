"""INITIALIZE UPDATE and EXTERNAL AUTHENTICATE, in the bodies that SCP03 and SCP03t share.

GlobalPlatform Amendment D, sections 6.2.2 and 7.1. The mode, S8 or S16, shows in the length of the
host challenge, and the card names it in its parameter *i*.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import scp03_keys as kdf
from hil.wire.scp03_channel import (
    Channel,
    CryptogramError,
    Option,
    check_level,
    check_option,
    size_of,
)

SCP03: Final = 0x03
DEFAULT_LEVEL: Final = 0x33

_HEAD: Final = 13
"""Diversification data, key version number, protocol, parameter i."""


@dataclass(frozen=True, slots=True)
class InitializeUpdate:
    """Key version number (00 = the card's first), key id, host challenge of 8 or 16 bytes."""

    kvn: int
    key_id: int
    host_challenge: bytes

    def __post_init__(self) -> None:
        if len(self.host_challenge) not in kdf.SIZES:
            raise CodecError(
                "a host challenge has 8 bytes in S8 mode and 16 in S16 mode, "
                f"not {len(self.host_challenge)}"
            )


@dataclass(frozen=True, slots=True)
class InitializeUpdateAnswer:
    """What the card answers; ``counter`` is there only with a pseudo-random challenge."""

    diversification: bytes
    kvn: int
    option: int
    card_challenge: bytes
    card_cryptogram: bytes
    counter: int | None

    def encode(self) -> bytes:
        """Return 29 bytes, or 45 in S16 mode; 3 more with the counter."""
        return b"".join(
            (
                self.diversification,
                bytes((self.kvn, SCP03, self.option)),
                self.card_challenge,
                self.card_cryptogram,
                b"" if self.counter is None else kdf.counter_bytes(self.counter),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the answer's data; :class:`CodecError` for another protocol, mode or length."""
        if len(raw) < _HEAD:
            raise CodecError(f"INITIALIZE UPDATE answer of {len(raw)} bytes is too short")
        protocol, option = raw[11], raw[12]
        if protocol != SCP03:
            raise CodecError(f"card speaks SCP{protocol:02X}, not SCP03")
        pseudo_random = bool(option & Option.PSEUDO_RANDOM)
        size = size_of(option)
        end = _HEAD + 2 * size
        expected = end + (3 if pseudo_random else 0)
        if len(raw) != expected:
            raise CodecError(
                f"INITIALIZE UPDATE answer with i={option:02X} has {expected} bytes, not {len(raw)}"
            )
        counter = int.from_bytes(raw[end:], "big") if pseudo_random else None
        challenge, cryptogram = raw[_HEAD : _HEAD + size], raw[_HEAD + size : end]
        return cls(raw[:10], raw[10], option, challenge, cryptogram, counter)


class HostHandshake:
    """The host's half: asks, checks the card's cryptogram, and opens the channel."""

    def __init__(self, keys: kdf.KeySet, host_challenge: bytes, *, key_id: int = 0) -> None:
        self._keys = keys
        self.request = InitializeUpdate(keys.kvn, key_id, bytes(host_challenge))
        self._answer: InitializeUpdateAnswer | None = None
        self._session: kdf.SessionKeys | None = None

    def accept(self, raw: bytes, *, aid: bytes | None = None) -> None:
        """Take the card's answer; :class:`CryptogramError` when the card has other keys.

        With ``aid`` (of the security domain addressed), a pseudo-random challenge is also checked
        against its counter.
        """
        answer = InitializeUpdateAnswer.decode(raw)
        if self.request.kvn and answer.kvn != self.request.kvn:
            raise CodecError(
                f"card answered with key set {answer.kvn:02X}; {self.request.kvn:02X} was asked for"
            )
        host = self.request.host_challenge
        size = len(answer.card_challenge)
        if len(host) != size:
            raise CodecError(
                f"card with i={answer.option:02X} speaks S{size}: it wants a host challenge of "
                f"{size} bytes, not {len(host)}"
            )
        session = kdf.derive_session(self._keys, host, answer.card_challenge)
        expected = kdf.card_cryptogram(session, host, answer.card_challenge)
        if not hmac.compare_digest(expected, answer.card_cryptogram):
            raise CryptogramError(
                f"card cryptogram does not fit key set {answer.kvn:02X}: other keys or another card"
            )
        if (
            aid is not None
            and answer.counter is not None
            and kdf.card_challenge(self._keys, answer.counter, aid, size=size)
            != answer.card_challenge
        ):
            raise CryptogramError(
                f"card challenge is not that of counter {answer.counter:06X} and this AID"
            )
        self._answer, self._session = answer, session

    @property
    def answer(self) -> InitializeUpdateAnswer:
        """The accepted answer."""
        if self._answer is None:
            raise CodecError("the answer to INITIALIZE UPDATE has not been taken yet")
        return self._answer

    @property
    def session_keys(self) -> kdf.SessionKeys:
        """The session keys, known after the answer."""
        if self._session is None:
            raise CodecError("the answer to INITIALIZE UPDATE has not been taken yet")
        return self._session

    def channel(self, level: int) -> tuple[Channel, bytes]:
        """Return the channel at its start, and level and cryptogram for the next message."""
        check_level(level, self.answer.option)
        cryptogram = kdf.host_cryptogram(
            self.session_keys, self.request.host_challenge, self.answer.card_challenge
        )
        return Channel(self.session_keys, level, len(cryptogram)), cryptogram


class CardHandshake:
    """The card's half. The card chooses key set, challenge and counter; this computes."""

    def __init__(
        self,
        keys: kdf.KeySet,
        request: InitializeUpdate,
        *,
        card_challenge: bytes,
        counter: int | None,
        option: int | None = None,
        diversification: bytes = bytes(10),
    ) -> None:
        option = keys.option if option is None else option
        check_option(option)
        if (counter is not None) != bool(option & Option.PSEUDO_RANDOM):
            raise CodecError(f"a counter goes with a pseudo-random challenge, i={option:02X}")
        if len(card_challenge) != size_of(option):
            raise CodecError(
                f"a card challenge with i={option:02X} has {size_of(option)} bytes, "
                f"not {len(card_challenge)}"
            )
        if len(diversification) != 10:
            raise CodecError(f"diversification data has 10 bytes, not {len(diversification)}")
        self.session_keys = kdf.derive_session(keys, request.host_challenge, card_challenge)
        self._request = request
        self.answer = InitializeUpdateAnswer(
            diversification,
            keys.kvn,
            option,
            card_challenge,
            kdf.card_cryptogram(self.session_keys, request.host_challenge, card_challenge),
            counter,
        )

    def channel(self, level: int, cryptogram: bytes) -> Channel:
        """Check the host's cryptogram and return the channel at its start."""
        check_level(level, self.answer.option)
        expected = kdf.host_cryptogram(
            self.session_keys, self._request.host_challenge, self.answer.card_challenge
        )
        if not hmac.compare_digest(expected, cryptogram):
            raise CryptogramError("host cryptogram is wrong: the host has other keys")
        return Channel(self.session_keys, level, len(cryptogram))
