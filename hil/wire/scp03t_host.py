"""The SM-DP's end of SCP03t, with the card at hand or absent: GSMA SGP.02, ES8."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.aes import ZERO_BLOCK
from hil.wire.scp03_channel import Channel, ResponseMacError
from hil.wire.scp03_handshake import (
    DEFAULT_LEVEL,
    HostHandshake,
    InitializeUpdate,
    InitializeUpdateAnswer,
)
from hil.wire.scp03_keys import KeySet, SessionKeys
from hil.wire.scp03_prepare import expected_initialize_update
from hil.wire.scp03t_tlv import (
    EXTERNAL_AUTHENTICATE,
    INITIALIZE_UPDATE,
    LONGEST,
    REPLACE_SESSION_KEYS,
    SECURED_DATA,
    TlvRules,
    head,
    read,
)

_DEFAULT_RULES: Final = TlvRules()


class TlvHostSession:
    """Makes the commands of one session as whole data objects, and reads the answers."""

    def __init__(
        self,
        keys: KeySet,
        host_challenge: bytes,
        *,
        key_id: int = 0,
        rules: TlvRules = _DEFAULT_RULES,
        limit: int = LONGEST,
    ) -> None:
        self._handshake = HostHandshake(keys, host_challenge, key_id=key_id)
        self._rules = rules
        self._limit = limit
        self._channel: Channel | None = None
        self._tag = INITIALIZE_UPDATE

    @property
    def request(self) -> InitializeUpdate:
        """What 84 asks for."""
        return self._handshake.request

    @property
    def answer(self) -> InitializeUpdateAnswer:
        """What the card answered to 84."""
        return self._handshake.answer

    @property
    def session_keys(self) -> SessionKeys:
        """S-ENC, S-MAC, S-RMAC, known after :meth:`open`."""
        return self._handshake.session_keys

    def initialize_update(self) -> bytes:
        """Return data object 84."""
        request = self.request
        value = bytes((request.kvn, request.key_id)) + request.host_challenge
        return tlv.encode(INITIALIZE_UPDATE, value)

    def open(self, answer: bytes, *, aid: bytes | None = None) -> None:
        """Take the answer to 84; errors as in :meth:`hil.wire.scp03.HostSession.open`."""
        self._handshake.accept(read(answer, INITIALIZE_UPDATE), aid=aid)

    def external_authenticate(self, level: int = DEFAULT_LEVEL) -> bytes:
        """Return data object 85."""
        secure, cryptogram = self._handshake.channel(level)
        self._channel = secure
        return self._signed(EXTERNAL_AUTHENTICATE, bytes((level,)) + cryptogram)

    def wrap(self, data: bytes) -> bytes:
        """Return data object 86 around a piece of the profile, in the order of sending."""
        return self._secured(SECURED_DATA, data)

    def replace_session_keys(self, keys: SessionKeys, *, chain: bytes = ZERO_BLOCK) -> bytes:
        """Return data object 87 and go on with other session keys.

        The layout, chaining value ‖ ENC ‖ MAC ‖ RMAC, and the counter's new start at zero are
        recalled from the standard and not confirmed by a card.
        """
        sent = self._secured(REPLACE_SESSION_KEYS, chain + keys.enc + keys.mac + keys.rmac)
        old = self._opened()
        self._channel = Channel(keys, old.level, old.mac_bytes)
        self._channel.chain = chain
        return sent

    def kept(self) -> Self:
        """Return this session as it is now: it opens the answer to the last command later."""
        kept = copy.copy(self)
        kept._channel = copy.copy(self._channel)
        return kept

    def unwrap(self, answer: bytes) -> bytes:
        """Return the plain answer to the last command.

        :class:`~hil.wire.scp03t_tlv.TlvRefusedError` for an error TLV,
        :class:`ResponseMacError` for a wrong R-MAC.
        """
        value = read(answer, self._tag)
        if not self._protects(value):
            if value and self._tag == EXTERNAL_AUTHENTICATE:
                raise ResponseMacError(f"answer to 85 has {len(value)} bytes where none were due")
            return value
        return self._opened().open_response(value, head=head(self._tag, len(value)))

    def expected(self, plain: bytes = b"") -> bytes:
        """Return what the card must send when its plain answer to the last command is ``plain``."""
        if not self._protects(plain):
            return tlv.encode(self._tag, plain)
        return seal(self._opened(), self._tag, plain)

    def _protects(self, value: bytes) -> bool:
        if self._tag == EXTERNAL_AUTHENTICATE:
            return self._rules.mac_on_authenticate
        return bool(value) or self._rules.mac_on_empty

    def _secured(self, tag: int, data: bytes) -> bytes:
        secure = self._opened()
        length = secure.command_length(len(data))
        if len(head(tag, length)) + length > self._limit:
            raise CodecError(
                f"{len(data)} bytes do not fit one SCP03t data object of at most {self._limit}"
            )
        return self._signed(tag, secure.encipher(data))

    def _signed(self, tag: int, data: bytes) -> bytes:
        secure = self._opened()
        start = head(tag, len(data) + secure.mac_bytes)
        self._tag = tag
        return start + data + secure.sign(start, data)

    def _opened(self) -> Channel:
        if self._channel is None:
            raise CodecError("the session is not open: data object 85 has not been made")
        return self._channel


def seal(secure: Channel, tag: int, plain: bytes) -> bytes:
    """Return an answer as a whole data object, protected as the level says."""
    length = secure.response_length(len(plain))
    start = head(tag, length)
    return start + secure.seal_response(plain, head=start)


@dataclass(frozen=True, slots=True)
class PreparedTlv:
    """A command as a whole data object, and the answer to expect as a whole data object."""

    command: bytes
    expected: bytes


class PreparedTlvSession:
    """Makes one SCP03t session in its order with the card absent; see ``scp03_prepare``."""

    def __init__(
        self,
        keys: KeySet,
        host_challenge: bytes,
        *,
        counter: int,
        aid: bytes,
        level: int = DEFAULT_LEVEL,
        option: int | None = None,
        diversification: bytes = bytes(10),
        rules: TlvRules = _DEFAULT_RULES,
        limit: int = LONGEST,
    ) -> None:
        self._session = TlvHostSession(keys, host_challenge, rules=rules, limit=limit)
        answer = expected_initialize_update(
            keys,
            self._session.request,
            counter=counter,
            aid=aid,
            option=option,
            diversification=diversification,
        )
        opened = PreparedTlv(
            self._session.initialize_update(), tlv.encode(INITIALIZE_UPDATE, answer)
        )
        self._session.open(opened.expected, aid=aid)
        authenticate = self._session.external_authenticate(level)
        self.opening: Final = (opened, PreparedTlv(authenticate, self._session.expected()))
        """The exchanges of 84 and 85."""

    @property
    def session_keys(self) -> SessionKeys:
        """The keys of this session."""
        return self._session.session_keys

    def exchange(self, data: bytes, plain: bytes = b"") -> PreparedTlv:
        """Protect the next piece in 86; ``plain`` is the answer to expect, before protection."""
        command = self._session.wrap(data)
        return PreparedTlv(command, self._session.expected(plain))
