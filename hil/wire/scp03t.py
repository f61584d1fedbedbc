"""SCP03t, the secure channel of ES8 that carries a profile into an ISD-P: GSMA SGP.02.

The SM-DP's end is :class:`TlvHostSession`, or :class:`PreparedTlvSession` when the card is absent;
the card's end is :class:`TlvCardSession`. Keys and derivation are those of :mod:`hil.wire.scp03`.
"""

from __future__ import annotations

from hil.wire.scp03t_card import TlvCardSession, parse_tlv_initialize_update
from hil.wire.scp03t_host import PreparedTlv, PreparedTlvSession, TlvHostSession
from hil.wire.scp03t_tlv import (
    EXTERNAL_AUTHENTICATE,
    INITIALIZE_UPDATE,
    LONGEST,
    REPLACE_SESSION_KEYS,
    SECURED_DATA,
    ErrorCode,
    TlvRefusedError,
    TlvRules,
    code_of,
    error_answer,
    room,
)

__all__ = [
    "EXTERNAL_AUTHENTICATE",
    "INITIALIZE_UPDATE",
    "LONGEST",
    "REPLACE_SESSION_KEYS",
    "SECURED_DATA",
    "ErrorCode",
    "PreparedTlv",
    "PreparedTlvSession",
    "TlvCardSession",
    "TlvHostSession",
    "TlvRefusedError",
    "TlvRules",
    "code_of",
    "error_answer",
    "parse_tlv_initialize_update",
    "room",
]
