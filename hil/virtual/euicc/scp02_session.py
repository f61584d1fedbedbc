"""Secure channels of an operator's security domain: SCP03, and SCP02 with 3DES keys."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.key_store import DEK, ENC, MAC, KeyType, StoredKey
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.secure_session import SCP03_VERSIONS, SecureChannels, SecureSession
from hil.wire import scp02
from hil.wire.scp02 import OPTION_PSEUDO_RANDOM, DesKeySet, Scp02Error

if TYPE_CHECKING:
    from hil.virtual.euicc.authentication_limit import AuthenticationLimit
    from hil.virtual.euicc.factory import CounterMoves
    from hil.virtual.euicc.key_store import KeyStore
    from hil.wire.apdu import CommandApdu, ResponseApdu

SCP02_VERSIONS: Final = range(0x20, 0x30)
_LAST_COUNTER: Final = 0xFFFF
_CHALLENGE: Final = 8
_DES_TYPES: Final = (KeyType.DES, KeyType.TDES_CBC)


class DomainChannels(SecureChannels):
    """Opens sessions with the domains of a profile; ``owner`` is the AID of its ISD-P.

    ``option``: SCP02 with a random (15) or pseudo-random (55) card challenge.
    """

    def __init__(
        self,
        store: KeyStore,
        counter_moves: CounterMoves,
        owner: bytes,
        option: int = OPTION_PSEUDO_RANDOM,
        *,
        limit: AuthenticationLimit,
    ) -> None:
        super().__init__(store, counter_moves, scope=owner, limit=limit)
        self._keys = store
        self._owner = owner
        self._option = option

    def begin(self, aid: bytes, command: CommandApdu) -> SecureSession | Scp02Session:
        """Begin a session for INITIALIZE UPDATE, of the protocol that the key set is for."""
        kvn = command.p1 or next(
            (
                one
                for one in self._keys.versions(self._owner + aid)
                if one in SCP02_VERSIONS or one in SCP03_VERSIONS
            ),
            0,
        )
        if kvn not in SCP02_VERSIONS:
            return self.initialize(aid, command)
        if command.p2:
            raise RefusalError(0x6A86, "key identifier of INITIALIZE UPDATE")
        if len(command.data) != _CHALLENGE:
            raise RefusalError(0x6700, "host challenge must have 8 bytes")
        keys = self._des_keys(aid, kvn)
        self._limit.admit(self._owner + aid, kvn)
        counter = self._keys.counter(self._owner + aid, kvn)
        if counter > _LAST_COUNTER:
            raise RefusalError(0x6983, f"counter of key set {kvn:02X} is used up")
        challenge = secrets.token_bytes(6)
        if self._option == OPTION_PSEUDO_RANDOM:
            challenge = scp02.pseudo_random_challenge(keys, counter, aid)
        session = scp02.CardSession(keys, command.data, card_challenge=challenge, counter=counter)
        return Scp02Session(self, aid, kvn, session, counter)

    def used(self, aid: bytes, kvn: int, counter: int) -> None:
        """Move the counter of a key set behind a session that was opened."""
        self._limit.succeeded(self._owner + aid, kvn)
        self._keys.set_counter(self._owner + aid, kvn, counter + 1)

    def _des_keys(self, aid: bytes, kvn: int) -> DesKeySet:
        found = [self._keys.key(self._owner + aid, kvn, one) for one in (ENC, MAC, DEK)]
        values = [one.value for one in found if one is not None and one.kind in _DES_TYPES]
        if len(values) != len(found):
            raise RefusalError(0x6A88, f"no SCP02 key set {kvn:02X}")
        try:
            return DesKeySet(kvn, *values)
        except CodecError as err:
            raise RefusalError(0x6A88, str(err)) from err


class Scp02Session:
    """One SCP02 session on one channel."""

    proof_bytes = 16

    def __init__(
        self,
        channels: DomainChannels,
        aid: bytes,
        kvn: int,
        session: scp02.CardSession,
        counter: int,
    ) -> None:
        self._channels = channels
        self._aid = aid
        self.kvn = kvn
        self._session = session
        self._counter = counter

    @property
    def open(self) -> bool:
        """Whether the other end has authenticated itself."""
        return self._session.open

    @property
    def dek(self) -> StoredKey:
        """The session key that enciphers keys."""
        return StoredKey(KeyType.DES, self._session.dek)

    def answer(self) -> ResponseApdu:
        """Return the answer to INITIALIZE UPDATE."""
        return self._session.answer()

    def authenticate(self, command: CommandApdu) -> ResponseApdu:
        """Check EXTERNAL AUTHENTICATE; the counter is stored before 9000 goes out."""
        if command.p1 not in scp02.LEVELS:
            raise RefusalError(0x6A86, f"security level {command.p1:02X} of SCP02")
        self._channels.attempted(self._aid, self.kvn)
        try:
            answer = self._session.authenticate(command)
        except Scp02Error as err:
            raise RefusalError(err.sw, str(err)) from err
        self._channels.used(self._aid, self.kvn, self._counter)
        return answer

    def unwrap(self, command: CommandApdu) -> CommandApdu:
        """Return the plain command; a refusal ends the session."""
        try:
            return self._session.unwrap(command)
        except Scp02Error as err:
            raise RefusalError(err.sw, str(err)) from err

    def wrap(self, answer: ResponseApdu) -> ResponseApdu:
        """Return the answer as it is: SCP02 without R-MAC."""
        return answer
