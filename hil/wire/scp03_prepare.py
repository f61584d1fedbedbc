"""Whole SCP03 sessions made with the card absent.

With a pseudo-random challenge (i = x1x) everything a session says, on both sides, follows from the
keys, the sequence counter, the AID and the host challenge. GlobalPlatform calls it offline
preparation of personalisation scripts. A prepared session is good for one counter value only.

Compare the real answer to INITIALIZE UPDATE with :attr:`PreparedExchange.expected` **before**
sending EXTERNAL AUTHENTICATE: when they differ, nothing on the card has changed yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.wire.apdu import ResponseApdu
from hil.wire.scp03_channel import ResponseRules, size_of
from hil.wire.scp03_handshake import DEFAULT_LEVEL, CardHandshake, InitializeUpdate
from hil.wire.scp03_host import HostSession
from hil.wire.scp03_keys import KeySet, SessionKeys, card_challenge
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.wire.apdu import CommandApdu

DONE: Final = ResponseApdu(b"", OK)


@dataclass(frozen=True, slots=True)
class PreparedExchange:
    """A command as it goes to the card, and the answer to expect."""

    command: CommandApdu
    expected: ResponseApdu


def expected_initialize_update(
    keys: KeySet,
    request: InitializeUpdate,
    *,
    counter: int,
    aid: bytes,
    option: int | None = None,
    diversification: bytes = bytes(10),
) -> bytes:
    """Return what the card with these keys and this counter must answer: 32 bytes, 48 in S16 mode.

    ``option`` is that of the key set unless given; :class:`CodecError` without PSEUDO_RANDOM.
    """
    option = keys.option if option is None else option
    handshake = CardHandshake(
        keys,
        request,
        card_challenge=card_challenge(keys, counter, aid, size=size_of(option)),
        counter=counter,
        option=option,
        diversification=diversification,
    )
    return handshake.answer.encode()


class PreparedSession:
    """Makes one session's exchanges in their order, with no card at hand."""

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
        rules: ResponseRules | None = None,
    ) -> None:
        self._session = HostSession(keys, host_challenge, rules=rules or ResponseRules())
        request = self._session.initialize_update()
        answer = ResponseApdu(
            expected_initialize_update(
                keys,
                InitializeUpdate(keys.kvn, 0, host_challenge),
                counter=counter,
                aid=aid,
                option=option,
                diversification=diversification,
            ),
            OK,
        )
        self._session.open(answer, aid=aid)
        self.opening: Final = (
            PreparedExchange(request, answer),
            PreparedExchange(self._session.external_authenticate(level), DONE),
        )
        """INITIALIZE UPDATE and EXTERNAL AUTHENTICATE."""

    @property
    def session_keys(self) -> SessionKeys:
        """The keys of this session."""
        return self._session.session_keys

    def exchange(self, command: CommandApdu, plain: ResponseApdu = DONE) -> PreparedExchange:
        """Protect the next command; ``plain`` is the answer to expect, before protection."""
        wrapped = self._session.wrap(command)
        return PreparedExchange(wrapped, self._session.expected(plain))
