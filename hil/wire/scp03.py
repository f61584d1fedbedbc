"""SCP03 in APDUs, both ends: GlobalPlatform Amendment D.

The host's end::

    session = HostSession(keys, host_challenge)
    session.open(card.send(session.initialize_update()))
    card.send(session.external_authenticate(level=0x33))
    answer = session.unwrap(card.send(session.wrap(command)))

Nothing here draws random numbers or keeps counters: challenges come from the caller, and a card
decides by itself which key set, challenge and counter it uses. :mod:`hil.wire.scp03_prepare` makes
whole sessions with the card absent.
"""

from __future__ import annotations

from hil.wire.aes import kcv
from hil.wire.put_key import PutKey, put_key
from hil.wire.scp03_card import CardSession, parse_initialize_update
from hil.wire.scp03_channel import (
    CommandMacError,
    CryptogramError,
    Level,
    LevelError,
    Option,
    ResponseMacError,
    ResponseRules,
    SecureChannelError,
)
from hil.wire.scp03_handshake import InitializeUpdate, InitializeUpdateAnswer
from hil.wire.scp03_host import HostSession
from hil.wire.scp03_keys import (
    KeySet,
    SessionKeys,
    card_challenge,
    card_cryptogram,
    derive_session,
    host_cryptogram,
)
from hil.wire.scp03_prepare import PreparedExchange, PreparedSession, expected_initialize_update

__all__ = [
    "CardSession",
    "CommandMacError",
    "CryptogramError",
    "HostSession",
    "InitializeUpdate",
    "InitializeUpdateAnswer",
    "KeySet",
    "Level",
    "LevelError",
    "Option",
    "PreparedExchange",
    "PreparedSession",
    "PutKey",
    "ResponseMacError",
    "ResponseRules",
    "SecureChannelError",
    "SessionKeys",
    "card_challenge",
    "card_cryptogram",
    "derive_session",
    "expected_initialize_update",
    "host_cryptogram",
    "kcv",
    "parse_initialize_update",
    "put_key",
]
