"""What an actor answers when it will not do what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from hil.errors import ProductRefusal


class RefusalCode(StrEnum):
    """Why a request was refused; the same word goes over HTTP."""

    INCOMPLETE = "incomplete"
    INVALID = "invalid"
    UNKNOWN_PEER = "unknown-peer"
    NOT_AUTHENTICATED = "not-authenticated"
    NOT_ALLOWED = "not-allowed"
    UNKNOWN = "unknown"
    WRONG_STATE = "wrong-state"
    POLICY = "policy"
    EXISTS = "exists"
    DAMAGED = "damaged"
    BAD_SIGNATURE = "bad-signature"
    DEVICE_REFUSED = "device-refused"
    ATTEMPTS_EXHAUSTED = "attempts-exhausted"
    NO_ROUTE = "no-route"
    CARD_REFUSED = "card-refused"
    TOO_LARGE = "too-large"
    EXPIRED = "expired"
    NO_MEMORY = "no-memory"


class Refusal(ProductRefusal):
    """An actor refused a request; nothing has changed, and ``code`` tells why.

    ``details`` holds what a program may want (``{"packet": 7}``), never a secret.
    """

    def __init__(
        self,
        code: RefusalCode,
        reason: str,
        details: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.details: dict[str, str | int] = dict(details or {})
