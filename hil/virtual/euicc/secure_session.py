"""SCP03 sessions of the card: key set, challenge, counter (GlobalPlatform Amendment D)."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.factory import CounterMoves
from hil.virtual.euicc.key_store import KeyType, StoredKey
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.scp03 import (
    CardSession,
    InitializeUpdate,
    KeySet,
    Option,
    SecureChannelError,
    card_challenge,
    parse_initialize_update,
)
from hil.wire.scp03_channel import size_of
from hil.wire.scp03_keys import SIZES

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.authentication_limit import AuthenticationLimit
    from hil.virtual.euicc.key_store import KeyStore
    from hil.wire.apdu import CommandApdu, ResponseApdu

log = logging.getLogger(__name__)

SCP03_VERSIONS: Final = range(0x30, 0x40)
LAST_COUNTER: Final = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Offer:
    """Key set, counter value and challenge of a session about to be opened.

    ``counter`` is ``None`` where the key set's parameter *i* asks for a random challenge.
    """

    keys: KeySet
    counter: int | None
    challenge: bytes


class SecureChannels:
    """Opens the SCP03 sessions of all domains and moves their counters.

    ``random`` gives that many random bytes, for key sets without a pseudo-random challenge.
    ``scope``: what stands before the AID in the names of the key store (an operator's domain).
    """

    def __init__(
        self,
        store: KeyStore,
        counter_moves: CounterMoves,
        random: Callable[[int], bytes] = secrets.token_bytes,
        *,
        limit: AuthenticationLimit,
        scope: bytes = b"",
    ) -> None:
        self._limit = limit
        self._scope = scope
        self._store = store
        self._moves = counter_moves
        self._random = random

    def offer(self, aid: bytes, kvn: int, size: int) -> Offer:
        """Choose the key set for a domain, KVN 00 for its first; 6A88 if there is none.

        6700 when a host challenge of ``size`` bytes is not that of its mode, 6983 when its counter
        is used up or failed attempts hold it up.
        """
        domain = self._scope + aid
        if kvn == 0:
            kvn = next((one for one in self._store.versions(domain) if one in SCP03_VERSIONS), 0)
        keys = self._store.find(domain, kvn) if kvn in SCP03_VERSIONS else None
        if keys is None:
            raise RefusalError(0x6A88, f"no SCP03 key set {kvn:02X}")
        self._limit.admit(domain, kvn)
        if size != size_of(keys.option):
            raise RefusalError(0x6700, f"host challenge of {size} bytes, key set {kvn:02X}")
        if not keys.option & Option.PSEUDO_RANDOM:
            return Offer(keys, None, self._random(size))
        counter = self._store.counter(domain, kvn) + 1
        if counter > LAST_COUNTER:
            raise RefusalError(0x6983, f"counter of key set {kvn:02X} is used up")
        if self._moves is CounterMoves.AT_INITIALISATION:
            self._store.set_counter(domain, kvn, counter)
        return Offer(keys, counter, card_challenge(keys, counter, aid, size=size))

    def attempted(self, aid: bytes, kvn: int) -> None:
        """Count an attempt, before it is looked at."""
        self._limit.begin(self._scope + aid, kvn)

    def authenticated(self, aid: bytes, offer: Offer) -> None:
        """Store the counter of a session whose other end has shown that it has the keys."""
        self._limit.succeeded(self._scope + aid, offer.keys.kvn)
        if self._moves is CounterMoves.AT_AUTHENTICATION and offer.counter is not None:
            self._store.set_counter(self._scope + aid, offer.keys.kvn, offer.counter)

    def initialize(self, aid: bytes, command: CommandApdu) -> SecureSession:
        """Begin a session for INITIALIZE UPDATE."""
        if command.p2:
            raise RefusalError(0x6A86, "key identifier of INITIALIZE UPDATE")
        if len(command.data) not in SIZES:
            raise RefusalError(0x6700, "a host challenge has 8 or 16 bytes")
        request = parse_initialize_update(command)
        return SecureSession(self, aid, self.offer(aid, command.p1, len(command.data)), request)


class SecureSession:
    """One SCP03 session on one channel, with one domain."""

    def __init__(
        self, channels: SecureChannels, aid: bytes, offer: Offer, request: InitializeUpdate
    ) -> None:
        self._channels = channels
        self._aid = aid
        self._offer = offer
        self._session = CardSession(
            offer.keys, request, challenge=offer.challenge, counter=offer.counter
        )

    @property
    def open(self) -> bool:
        """Whether the other end has authenticated itself."""
        return self._session.level > 0

    @property
    def proof_bytes(self) -> int:
        """Bytes of data in EXTERNAL AUTHENTICATE: host cryptogram and C-MAC."""
        return 2 * size_of(self._offer.keys.option)

    def answer(self) -> ResponseApdu:
        """Return the answer to INITIALIZE UPDATE."""
        return self._session.answer()

    def authenticate(self, command: CommandApdu) -> ResponseApdu:
        """Check EXTERNAL AUTHENTICATE; the counter is stored before 9000 goes out."""
        self._channels.attempted(self._aid, self.kvn)
        try:
            answer = self._session.authenticate(command)
        except SecureChannelError as err:
            raise RefusalError(err.sw, str(err)) from err
        self._channels.authenticated(self._aid, self._offer)
        counter = self._offer.counter
        shown = "random challenge" if counter is None else f"counter {counter:06X}"
        log.info("SCP03 session with key set %02X, %s", self.kvn, shown)
        return answer

    @property
    def kvn(self) -> int:
        """Key version number of the session."""
        return self._offer.keys.kvn

    @property
    def dek(self) -> StoredKey:
        """The key that enciphers keys: the static DEK (Amendment D, 7.2)."""
        return StoredKey(KeyType.AES, self._offer.keys.dek)

    def unwrap(self, command: CommandApdu) -> CommandApdu:
        """Return the plain command; a refusal ends the session."""
        try:
            return self._session.unwrap(command)
        except SecureChannelError as err:
            raise RefusalError(err.sw, str(err)) from err
        except CodecError as err:
            raise RefusalError(0x6982, str(err)) from err

    def wrap(self, answer: ResponseApdu) -> ResponseApdu:
        """Protect the answer to the command unwrapped last."""
        return self._session.wrap(answer)
